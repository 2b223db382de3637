//! RFC 7517 §4, RFC 7518 §6, RFC 8037 §2 — a public key that says itself which algorithm it is for

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
};
use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;
use serde_json::Value;

/// Keys that are read of one set; no issuer has as many.
const MOST: usize = 64;

/// The algorithms that are believed: RFC 8725 §3.1, a list of ours and never the token's choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    EdDsa,
    Es256,
    Rs256,
}

impl Algorithm {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name {
            "EdDSA" => Some(Self::EdDsa),
            "ES256" => Some(Self::Es256),
            "RS256" => Some(Self::Rs256),
            _ => None,
        }
    }
}

/// A key of the issuer, parsed once.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) id: Option<String>,
    pub(crate) algorithm: Algorithm,
    public: ParsedPublicKey,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

#[derive(Deserialize)]
struct Jwks {
    keys: Vec<Value>,
}

/// The keys of a set that can verify access tokens; RFC 7517 §5 says to pass over the others.
pub(crate) fn read_set(json: &[u8]) -> Option<Vec<Key>> {
    let set: Jwks = serde_json::from_slice(json).ok()?;
    Some(set.keys.into_iter().take(MOST).filter_map(Key::read).collect())
}

impl Key {
    fn read(json: Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(json).ok()?;
        let for_signatures = jwk.purpose.as_deref().is_none_or(|purpose| purpose == "sig");
        let verifies = jwk.key_ops.as_ref().is_none_or(|ops| ops.iter().any(|op| op == "verify"));
        if !for_signatures || !verifies {
            return None;
        }
        let (algorithm, public) = jwk.public()?;
        if jwk.alg.as_deref().is_some_and(|name| Algorithm::parse(name) != Some(algorithm)) {
            return None;
        }
        Some(Self { id: jwk.kid, algorithm, public })
    }

    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.public.verify_sig(message, signature).is_ok()
    }
}

impl Jwk {
    /// The kind of key decides the algorithm, so that no key serves two.
    fn public(&self) -> Option<(Algorithm, ParsedPublicKey)> {
        match (self.kty.as_str(), self.crv.as_deref()) {
            ("OKP", Some("Ed25519")) => {
                let x = exactly(32, self.x.as_deref())?;
                Some((Algorithm::EdDsa, ParsedPublicKey::new(&ED25519, x).ok()?))
            }
            ("EC", Some("P-256")) => {
                // SEC 1 §2.3.3: 0x04, then x and y of 32 bytes each.
                let (x, y) = (exactly(32, self.x.as_deref())?, exactly(32, self.y.as_deref())?);
                let point = [&[4], x.as_slice(), y.as_slice()].concat();
                Some((Algorithm::Es256, ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).ok()?))
            }
            ("RSA", None) => {
                let parts =
                    RsaPublicKeyComponents { n: bytes(self.n.as_deref())?, e: bytes(self.e.as_deref())? };
                Some((Algorithm::Rs256, parts.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256).ok()?))
            }
            _ => None,
        }
    }
}

fn bytes(text: Option<&str>) -> Option<Vec<u8>> {
    BASE64URL_NOPAD.decode(text?.as_bytes()).ok()
}

fn exactly(length: usize, text: Option<&str>) -> Option<Vec<u8>> {
    bytes(text).filter(|bytes| bytes.len() == length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    #[test]
    fn rfc7517_section_5_keys_that_mean_nothing_here_are_passed_over() {
        for (change, taken) in [
            (json!({}), true),
            (json!({"alg": "EdDSA", "use": "sig", "key_ops": ["verify"]}), true),
            (json!({"alg": "ES256"}), false),
            (json!({"alg": "none"}), false),
            (json!({"alg": "HS256"}), false),
            (json!({"use": "enc"}), false),
            (json!({"key_ops": ["sign"]}), false),
            (json!({"crv": "X25519"}), false),
            (json!({"kty": "oct", "k": "c2VjcmV0"}), false),
            (json!({"x": "AQAB"}), false),
        ] {
            let mut jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": X, "kid": "k1"});
            for (name, value) in change.as_object().unwrap() {
                jwk[name] = value.clone();
            }
            let set = json!({"keys": [jwk, 7]}).to_string();
            assert_eq!(read_set(set.as_bytes()).unwrap().len(), usize::from(taken), "{change}");
        }
        assert!(read_set(b"[]").is_none() && read_set(b"{}").is_none());
    }
}
