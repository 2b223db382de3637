//! RFC 9449 §4 — DPoP: a caller shows with each request that it holds the key of its token

use crate::context::Context;
use crate::error::{Code, Denial, Fault};
use crate::jose::jwk::Algorithm;
use crate::jose::jws::Jws;
use crate::seal::{self, Kind};
use crate::secret::digest_of;
use crate::time::{Seconds, Timestamp};
use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::BASE64URL_NOPAD;
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};
use url::Url;

/// RFC 7638: names the key.
pub type Thumbprint = [u8; 32];

/// How old a proof may be, or how far ahead of us its maker's clock may run (RFC 9449 §11.1).
const WINDOW: Seconds = Seconds(60);
/// How long a nonce of ours is good (RFC 9449 §8).
const NONCE_LIFETIME: Seconds = Seconds::minutes(5);
/// How many proofs a node remembers; each is signed, so nobody fills this for nothing.
const REMEMBERED: usize = 100_000;

/// Proofs that were shown within the window, so that none is shown twice (RFC 9449 §11.1).
pub struct Replays(Cache<[u8; 32], ()>);

impl Default for Replays {
    fn default() -> Self {
        Self(Cache::new(REMEMBERED))
    }
}

impl std::fmt::Debug for Replays {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Replays({})", self.0.len())
    }
}

impl Replays {
    /// Whether it was not shown before.
    fn is_new(&self, key: [u8; 32]) -> bool {
        let mut new = false;
        let shown: Result<(), std::convert::Infallible> = self.0.get_or_insert_with(&key, || {
            new = true;
            Ok(())
        });
        shown.is_ok() && new
    }
}

/// RFC 9449 §4.2.
#[derive(Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    iat: i64,
    exp: Option<i64>,
    nbf: Option<i64>,
    nonce: Option<String>,
    ath: Option<String>,
}

impl Claims {
    /// RFC 7519 §4.1.4, §4.1.5: a proof needs neither; where its maker said one, it counts.
    fn holds_at(&self, now: Timestamp) -> bool {
        self.exp.is_none_or(|exp| Timestamp(exp) + WINDOW > now)
            && self.nbf.is_none_or(|nbf| Timestamp(nbf) <= now + WINDOW)
    }
}

/// What a proof shows.
#[derive(Debug, Clone, Copy)]
pub struct Proven {
    pub key: Thumbprint,
    pub algorithm: Algorithm,
}

/// What a proof is shown for.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    pub method: &'a str,
    /// The path of the request, as the caller sees it.
    pub path: &'a str,
    /// The token beside it, where there is one.
    pub access_token: Option<&'a str>,
}

const BAD: Denial = Code::InvalidDpopProof.because(
    "the DPoP proof does not hold: a dpop+jwt signed by the key in its header, with htm and htu of this request, a fresh iat and a new jti",
);
const OTHER_TOKEN: Denial =
    Code::InvalidDpopProof.because("ath in the DPoP proof must be the SHA-256 of the access token beside it");
const NONCE: Denial = Code::UseDpopNonce
    .because("put the nonce from the DPoP-Nonce header into the proof and send the request again");

/// RFC 9449 §4.3 — checks a proof, and says which key it proves.
pub fn check(cx: &Context, proof: &str, shown: &Shown<'_>) -> Result<Proven, Denial> {
    let jws = Jws::read(proof).filter(|jws| jws.is_of_type("dpop+jwt")).ok_or(BAD)?;
    let key = jws.own_key().filter(|key| jws.is_signed_by(key)).ok_or(BAD)?;
    let claims: Claims = jws.claims().ok_or(BAD)?;
    let age = cx.now - Timestamp(claims.iat);
    let made = Timestamp(claims.iat);
    let fresh = age <= WINDOW && age >= Seconds(-WINDOW.0) && cx.revoked.is_since(Some(made), made);
    if claims.htm != shown.method
        || !is_ours_at(cx, &claims.htu, shown.path)
        || !fresh
        || !claims.holds_at(cx.now)
        || claims.jti.is_empty()
    {
        return Err(BAD);
    }
    if shown.access_token.map(hash_of) != claims.ath {
        return Err(OTHER_TOKEN);
    }
    match &claims.nonce {
        Some(nonce) if !is_ours(cx, nonce) => return Err(NONCE),
        None if cx.settings.dpop_nonce_required => return Err(NONCE),
        _ => {}
    }
    let thumbprint = *key.thumbprint();
    if !cx.proofs.is_new(digest_of(&[&thumbprint, claims.jti.as_bytes()])) {
        return Err(BAD);
    }
    Ok(Proven { key: thumbprint, algorithm: jws.algorithm })
}

/// Whether it names this path here: at the issuer's address, or at the one where clients come with certificates (RFC 8705 §5).
fn is_ours_at(cx: &Context, htu: &str, path: &str) -> bool {
    is_same_target(htu, &cx.settings.url(path))
        || cx.settings.mutual_tls.at(path).is_some_and(|alias| is_same_target(htu, &alias))
}

/// RFC 9449 §4.2, `ath`.
fn hash_of(token: &str) -> String {
    BASE64URL_NOPAD.encode(digest(&SHA256, token.as_bytes()).as_ref())
}

/// RFC 9449 §4.3: after the normalisation of RFC 3986 §6.2.2 and §6.2.3, without query and fragment.
fn is_same_target(htu: &str, own: &str) -> bool {
    let normal = |text: &str| {
        let mut url = Url::parse(text).ok()?;
        url.set_query(None);
        url.set_fragment(None);
        Some(url)
    };
    normal(htu).is_some_and(|htu| normal(own) == Some(htu))
}

#[derive(Serialize, Deserialize)]
struct Nonce {
    expires_at: Timestamp,
}

/// RFC 9449 §8 — a nonce that any node knows as ours.
pub fn nonce(cx: &Context) -> Result<String, Fault> {
    let nonce = Nonce { expires_at: cx.now + NONCE_LIFETIME };
    cx.keys().sealing_at(cx.now)?.seal(Kind::DpopNonce, cx.nonce(), &nonce)
}

fn is_ours(cx: &Context, text: &str) -> bool {
    let opened = seal::open(cx.keys().sealing(), Kind::DpopNonce, text);
    opened.and_then(|opened| opened.record::<Nonce>()).is_some_and(|nonce| nonce.expires_at > cx.now)
}

/// The text form of a thumbprint: `jkt` (RFC 9449 §6.1), `dpop_jkt` (§10).
pub fn to_text(thumbprint: &[u8]) -> String {
    BASE64URL_NOPAD.encode(thumbprint)
}

/// Reads the text form.
pub fn parse(text: &str) -> Option<Thumbprint> {
    BASE64URL_NOPAD.decode(text.as_bytes()).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc9449_section_4_3_the_target_is_compared_after_normalisation_without_query() {
        let own = "https://id.example/oauth/token";
        for (htu, same) in [
            (own, true),
            ("HTTPS://ID.EXAMPLE:443/oauth/token", true),
            ("https://id.example/oauth/token?x=1#y", true),
            ("https://id.example/oauth/./token", true),
            ("https://id.example/oauth/token/", false),
            ("https://id.example/oauth/Token", false),
            ("http://id.example/oauth/token", false),
            ("https://id.example:8443/oauth/token", false),
            ("https://evil.example/oauth/token", false),
            ("/oauth/token", false),
            ("", false),
        ] {
            assert_eq!(is_same_target(htu, own), same, "{htu}");
        }
    }

    #[test]
    fn rfc9449_section_11_1_a_proof_is_new_once() {
        let replays = Replays::default();
        assert!(replays.is_new([1; 32]) && !replays.is_new([1; 32]) && replays.is_new([2; 32]));
    }
}
