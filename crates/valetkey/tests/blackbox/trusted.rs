//! Another issuer, for the files that ask whose word counts here.

use crate::support::ISSUER;
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use valetkey_core::audit::Actor;
use valetkey_core::federation::Trust;
use valetkey_core::jose::{SigningAlgorithm, SigningKey, generate};
use valetkey_core::manage::issuer;
use valetkey_core::time::Timestamp;
use valetkey_testkit::TestApp;

pub(crate) const OTHER: &str = "https://idp.example";

#[derive(Debug)]
pub(crate) struct Other {
    pub(crate) key: SigningKey,
}

impl Other {
    pub(crate) fn new() -> Self {
        let algorithm = SigningAlgorithm::Es256;
        let key = generate(algorithm).unwrap();
        Self { key: SigningKey::parse("o1".into(), algorithm, Timestamp(0), None, &key).unwrap() }
    }

    /// A statement with these claims over good ones.
    pub(crate) fn about(&self, app: &TestApp, claims: Value) -> String {
        self.typed(app, None, claims)
    }

    #[expect(clippy::needless_pass_by_value, reason = "read as a literal at each call")]
    pub(crate) fn typed(&self, app: &TestApp, typ: Option<&str>, claims: Value) -> String {
        let now = app.cx().now.0;
        let mut all = json!({"iss": OTHER, "sub": "s-1", "aud": ISSUER, "iat": now, "exp": now + 300});
        for (name, value) in claims.as_object().unwrap() {
            if value.is_null() {
                all.as_object_mut().unwrap().remove(name);
            } else {
                all[name] = value.clone();
            }
        }
        let mut header = json!({"alg": self.key.algorithm.name(), "kid": self.key.id.as_str()});
        if let Some(typ) = typ {
            header["typ"] = json!(typ);
        }
        let part = |json: &Value| BASE64URL_NOPAD.encode(json.to_string().as_bytes());
        let mut text = format!("{}.{}", part(&header), part(&all));
        self.key.sign_onto(&mut text).unwrap();
        text
    }
}

/// Trusts the issuer for these, with further members.
pub(crate) async fn trust(app: &TestApp, other: &Other, trust: &[Trust], more: Value) {
    let cx = app.cx();
    let mut members = more.as_object().unwrap().clone();
    members.insert("issuer".to_owned(), json!(OTHER));
    members.insert("trusted_for".to_owned(), json!(trust));
    members.insert("jwks".to_owned(), json!({"keys": [other.key.public_jwk()]}));
    let mut new = issuer::with(&issuer::blank(&cx, "idp").unwrap(), &members).unwrap();
    new.version = 1;
    issuer::create(&cx, Actor::Operator, &new).await.unwrap();
}
