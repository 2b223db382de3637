//! A careful relying party: it holds the JWKS for exactly as long as it may, and never asks before.

use std::time::{Duration, Instant};

use base64::Engine;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
    VerificationAlgorithm,
};
use serde_json::Value;
use valetkey_person::{Connection, Request};

use std::net::SocketAddr;

/// The keys it holds.
#[derive(Debug)]
pub struct RelyingParty {
    door: SocketAddr,
    /// How much faster than ours its time runs.
    pace: u32,
    keys: Vec<Value>,
    until: Option<Instant>,
}

fn decode(text: &Value) -> Option<Vec<u8>> {
    base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text.as_str()?).ok()
}

impl RelyingParty {
    pub fn new(door: SocketAddr, pace: u32) -> Self {
        Self { door, pace, keys: Vec::new(), until: None }
    }

    /// Checks a JWT; an error says what is wrong.
    pub fn verify(&mut self, jwt: &str) -> Result<(), String> {
        self.look()?;
        let (message, signature) = jwt.rsplit_once('.').ok_or("no JWT")?;
        let part = |text: &str| decode(&Value::from(text));
        let header = part(message.split('.').next().unwrap_or_default()).ok_or("no header")?;
        let header: Value = serde_json::from_slice(&header).map_err(|error| error.to_string())?;
        let key = self.keys.iter().find(|key| key["kid"] == header["kid"] && key["alg"] == header["alg"]);
        let key = key.ok_or_else(|| format!("no key {} among {} held", header["kid"], self.keys.len()))?;
        let signature = part(signature).ok_or("no signature")?;
        if is_good(key, message.as_bytes(), &signature) {
            Ok(())
        } else {
            Err(format!("a signature by {} does not verify", header["kid"]))
        }
    }

    fn look(&mut self) -> Result<(), String> {
        if self.until.is_some_and(|until| Instant::now() < until) {
            return Ok(());
        }
        let asked = Instant::now();
        let reply =
            Connection::new(self.door).send(&Request::get("/oauth/jwks").header("Connection", "close"));
        // A node that is away: what is held goes on for the moment, as with any cache.
        let Ok(reply) = reply else { return Ok(()) };
        let age =
            reply.header("cache-control").and_then(|value| value.split("max-age=").nth(1)?.parse().ok());
        let age = Duration::from_secs(age.ok_or("no max-age")?) / self.pace;
        let keys: Value = serde_json::from_slice(&reply.body).map_err(|error| error.to_string())?;
        self.keys = keys["keys"].as_array().cloned().unwrap_or_default();
        self.until = Some(asked + age);
        if self.keys.iter().any(|key| ["d", "p", "q", "k"].iter().any(|name| !key[name].is_null())) {
            return Err("a private key in the JWKS".to_owned());
        }
        Ok(())
    }
}

fn is_good(key: &Value, message: &[u8], signature: &[u8]) -> bool {
    let part = |name: &str| decode(&key[name]).unwrap_or_default();
    let plain = |algorithm: &'static dyn VerificationAlgorithm, public: Vec<u8>| {
        UnparsedPublicKey::new(algorithm, public).verify(message, signature).is_ok()
    };
    match key["kty"].as_str() {
        Some("OKP") => plain(&ED25519, part("x")),
        Some("EC") => plain(&ECDSA_P256_SHA256_FIXED, [vec![4], part("x"), part("y")].concat()),
        Some("RSA") => {
            let public = RsaPublicKeyComponents { n: part("n"), e: part("e") };
            public.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature).is_ok()
        }
        _ => false,
    }
}
