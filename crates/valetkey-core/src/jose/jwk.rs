//! RFC 7517 §4, RFC 7518 §6, RFC 8037 §2, RFC 7638 §3 — somebody else's public key

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256,
    RsaPublicKeyComponents,
};
use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;
use serde_json::{Value, json};

/// Keys that are read of one set; nobody needs as many.
const MOST: usize = 64;

/// What others may sign with: a list of ours, never the token's choice (RFC 8725 §3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    EdDsa,
    Es256,
    Ps256,
    Rs256,
}

impl Algorithm {
    /// RFC 9864 §2.2: `Ed25519` is what `EdDSA` has come to be called.
    pub const ALL: [(&'static str, Self); 5] = [
        ("EdDSA", Self::EdDsa),
        ("ES256", Self::Es256),
        ("PS256", Self::Ps256),
        ("RS256", Self::Rs256),
        ("Ed25519", Self::EdDsa),
    ];

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(name, _)| *name == text).map(|(_, algorithm)| algorithm)
    }

    pub fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, own)| *own == self).map_or("", |(name, _)| name)
    }
}

#[derive(Debug, Clone)]
enum Material {
    Ed25519(ParsedPublicKey),
    P256(ParsedPublicKey),
    Rsa { pkcs1: ParsedPublicKey, pss: ParsedPublicKey },
}

/// A public key that checks signatures, parsed once.
#[derive(Debug, Clone)]
pub struct PublicKey {
    pub id: Option<String>,
    /// `alg`: the one algorithm that its owner means it for.
    only: Option<Algorithm>,
    material: Material,
    thumbprint: [u8; 32],
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

/// The keys of a set that can check signatures; RFC 7517 §5 says to pass over the others.
pub fn read_set(set: &Value) -> Option<Vec<PublicKey>> {
    Some(set.get("keys")?.as_array()?.iter().take(MOST).filter_map(PublicKey::read).collect())
}

/// RFC 7518 §6: whether a private or symmetric member is there.
pub(super) fn is_private(json: &Value) -> bool {
    ["d", "p", "q", "dp", "dq", "qi", "oth", "k"].iter().any(|name| json.get(name).is_some())
}

impl PublicKey {
    /// `None`: not a key that checks signatures, or one that gives its private half away.
    pub fn read(json: &Value) -> Option<Self> {
        if is_private(json) {
            return None;
        }
        let jwk = Jwk::deserialize(json).ok()?;
        let for_signatures = jwk.purpose.as_deref().is_none_or(|purpose| purpose == "sig");
        let verifies = jwk.key_ops.as_ref().is_none_or(|ops| ops.iter().any(|op| op == "verify"));
        if !for_signatures || !verifies {
            return None;
        }
        let only = match &jwk.alg {
            Some(name) => Some(Algorithm::parse(name)?),
            None => None,
        };
        let (material, required) = jwk.public()?;
        let mut thumbprint = [0; 32];
        thumbprint.copy_from_slice(digest(&SHA256, required.to_string().as_bytes()).as_ref());
        let key = Self { id: jwk.kid, only, material, thumbprint };
        key.only.is_none_or(|algorithm| key.parsed(algorithm).is_some()).then_some(key)
    }

    /// The key's kind decides which algorithms it can be asked for; its own `alg` leaves one of them.
    fn parsed(&self, algorithm: Algorithm) -> Option<&ParsedPublicKey> {
        if self.only.is_some_and(|only| only != algorithm) {
            return None;
        }
        match (&self.material, algorithm) {
            (Material::Ed25519(key), Algorithm::EdDsa)
            | (Material::P256(key), Algorithm::Es256)
            | (Material::Rsa { pss: key, .. }, Algorithm::Ps256)
            | (Material::Rsa { pkcs1: key, .. }, Algorithm::Rs256) => Some(key),
            _ => None,
        }
    }

    /// Whether the key is one for this algorithm.
    pub fn is_for(&self, algorithm: Algorithm) -> bool {
        self.parsed(algorithm).is_some()
    }

    pub fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        self.parsed(algorithm).is_some_and(|key| key.verify_sig(message, signature).is_ok())
    }

    /// RFC 7638 §3: what names the key, whoever writes it down.
    pub fn thumbprint(&self) -> &[u8; 32] {
        &self.thumbprint
    }
}

impl Jwk {
    /// The key, and its required members in the order of RFC 7638 §3.2 (by name, as `Value` keeps them).
    fn public(&self) -> Option<(Material, Value)> {
        match (self.kty.as_str(), self.crv.as_deref()) {
            ("OKP", Some("Ed25519")) => {
                let x = exactly(32, self.x.as_deref())?;
                let required = json!({"crv": "Ed25519", "kty": "OKP", "x": self.x});
                Some((Material::Ed25519(ParsedPublicKey::new(&ED25519, x).ok()?), required))
            }
            ("EC", Some("P-256")) => {
                // SEC 1 §2.3.3: 0x04, then x and y of 32 bytes each.
                let (x, y) = (exactly(32, self.x.as_deref())?, exactly(32, self.y.as_deref())?);
                let point = [&[4], x.as_slice(), y.as_slice()].concat();
                let required = json!({"crv": "P-256", "kty": "EC", "x": self.x, "y": self.y});
                let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).ok()?;
                Some((Material::P256(key), required))
            }
            ("RSA", None) => {
                let (n, e) = (bytes(self.n.as_deref())?, bytes(self.e.as_deref())?);
                let required = json!({"e": self.e, "kty": "RSA", "n": self.n});
                let parts = RsaPublicKeyComponents { n, e };
                let pkcs1 = parts.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256).ok()?;
                let pss = parts.to_parsed_public_key(&RSA_PSS_2048_8192_SHA256).ok()?;
                Some((Material::Rsa { pkcs1, pss }, required))
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

    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    #[test]
    fn rfc7517_section_5_keys_that_cannot_check_signatures_are_passed_over() {
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
            (json!({"d": "AAAA"}), false),
            (json!({"x": "AQAB"}), false),
        ] {
            let mut jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": X, "kid": "k1"});
            for (name, value) in change.as_object().expect("an object") {
                jwk[name] = value.clone();
            }
            let set = read_set(&json!({"keys": [jwk, 7]})).expect("a set");
            assert_eq!(set.len(), usize::from(taken), "{change}");
        }
        assert!(read_set(&json!([])).is_none());
    }

    #[test]
    fn rfc8037_appendix_a3_the_thumbprint_of_the_example_key() {
        let key = PublicKey::read(&json!({"kty": "OKP", "crv": "Ed25519", "x": X, "kid": "other"}));
        let thumbprint = BASE64URL_NOPAD.encode(key.expect("a key").thumbprint());
        assert_eq!(thumbprint, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }
}
