//! RFC 7515 §7.1, RFC 8725 §3 — a signed statement of somebody else's, read before it is believed

use super::jwk::{Algorithm, PublicKey};
use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// No proof, assertion or ID token is longer.
const LONGEST: usize = 16 * 1024;

#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
    jwk: Option<Value>,
    crit: Option<Value>,
}

/// Three parts, of which the first is a JOSE header with an algorithm that is believed here.
pub struct Jws<'a> {
    pub algorithm: Algorithm,
    header: Header,
    message: &'a str,
    signature: Vec<u8>,
    payload: Vec<u8>,
}

impl std::fmt::Debug for Jws<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Jws({:?})", self.algorithm)
    }
}

impl<'a> Jws<'a> {
    /// `None`: no compact JWS, or one that cannot be believed whoever signed it (`none`, an HMAC, `crit`).
    pub fn read(text: &'a str) -> Option<Self> {
        let (message, signature) = text.rsplit_once('.')?;
        let (header, payload) = message.split_once('.')?;
        if text.len() > LONGEST || payload.contains('.') {
            return None;
        }
        let decode = |part: &str| BASE64URL_NOPAD.decode(part.as_bytes()).ok();
        let header: Header = serde_json::from_slice(&decode(header)?).ok()?;
        // RFC 7515 §4.1.11: what must be understood is not understood here.
        if header.crit.is_some() {
            return None;
        }
        let algorithm = Algorithm::parse(&header.alg)?;
        Some(Self { algorithm, header, message, signature: decode(signature)?, payload: decode(payload)? })
    }

    /// RFC 8725 §3.11; media types know no case, and `application/` may be left out (RFC 7515 §4.1.9).
    pub fn is_of_type(&self, name: &str) -> bool {
        let typ = self.header.typ.as_deref().unwrap_or_default();
        let short = typ.get(..12).filter(|start| start.eq_ignore_ascii_case("application/"));
        short.map_or(typ, |_| &typ[12..]).eq_ignore_ascii_case(name)
    }

    /// Whether it says of which type it is.
    pub fn has_type(&self) -> bool {
        self.header.typ.is_some()
    }

    pub fn key_id(&self) -> Option<&str> {
        self.header.kid.as_deref()
    }

    /// `jwk`: a key that the statement brings along. It proves possession, never who somebody is.
    pub fn own_key(&self) -> Option<PublicKey> {
        PublicKey::read(self.header.jwk.as_ref()?)
    }

    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        key.verifies(self.algorithm, self.message.as_bytes(), &self.signature)
    }

    /// Whether one of these keys signed it: the one that `kid` names, or any where it names none.
    pub fn is_signed_by_one_of(&self, keys: &[PublicKey]) -> bool {
        let named = |key: &&PublicKey| self.key_id().is_none() || key.id.as_deref() == self.key_id();
        keys.iter().filter(named).any(|key| self.is_signed_by(key))
    }

    /// The claims. Look at them only after a signature was checked.
    pub fn claims<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.payload).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::{SigningAlgorithm, SigningKey, generate};
    use crate::time::Timestamp;
    use serde_json::json;

    fn signed(header: &Value, key: &SigningKey) -> String {
        let part = |json: &Value| BASE64URL_NOPAD.encode(json.to_string().as_bytes());
        let mut text = format!("{}.{}", part(header), part(&json!({"sub": "s"})));
        key.sign_onto(&mut text).expect("signed");
        text
    }

    #[test]
    fn a_statement_is_believed_by_its_key_and_by_no_other() {
        for algorithm in SigningAlgorithm::KEYS {
            let key = |id: &str| {
                let pkcs8 = generate(algorithm).expect("key");
                SigningKey::parse(id.into(), algorithm, Timestamp(0), None, &pkcs8).expect("parses")
            };
            let (own, other) = (key("own"), key("other"));
            let text =
                signed(&json!({"alg": algorithm.name(), "kid": "own", "typ": "application/X+jwt"}), &own);
            let jws = Jws::read(&text).expect("a statement");
            let [own, other] = [own, other].map(|key| PublicKey::read(&key.public_jwk()).expect("a key"));
            assert!(jws.is_signed_by(&own) && !jws.is_signed_by(&other), "{algorithm:?}");
            assert!(jws.is_signed_by_one_of(&[other.clone(), own]) && !jws.is_signed_by_one_of(&[other]));
            assert!(jws.is_of_type("x+jwt") && !jws.is_of_type("jwt"));
            assert_eq!(jws.claims::<Value>().expect("claims")["sub"], "s");
        }
    }

    #[test]
    fn rfc8725_section_3_1_what_nobody_may_believe_is_not_read() {
        let pkcs8 = generate(SigningAlgorithm::EdDsa).expect("key");
        let key = SigningKey::parse("k".into(), SigningAlgorithm::EdDsa, Timestamp(0), None, &pkcs8)
            .expect("parses");
        for (header, read) in [
            (json!({"alg": "EdDSA"}), true),
            (json!({"alg": "none"}), false),
            (json!({"alg": "HS256"}), false),
            (json!({"alg": "eddsa"}), false),
            (json!({"alg": "EdDSA", "crit": ["b64"], "b64": false}), false),
            (json!({"typ": "JWT"}), false),
        ] {
            assert_eq!(Jws::read(&signed(&header, &key)).is_some(), read, "{header}");
        }
        assert!(Jws::read("a.b").is_none() && Jws::read("a.b.c.d").is_none());
    }
}
