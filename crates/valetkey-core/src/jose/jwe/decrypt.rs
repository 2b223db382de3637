//! RFC 7516 §5.2, RFC 7518 §4, §5, RFC 8725 §3 — what somebody encrypted for a key of ours
//!
//! Anybody can send such a text, so every wrong one ends alike: in nothing, with no word why.

use super::{Algorithm, Encryption, Jwk, derive};
use crate::error::{Fault, FaultKind};
use crate::ids::KeyId;
use crate::jose::{SigningAlgorithm, generate};
use crate::time::Timestamp;
use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::agreement::{self, ECDH_P256, PrivateKey, UnparsedPublicKey};
use aws_lc_rs::cipher::{AES_128, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::encoding::{AsBigEndian, EcPrivateKeyBin};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::key_wrap::{self, AesKek, KeyWrap as _};
use aws_lc_rs::rsa::{KeyPair, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use aws_lc_rs::signature::KeyPair as _;
use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;
use serde_json::{Value, json};

/// The longest signed statement that is read (`jws`), encrypted, with the key that travels along.
const LONGEST: usize = 24 * 1024;
/// Bytes of a name of a party to an agreement.
const LONGEST_PARTY: usize = 256;

/// What a key of ours is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// 2048 bits.
    Rsa,
    P256,
}

impl KeyKind {
    pub const ALL: [Self; 2] = [Self::Rsa, Self::P256];

    /// By the first of the algorithms that it takes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rsa => "RSA-OAEP-256",
            Self::P256 => "ECDH-ES",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(text))
    }

    const fn takes(self, algorithm: Algorithm) -> bool {
        matches!(self, Self::Rsa) == matches!(algorithm, Algorithm::RsaOaep256)
    }

    /// Makes a private key, as it is kept. The randomness is the crypto library's own.
    pub fn generate(self) -> Result<Vec<u8>, Fault> {
        let failed = |_| Fault::bare(FaultKind::Internal, "making an encryption key");
        match self {
            Self::Rsa => generate(SigningAlgorithm::Rs256),
            Self::P256 => {
                let key = PrivateKey::generate(&ECDH_P256).map_err(failed)?;
                let bytes: EcPrivateKeyBin<'_> = key.as_be_bytes().map_err(failed)?;
                Ok(bytes.as_ref().to_vec())
            }
        }
    }
}

enum Pair {
    Rsa(OaepPrivateDecryptingKey),
    P256(PrivateKey),
}

/// A private key of ours, ready to decrypt.
pub struct DecryptionKey {
    pub id: KeyId,
    pub kind: KeyKind,
    pub active_at: Timestamp,
    pub retired_at: Option<Timestamp>,
    pair: Pair,
    public: Value,
}

impl std::fmt::Debug for DecryptionKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DecryptionKey({:?} {})", self.kind, self.id)
    }
}

impl DecryptionKey {
    pub fn parse(
        id: KeyId,
        kind: KeyKind,
        active_at: Timestamp,
        retired_at: Option<Timestamp>,
        bytes: &[u8],
    ) -> Result<Self, Fault> {
        let (pair, mut public) =
            read(kind, bytes).ok_or(Fault::bare(FaultKind::Corrupt, "an encryption key does not parse"))?;
        public["use"] = "enc".into();
        Ok(Self { id, kind, active_at, retired_at, pair, public })
    }

    /// The public half, and nothing else, for each of its algorithms: a JWK has one `alg`, and those who look for theirs find
    /// it. The key's name in a header is that of both together.
    pub fn public_jwks(&self) -> impl Iterator<Item = Value> {
        let own = Algorithm::ALL.into_iter().filter(|(_, algorithm)| self.kind.takes(*algorithm));
        own.map(|(name, _)| {
            let mut jwk = self.public.clone();
            jwk["kid"] = match name.split_once('+') {
                None => self.id.as_str().into(),
                Some((_, wrapping)) => format!("{}.{wrapping}", self.id).into(),
            };
            jwk["alg"] = name.into();
            jwk
        })
    }

    fn is_named(&self, kid: &str) -> bool {
        kid.split_once('.').map_or(kid, |(id, _)| id) == self.id.as_str()
    }

    /// The content key; `None`: it was not encrypted for this one.
    fn content_key(&self, header: &Header, by: (Algorithm, Encryption), encrypted: &[u8]) -> Option<Vec<u8>> {
        let (algorithm, encryption) = by;
        let own = match &self.pair {
            Pair::Rsa(key) => {
                let mut out = vec![0; key.min_output_size()];
                let found = key.decrypt(&OAEP_SHA256_MGF1SHA256, encrypted, &mut out, None).ok()?;
                return Some(found.to_vec());
            }
            Pair::P256(own) => own,
        };
        let point = header.epk.as_ref()?.p256_point()?;
        let party = |text: &Option<String>| match text {
            None => Some(Vec::new()),
            Some(text) => decode(text).filter(|name| name.len() <= LONGEST_PARTY),
        };
        let (apu, apv) = (party(&header.apu)?, party(&header.apv)?);
        let (id, length) = algorithm.derived(encryption);
        let peer = UnparsedPublicKey::new(&ECDH_P256, &point);
        let agreed =
            agreement::agree(own, peer, (), |secret| Ok(derive(secret, id, length, [&apu, &apv]))).ok()?;
        if algorithm == Algorithm::EcdhEs {
            return encrypted.is_empty().then_some(agreed);
        }
        // RFC 3394 §2.2.2: eight bytes more than the key.
        if encrypted.len() != encryption.key_length() + 8 {
            return None;
        }
        let cipher = if length == 16 { &key_wrap::AES_128 } else { &key_wrap::AES_256 };
        let mut out = vec![0; encrypted.len()];
        Some(AesKek::new(cipher, &agreed).ok()?.unwrap(encrypted, &mut out).ok()?.to_vec())
    }
}

fn read(kind: KeyKind, bytes: &[u8]) -> Option<(Pair, Value)> {
    let text = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
    Some(match kind {
        KeyKind::Rsa => {
            let pair = KeyPair::from_pkcs8(bytes).ok()?;
            let number = |n: aws_lc_rs::io::Positive<'_>| text(n.big_endian_without_leading_zero());
            let (n, e) = (number(pair.public_key().modulus()), number(pair.public_key().exponent()));
            let key = OaepPrivateDecryptingKey::new(PrivateDecryptingKey::from_pkcs8(bytes).ok()?).ok()?;
            (Pair::Rsa(key), json!({"kty": "RSA", "n": n, "e": e}))
        }
        KeyKind::P256 => {
            let key = PrivateKey::from_private_key(&ECDH_P256, bytes).ok()?;
            let public = super::ephemeral(key.compute_public_key().ok()?.as_ref());
            (Pair::P256(key), public)
        }
    })
}

/// RFC 7516 §4. What stands twice is refused by the reader.
#[derive(Deserialize)]
struct Header {
    alg: String,
    enc: String,
    kid: Option<String>,
    epk: Option<Jwk>,
    apu: Option<String>,
    apv: Option<String>,
    zip: Option<Value>,
    crit: Option<Value>,
}

fn decode(part: &str) -> Option<Vec<u8>> {
    BASE64URL_NOPAD.decode(part.as_bytes()).ok()
}

/// Whether a text has the form of an encrypted one: five parts.
pub fn is_encrypted(text: &str) -> bool {
    text.bytes().filter(|b| *b == b'.').count() == 4
}

/// The content of a text in the compact form that was encrypted for one of these keys. `random`: fresh.
pub fn decrypt<'k>(
    keys: impl IntoIterator<Item = &'k DecryptionKey>,
    text: &str,
    random: [u8; 32],
) -> Option<Vec<u8>> {
    if text.len() > LONGEST {
        return None;
    }
    let parts: Vec<&str> = text.split('.').collect();
    let [protected, key, iv, content, tag] = parts[..] else { return None };
    let header: Header = serde_json::from_slice(&decode(protected)?).ok()?;
    // RFC 7516 §4.1.13; RFC 8725 §3.6: nothing is ever inflated.
    if header.crit.is_some() || header.zip.is_some() {
        return None;
    }
    // RFC 8725 §3.1, §3.2: RSA1_5, passwords and `dir` are no names here.
    let by = (Algorithm::parse(&header.alg)?, Encryption::parse(&header.enc)?);
    let (encrypted, iv, content, tag) = (decode(key)?, decode(iv)?, decode(content)?, decode(tag)?);
    let sealed = Sealed { aad: protected.as_bytes(), iv: &iv, text: &content, tag: &tag };
    let named = |key: &&DecryptionKey| header.kid.as_deref().is_none_or(|kid| key.is_named(kid));
    keys.into_iter().filter(named).filter(|key| key.kind.takes(by.0)).find_map(|key| {
        let length = by.1.key_length();
        // RFC 7516 §11.5: a wrong key is found out no sooner than wrong content.
        let found = key.content_key(&header, by, &encrypted).filter(|found| found.len() == length);
        sealed.open(by.1, &found.unwrap_or_else(|| random[..length].to_vec()))
    })
}

struct Sealed<'a> {
    aad: &'a [u8],
    iv: &'a [u8],
    text: &'a [u8],
    tag: &'a [u8],
}

impl Sealed<'_> {
    fn open(&self, by: Encryption, key: &[u8]) -> Option<Vec<u8>> {
        // RFC 7518 §5.2.2.2, §5.3: tags are never shorter.
        if self.tag.len() != 16 {
            return None;
        }
        let cipher = match by {
            Encryption::A128CbcHs256 => return self.cbc(key),
            Encryption::A128Gcm => &AES_128_GCM,
            Encryption::A256Gcm => &AES_256_GCM,
        };
        let nonce: [u8; NONCE_LEN] = self.iv.try_into().ok()?;
        let key = LessSafeKey::new(UnboundKey::new(cipher, key).ok()?);
        let mut all = [self.text, self.tag].concat();
        let plain =
            key.open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(self.aad), &mut all).ok()?;
        Some(plain.to_vec())
    }

    /// RFC 7518 §5.2.2.2: the tag before anything of the padding is looked at.
    fn cbc(&self, key: &[u8]) -> Option<Vec<u8>> {
        let (mac_key, key) = key.split_at_checked(16)?;
        let iv: [u8; 16] = self.iv.try_into().ok()?;
        let tag = super::cbc_tag(mac_key, self.aad, &iv, self.text);
        verify_slices_are_equal(&tag, self.tag).ok()?;
        let key = UnboundCipherKey::new(&AES_128, key).ok()?;
        let context = DecryptionContext::Iv128(FixedLength::from(iv));
        let mut text = self.text.to_vec();
        let plain = PaddedBlockDecryptingKey::cbc_pkcs7(key).ok()?.decrypt(&mut text, context).ok()?;
        Some(plain.to_vec())
    }
}

#[cfg(test)]
mod tests;
