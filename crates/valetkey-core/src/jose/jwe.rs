//! RFC 7516 §5.1, RFC 7518 §4, §5 — encrypting for somebody else's public key, in the compact form

pub mod decrypt;

use super::jwk::is_private;
use crate::error::{Fault, FaultKind};
use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::agreement::{self, ECDH_P256, ParsedPublicKey, PrivateKey, UnparsedPublicKey, X25519};
use aws_lc_rs::cipher::{AES_128, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey};
use aws_lc_rs::digest::{self, SHA256};
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::key_wrap::{self, AesKek, KeyWrap as _};
use aws_lc_rs::rsa::{
    OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey, PublicKeyComponents,
};
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// How the content key reaches the reader. RSA1_5 is left out (RFC 8725 §3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Algorithm {
    #[serde(rename = "RSA-OAEP-256")]
    RsaOaep256,
    #[serde(rename = "ECDH-ES")]
    EcdhEs,
    #[serde(rename = "ECDH-ES+A128KW")]
    EcdhEsA128Kw,
    #[serde(rename = "ECDH-ES+A256KW")]
    EcdhEsA256Kw,
}

impl Algorithm {
    pub const ALL: [(&'static str, Self); 4] = [
        ("RSA-OAEP-256", Self::RsaOaep256),
        ("ECDH-ES", Self::EcdhEs),
        ("ECDH-ES+A128KW", Self::EcdhEsA128Kw),
        ("ECDH-ES+A256KW", Self::EcdhEsA256Kw),
    ];

    pub fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, own)| *own == self).map_or("", |(name, _)| name)
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(name, _)| *name == text).map(|(_, own)| own)
    }

    /// RFC 7518 §4.6.2 — what an agreed key is for, the content or wrapping the content's key, and its bytes.
    fn derived(self, encryption: Encryption) -> (&'static str, usize) {
        match self {
            Self::EcdhEsA128Kw => (self.name(), 16),
            Self::EcdhEsA256Kw => (self.name(), 32),
            _ => (encryption.name(), encryption.key_length()),
        }
    }
}

/// How the content is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
pub enum Encryption {
    /// The default of OIDC Dynamic Client Registration §2.
    #[default]
    #[serde(rename = "A128CBC-HS256")]
    A128CbcHs256,
    #[serde(rename = "A128GCM")]
    A128Gcm,
    #[serde(rename = "A256GCM")]
    A256Gcm,
}

impl Encryption {
    pub const ALL: [(&'static str, Self); 3] =
        [("A128CBC-HS256", Self::A128CbcHs256), ("A128GCM", Self::A128Gcm), ("A256GCM", Self::A256Gcm)];

    pub fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, own)| *own == self).map_or("", |(name, _)| name)
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(name, _)| *name == text).map(|(_, own)| own)
    }

    /// Of the content key, in bytes.
    const fn key_length(self) -> usize {
        if matches!(self, Self::A128Gcm) { 16 } else { 32 }
    }
}

/// A public key that takes encrypted texts.
pub struct Recipient {
    algorithm: Algorithm,
    kid: Option<String>,
    key: Key,
}

enum Key {
    Rsa(OaepPublicEncryptingKey),
    P256(Vec<u8>),
    X25519(Vec<u8>),
}

impl std::fmt::Debug for Recipient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Recipient({:?})", self.algorithm)
    }
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

impl Jwk {
    fn part(text: Option<&str>) -> Option<Vec<u8>> {
        BASE64URL_NOPAD.decode(text?.as_bytes()).ok()
    }

    /// SEC 1 §2.3.3: 0x04, then x and y of 32 bytes each. Whether it lies on the curve is looked at here.
    fn p256_point(&self) -> Option<Vec<u8>> {
        if self.kty != "EC" || self.crv.as_deref() != Some("P-256") {
            return None;
        }
        let (x, y) = (Self::part(self.x.as_deref())?, Self::part(self.y.as_deref())?);
        let point = (x.len() == 32 && y.len() == 32).then(|| [&[4], &*x, &*y].concat())?;
        ParsedPublicKey::try_from(UnparsedPublicKey::new(&ECDH_P256, &point)).ok()?;
        Some(point)
    }
}

impl Recipient {
    /// The first key of a set that takes texts by this algorithm; one marked for encryption goes first.
    pub fn of_set(set: &Value, algorithm: Algorithm) -> Option<Self> {
        let keys = set.get("keys")?.as_array()?;
        let marked = |json: &&Value| json.get("use").and_then(Value::as_str) == Some("enc");
        let read = |json: &Value| Self::read(json, algorithm);
        let unmarked = |json: &&Value| json.get("use").is_none();
        keys.iter().filter(marked).find_map(read).or_else(|| keys.iter().filter(unmarked).find_map(read))
    }

    fn read(json: &Value, algorithm: Algorithm) -> Option<Self> {
        if is_private(json) {
            return None;
        }
        let jwk = Jwk::deserialize(json).ok()?;
        let fits = jwk.alg.as_deref().is_none_or(|own| own == algorithm.name());
        if !fits || jwk.purpose.as_deref().is_some_and(|purpose| purpose != "enc") {
            return None;
        }
        let part = |text: &Option<String>| Jwk::part(text.as_deref());
        let key = match (algorithm, jwk.kty.as_str(), jwk.crv.as_deref()) {
            (Algorithm::RsaOaep256, "RSA", None) => {
                let components = PublicKeyComponents { n: part(&jwk.n)?, e: part(&jwk.e)? };
                let key: PublicEncryptingKey = components.try_into().ok()?;
                Key::Rsa(OaepPublicEncryptingKey::new(key).ok().filter(|key| key.key_size_bits() >= 2048)?)
            }
            (Algorithm::RsaOaep256, ..) => return None,
            (_, "EC", Some("P-256")) => Key::P256(jwk.p256_point()?),
            (_, "OKP", Some("X25519")) => Key::X25519(part(&jwk.x).filter(|x| x.len() == 32)?),
            _ => return None,
        };
        Some(Self { algorithm, kid: jwk.kid, key })
    }

    /// Encrypts a text. `content_type`: `JWT` for a nested one (RFC 7519 §5.2). `random`: fresh, for content key and
    /// initialization vector.
    pub fn encrypt(
        &self,
        encryption: Encryption,
        content_type: Option<&str>,
        plaintext: &[u8],
        random: [u8; 48],
    ) -> Result<String, Fault> {
        let mut header = Map::new();
        header.insert("alg".to_owned(), self.algorithm.name().into());
        header.insert("enc".to_owned(), encryption.name().into());
        if let Some(kid) = &self.kid {
            header.insert("kid".to_owned(), kid.as_str().into());
        }
        if let Some(cty) = content_type {
            header.insert("cty".to_owned(), cty.into());
        }
        let (fresh, iv) = random.split_at(32);
        let (content_key, encrypted_key) =
            self.content_key(encryption, &fresh[..encryption.key_length()], &mut header)?;
        let header = BASE64URL_NOPAD.encode(Value::from(header).to_string().as_bytes());
        let sealed = content(encryption, &content_key, iv, header.as_bytes(), plaintext)?;
        let part = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
        let (iv, text, tag) = (part(&sealed.iv), part(&sealed.text), part(&sealed.tag));
        Ok(format!("{header}.{}.{iv}.{text}.{tag}", part(&encrypted_key)))
    }

    /// The content key, and the form in which it travels.
    fn content_key(
        &self,
        encryption: Encryption,
        fresh: &[u8],
        header: &mut Map<String, Value>,
    ) -> Result<(Vec<u8>, Vec<u8>), Fault> {
        let (curve, point) = match &self.key {
            Key::Rsa(key) => {
                let mut out = vec![0; key.ciphertext_size()];
                let length =
                    key.encrypt(&OAEP_SHA256_MGF1SHA256, fresh, &mut out, None).map_err(failed)?.len();
                out.truncate(length);
                return Ok((fresh.to_vec(), out));
            }
            Key::P256(point) => (&ECDH_P256, point),
            Key::X25519(point) => (&X25519, point),
        };
        let own = PrivateKey::generate(curve).map_err(failed)?;
        let public = own.compute_public_key().map_err(failed)?;
        header.insert("epk".to_owned(), ephemeral(public.as_ref()));
        let (id, length) = self.algorithm.derived(encryption);
        let peer = UnparsedPublicKey::new(curve, point);
        let agreed =
            agreement::agree(&own, peer, failed(()), |secret| Ok(derive(secret, id, length, [&[], &[]])))?;
        if self.algorithm == Algorithm::EcdhEs {
            return Ok((agreed, Vec::new()));
        }
        let cipher = if length == 16 { &key_wrap::AES_128 } else { &key_wrap::AES_256 };
        let mut out = vec![0; fresh.len() + 8];
        let length =
            AesKek::new(cipher, &agreed).map_err(failed)?.wrap(fresh, &mut out).map_err(failed)?.len();
        out.truncate(length);
        Ok((fresh.to_vec(), out))
    }
}

fn failed<E>(_: E) -> Fault {
    Fault::bare(FaultKind::Internal, "encrypting for a client")
}

/// RFC 7518 §4.6.1.1: our half of the agreement.
fn ephemeral(public: &[u8]) -> Value {
    let part = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
    match public {
        [4, point @ ..] if point.len() == 64 => {
            json!({"kty": "EC", "crv": "P-256", "x": part(&point[..32]), "y": part(&point[32..])})
        }
        x => json!({"kty": "OKP", "crv": "X25519", "x": part(x)}),
    }
}

/// RFC 7518 §4.6.2 — Concat KDF with SHA-256, of one round: nobody needs more than 256 bits. `parties`: `apu` and `apv`.
fn derive(secret: &[u8], id: &str, length: usize, parties: [&[u8]; 2]) -> Vec<u8> {
    let number = |n: usize| u32::try_from(n).unwrap_or_default().to_be_bytes();
    let mut hash = digest::Context::new(&SHA256);
    hash.update(&number(1));
    hash.update(secret);
    hash.update(&number(id.len()));
    hash.update(id.as_bytes());
    for party in parties {
        hash.update(&number(party.len()));
        hash.update(party);
    }
    hash.update(&number(length * 8));
    hash.finish().as_ref()[..length].to_vec()
}

struct Sealed {
    iv: Vec<u8>,
    text: Vec<u8>,
    tag: Vec<u8>,
}

/// RFC 7518 §5: the header is authenticated with the content.
fn content(by: Encryption, key: &[u8], random: &[u8], aad: &[u8], plaintext: &[u8]) -> Result<Sealed, Fault> {
    let mut text = plaintext.to_vec();
    let cipher = match by {
        Encryption::A128CbcHs256 => return cbc(key, random, aad, text),
        Encryption::A128Gcm => &AES_128_GCM,
        Encryption::A256Gcm => &AES_256_GCM,
    };
    let iv = random[..NONCE_LEN].to_vec();
    let nonce = Nonce::try_assume_unique_for_key(&iv).map_err(failed)?;
    let key = LessSafeKey::new(UnboundKey::new(cipher, key).map_err(failed)?);
    let tag = key.seal_in_place_separate_tag(nonce, Aad::from(aad), &mut text).map_err(failed)?;
    Ok(Sealed { iv, text, tag: tag.as_ref().to_vec() })
}

/// RFC 7518 §5.2.2.1: the first half of the key authenticates, the second encrypts.
fn cbc(key: &[u8], random: &[u8], aad: &[u8], mut text: Vec<u8>) -> Result<Sealed, Fault> {
    let (mac_key, key) = key.split_at(16);
    let iv: [u8; 16] = random[..16].try_into().map_err(failed)?;
    let key = UnboundCipherKey::new(&AES_128, key).map_err(failed)?;
    let context = EncryptionContext::Iv128(FixedLength::from(iv));
    let cipher = PaddedBlockEncryptingKey::cbc_pkcs7(key).map_err(failed)?;
    cipher.less_safe_encrypt(&mut text, context).map_err(failed)?;
    Ok(Sealed { iv: iv.to_vec(), tag: cbc_tag(mac_key, aad, &iv, &text), text })
}

/// RFC 7518 §5.2.2.1 (5), (6).
fn cbc_tag(mac_key: &[u8], aad: &[u8], iv: &[u8], text: &[u8]) -> Vec<u8> {
    let bits = (aad.len() as u64 * 8).to_be_bytes();
    let mut mac = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, mac_key));
    for part in [aad, iv, text, &bits] {
        mac.update(part);
    }
    mac.sign().as_ref()[..16].to_vec()
}

#[cfg(test)]
mod tests;
