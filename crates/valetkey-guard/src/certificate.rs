//! RFC 8705 §3 — tokens that are bound to the certificate of the client they were given to

use crate::caller::Caller;
use crate::refusal::Refusal;
use aws_lc_rs::digest;
use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;

const BOUND: Refusal =
    Refusal::Token("The access token is bound to a key, and this API cannot check the proof.");
const NONE_CAME: Refusal =
    Refusal::Token("The access token is bound to a certificate, and none came with this request.");
const ANOTHER: Refusal = Refusal::Token("The access token is bound to another certificate.");

/// The certificate by which a client proved itself in the TLS handshake of this very connection.
///
/// Whoever ends TLS puts it into the request's extensions before the guard's layer; behind a proxy, a middleware that
/// believes the proxy's header and nobody else's. Whether an authority vouches for it does not matter here: a token is
/// bound to the certificate itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerCertificate([u8; 32]);

impl PeerCertificate {
    /// Of the leaf certificate's DER bytes, as `rustls` has them in `peer_certificates()`.
    pub fn of_der(der: &[u8]) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest::digest(&digest::SHA256, der).as_ref());
        Self(hash)
    }
}

/// What a token is bound to (RFC 7800 §3.1): nothing, or a certificate and nothing else. Whoever holds a token that is bound
/// in another way has not shown that it is theirs.
fn bound(cnf: Option<&Value>) -> Result<Option<[u8; 32]>, Refusal> {
    let Some(cnf) = cnf else { return Ok(None) };
    let only = cnf.as_object().filter(|members| members.len() == 1).and_then(|own| own.get("x5t#S256"));
    let hash = only.and_then(Value::as_str).and_then(|text| BASE64URL_NOPAD.decode(text.as_bytes()).ok());
    hash.and_then(|bytes| bytes.try_into().ok()).map(Some).ok_or(BOUND)
}

/// Whether a token may be believed at all, whoever brings it.
pub(crate) fn check(cnf: Option<&Value>) -> Result<(), Refusal> {
    bound(cnf).map(drop)
}

/// Whether the token is in the hands of whom it was given to.
pub(crate) fn held(caller: Caller, shown: Option<&PeerCertificate>) -> Result<Caller, Refusal> {
    match (bound(caller.claims.get("cnf"))?, shown) {
        (None, _) => Ok(caller),
        (Some(_), None) => Err(NONE_CAME),
        (Some(hash), Some(shown)) if hash == shown.0 => Ok(caller),
        (Some(_), Some(_)) => Err(ANOTHER),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::Scope;
    use serde_json::{Map, json};

    #[test]
    fn rfc8705_section_3_a_bound_token_is_good_with_its_certificate_alone() {
        let (own, other) = (PeerCertificate::of_der(b"own"), PeerCertificate::of_der(b"other"));
        let hash = BASE64URL_NOPAD.encode(&own.0);
        for (cnf, with_own, with_other, without) in [
            (json!(null), None, None, None),
            (json!({"x5t#S256": hash}), None, Some(ANOTHER), Some(NONE_CAME)),
            (json!({"x5t#S256": hash, "jkt": "x"}), Some(BOUND), Some(BOUND), Some(BOUND)),
            (json!({"x5t#S256": hash[..40]}), Some(BOUND), Some(BOUND), Some(BOUND)),
            (json!({"x5t#S256": format!("{hash}=")}), Some(BOUND), Some(BOUND), Some(BOUND)),
            (json!({"x5t#S256": 1}), Some(BOUND), Some(BOUND), Some(BOUND)),
            (json!({"jkt": "x"}), Some(BOUND), Some(BOUND), Some(BOUND)),
            (json!({}), Some(BOUND), Some(BOUND), Some(BOUND)),
            (json!("x"), Some(BOUND), Some(BOUND), Some(BOUND)),
        ] {
            let mut claims = Map::new();
            if !cnf.is_null() {
                claims.insert("cnf".to_owned(), cnf.clone());
            }
            let caller = Caller { subject: "s".to_owned(), client: None, scope: Scope::default(), claims };
            for (shown, want) in [(Some(&own), with_own), (Some(&other), with_other), (None, without)] {
                assert_eq!(held(caller.clone(), shown).err(), want, "{cnf} {shown:?}");
            }
        }
    }
}
