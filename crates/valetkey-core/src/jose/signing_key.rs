//! RFC 7517 §4, RFC 8037 §2 — a signing key, parsed once, with its public half as a JWK

use super::SigningAlgorithm;
use super::jwt::Type;
use crate::error::{Fault, FaultKind};
use crate::ids::KeyId;
use crate::time::Timestamp;
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RSA_PSS_2048_8192_SHA256, RSA_PSS_SHA256,
    RsaEncoding, UnparsedPublicKey,
};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::fmt;
use std::sync::OnceLock;

enum Pair {
    EdDsa(Ed25519KeyPair),
    Es256(EcdsaKeyPair),
    Rs256(RsaKeyPair),
}

/// A private key ready to sign.
pub struct SigningKey {
    pub id: KeyId,
    pub algorithm: SigningAlgorithm,
    pub active_at: Timestamp,
    pub retired_at: Option<Timestamp>,
    pair: Pair,
    /// What stands before the first point of a JWT, for each type and way of signing; made when it is first wanted.
    heads: [OnceLock<String>; 2 * Type::COUNT],
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({} {})", self.algorithm.name(), self.id)
    }
}

fn broken<E>(_: E) -> Fault {
    Fault::bare(FaultKind::Corrupt, "a signing key does not parse")
}

/// Makes a private key (PKCS #8 DER). The randomness is the crypto library's own.
pub fn generate(algorithm: SigningAlgorithm) -> Result<Vec<u8>, Fault> {
    let failed = |_| Fault::bare(FaultKind::Internal, "making a signing key");
    let random = SystemRandom::default();
    Ok(match algorithm {
        SigningAlgorithm::EdDsa => Ed25519KeyPair::generate_pkcs8(&random).map_err(failed)?.as_ref().to_vec(),
        SigningAlgorithm::Es256 => EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
            .map_err(failed)?
            .as_ref()
            .to_vec(),
        SigningAlgorithm::Rs256 | SigningAlgorithm::Ps256 => {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(failed)?;
            let der: Pkcs8V1Der<'_> = pair.as_der().map_err(failed)?;
            der.as_ref().to_vec()
        }
    })
}

impl SigningKey {
    pub fn parse(
        id: KeyId,
        algorithm: SigningAlgorithm,
        active_at: Timestamp,
        retired_at: Option<Timestamp>,
        pkcs8: &[u8],
    ) -> Result<Self, Fault> {
        let pair = match algorithm {
            SigningAlgorithm::EdDsa => Pair::EdDsa(Ed25519KeyPair::from_pkcs8(pkcs8).map_err(broken)?),
            SigningAlgorithm::Es256 => Pair::Es256(
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).map_err(broken)?,
            ),
            SigningAlgorithm::Rs256 | SigningAlgorithm::Ps256 => {
                Pair::Rs256(RsaKeyPair::from_pkcs8(pkcs8).map_err(broken)?)
            }
        };
        Ok(Self { id, algorithm, active_at, retired_at, pair, heads: Default::default() })
    }

    /// The key with one of the algorithms that it can sign with.
    pub fn by(&self, algorithm: SigningAlgorithm) -> Signer<'_> {
        Signer {
            key: self,
            algorithm: if algorithm.key() == self.algorithm { algorithm } else { self.algorithm },
        }
    }

    /// Appends `.` and the signature of all that stands in `text` so far, by the key's own algorithm.
    pub fn sign_onto(&self, text: &mut String) -> Result<(), Fault> {
        self.by(self.algorithm).sign_onto(text)
    }

    fn sign_with(&self, algorithm: SigningAlgorithm, text: &mut String) -> Result<(), Fault> {
        let failed = |_| Fault::bare(FaultKind::Internal, "signing");
        let random = SystemRandom::default();
        match &self.pair {
            Pair::EdDsa(pair) => append(text, pair.sign(text.as_bytes()).as_ref()),
            Pair::Es256(pair) => append(text, pair.sign(&random, text.as_bytes()).map_err(failed)?.as_ref()),
            Pair::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let padding: &'static dyn RsaEncoding =
                    if algorithm == SigningAlgorithm::Ps256 { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
                pair.sign(padding, &random, text.as_bytes(), &mut signature).map_err(failed)?;
                append(text, &signature);
            }
        }
        Ok(())
    }

    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.by(self.algorithm).verifies(message, signature)
    }

    fn verifies_with(&self, by: SigningAlgorithm, message: &[u8], signature: &[u8]) -> bool {
        let check = |algorithm: &'static dyn signature::VerificationAlgorithm, public: &[u8]| {
            UnparsedPublicKey::new(algorithm, public).verify(message, signature).is_ok()
        };
        match &self.pair {
            Pair::EdDsa(pair) => check(&ED25519, pair.public_key().as_ref()),
            Pair::Es256(pair) => check(&ECDSA_P256_SHA256_FIXED, pair.public_key().as_ref()),
            Pair::Rs256(pair) if by == SigningAlgorithm::Ps256 => {
                check(&RSA_PSS_2048_8192_SHA256, pair.public_key().as_ref())
            }
            Pair::Rs256(pair) => check(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref()),
        }
    }

    /// The public half, and nothing else.
    pub fn public_jwk(&self) -> Value {
        let b64 = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
        let mut jwk = match &self.pair {
            Pair::EdDsa(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": b64(pair.public_key().as_ref())})
            }
            Pair::Es256(pair) => {
                // SEC 1 §2.3.3: 0x04, then x and y of 32 bytes each.
                let point = pair.public_key().as_ref();
                json!({"kty": "EC", "crv": "P-256", "x": b64(&point[1..33]), "y": b64(&point[33..])})
            }
            Pair::Rs256(pair) => {
                let public = pair.public_key();
                let number = |n: aws_lc_rs::io::Positive<'_>| b64(n.big_endian_without_leading_zero());
                json!({"kty": "RSA", "n": number(public.modulus()), "e": number(public.exponent())})
            }
        };
        jwk["kid"] = self.id.as_str().into();
        jwk["use"] = "sig".into();
        jwk["alg"] = self.algorithm.name().into();
        jwk
    }
}

/// A key with the algorithm that it signs by: its name in a header is that of both together, for a JWK has one `alg`.
#[derive(Debug, Clone, Copy)]
pub struct Signer<'a> {
    pub key: &'a SigningKey,
    pub algorithm: SigningAlgorithm,
}

impl<'a> Signer<'a> {
    /// Every way in which a key signs.
    pub fn all(key: &'a SigningKey) -> impl Iterator<Item = Self> {
        SigningAlgorithm::ALL.into_iter().filter(|by| by.key() == key.algorithm).map(|by| key.by(by))
    }

    /// `kid`.
    pub fn id(&self) -> Cow<'a, str> {
        let id = self.key.id.as_str();
        if self.algorithm == self.key.algorithm {
            id.into()
        } else {
            format!("{id}.{}", self.algorithm.name()).into()
        }
    }

    /// The place of the head of the JWTs that it signs so.
    pub(super) fn head(&self, typ: Type) -> &'a OnceLock<String> {
        &self.key.heads[2 * typ as usize + usize::from(self.algorithm != self.key.algorithm)]
    }

    /// Appends `.` and the signature of all that stands in `text` so far.
    pub fn sign_onto(&self, text: &mut String) -> Result<(), Fault> {
        self.key.sign_with(self.algorithm, text)
    }

    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.key.verifies_with(self.algorithm, message, signature)
    }

    /// The public half, for signatures by this algorithm.
    pub fn public_jwk(&self) -> Value {
        let mut jwk = self.key.public_jwk();
        jwk["kid"] = self.id().into();
        jwk["alg"] = self.algorithm.name().into();
        jwk
    }
}

fn append(text: &mut String, signature: &[u8]) {
    text.push('.');
    BASE64URL_NOPAD.encode_append(signature, text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_algorithm_signs_what_its_public_half_verifies() {
        for algorithm in SigningAlgorithm::ALL {
            let pkcs8 = generate(algorithm).expect("key");
            let key =
                SigningKey::parse("k1".into(), algorithm.key(), Timestamp(0), None, &pkcs8).expect("parses");
            let own = key.by(algorithm);
            let mut text = "head.body".to_owned();
            own.sign_onto(&mut text).expect("signed");
            let (message, signature) = text.rsplit_once('.').expect("signature");
            let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).expect("base64");
            for other in Signer::all(&key) {
                let same = other.algorithm == algorithm;
                assert_eq!(other.verifies(message.as_bytes(), &signature), same, "{algorithm:?}");
                assert_eq!(other.id() == own.id(), same, "a kid has one algorithm");
            }
            assert!(!own.verifies(b"head.other", &signature), "{algorithm:?}");
            let jwk = own.public_jwk();
            assert!(jwk.get("d").is_none() && jwk["alg"] == algorithm.name());
        }
    }
}
