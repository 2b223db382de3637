//! A client that signs: its assertions, its request objects, its proofs of possession.

use crate::support::{ISSUER, with};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use valetkey_core::client::AuthMethod;
use valetkey_core::client::profile::Profile;
use valetkey_core::jose::{SigningAlgorithm, SigningKey, generate};
use valetkey_core::manage::client::NewClient;
use valetkey_core::time::Timestamp;
use valetkey_testkit::{Browser, PASSWORD, Reply, TestApp, redemption};

pub(crate) const CALLBACK: &str = "https://app.example/cb";

pub(crate) struct Signer {
    pub(crate) id: &'static str,
    pub(crate) key: SigningKey,
}

pub(crate) fn key(algorithm: SigningAlgorithm) -> SigningKey {
    SigningKey::parse("k1".into(), algorithm, Timestamp(0), None, &generate(algorithm).unwrap()).unwrap()
}

/// One RSA key, as it signs by PS256 and by RS256.
pub(crate) fn pss_and_pkcs1() -> [SigningKey; 2] {
    let pkcs8 = generate(SigningAlgorithm::Ps256).unwrap();
    [SigningAlgorithm::Ps256, SigningAlgorithm::Rs256]
        .map(|by| SigningKey::parse("k1".into(), by, Timestamp(0), None, &pkcs8).unwrap())
}

/// `json` with one member replaced, or (by null) left out.
pub(crate) fn set(json: &Value, name: &str, value: Value) -> Value {
    let mut json = json.clone();
    if value.is_null() {
        json.as_object_mut().unwrap().remove(name);
    } else {
        json[name] = value;
    }
    json
}

pub(crate) fn profile(members: &Value) -> Profile {
    let each = members.as_object().unwrap().iter();
    each.fold(Profile::default(), |own, (name, value)| own.with(name, value).unwrap())
}

impl Signer {
    /// A client that proves itself by its key, with these members of its metadata.
    pub(crate) async fn register(app: &TestApp, algorithm: SigningAlgorithm, members: &Value) -> Self {
        Self::named(app, "signer", algorithm, members).await
    }

    pub(crate) async fn named(
        app: &TestApp,
        id: &'static str,
        algorithm: SigningAlgorithm,
        members: &Value,
    ) -> Self {
        let key = key(algorithm);
        app.client(NewClient {
            id: Some(id.to_owned()),
            redirect_uris: vec![CALLBACK.to_owned()],
            auth_method: Some(AuthMethod::PrivateKeyJwt),
            jwks: Some(json!({"keys": [key.public_jwk()]})),
            profile: profile(members),
            ..NewClient::default()
        })
        .await;
        Self { id, key }
    }

    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        let part = |json: &Value| BASE64URL_NOPAD.encode(json.to_string().as_bytes());
        let mut text = format!("{}.{}", part(header), part(claims));
        self.key.sign_onto(&mut text).unwrap();
        text
    }

    pub(crate) fn header(&self, typ: &str) -> Value {
        json!({"alg": self.key.algorithm.name(), "kid": "k1", "typ": typ})
    }

    pub(crate) fn assertion(&self, app: &TestApp) -> String {
        self.assertion_for(app, &ISSUER.into())
    }

    pub(crate) fn assertion_for(&self, app: &TestApp, aud: &Value) -> String {
        let (cx, id) = (app.cx(), self.id);
        let jti = cx.new_secret();
        let claims = json!({"iss": id, "sub": id, "aud": aud, "exp": cx.now.0 + 60, "jti": jti.expose()});
        self.sign(&self.header("client-authentication+jwt"), &claims)
    }

    /// The claims of a request object for the usual request.
    pub(crate) fn claims(&self, app: &TestApp, scope: &str) -> Value {
        let now = app.cx().now.0;
        let mut claims = json!({"iss": self.id, "aud": ISSUER, "nbf": now, "exp": now + 300});
        for (name, value) in Browser::request(self.id, scope) {
            claims[name] = value.into();
        }
        claims
    }

    pub(crate) fn object(&self, claims: &Value) -> String {
        self.sign(&self.header("oauth-authz-req+jwt"), claims)
    }

    fn bare_jwk(&self) -> Value {
        ["kid", "use", "alg"].iter().fold(self.key.public_jwk(), |jwk, name| set(&jwk, name, Value::Null))
    }

    /// RFC 9449 §4.2.
    pub(crate) fn proof(&self, app: &TestApp, path: &str) -> String {
        self.proof_at(app, ("POST", &format!("{ISSUER}{path}")), None)
    }

    /// The same for any method and address, and for a token beside it (§7).
    pub(crate) fn proof_at(&self, app: &TestApp, (htm, htu): (&str, &str), token: Option<&str>) -> String {
        let cx = app.cx();
        let jti = cx.new_secret();
        let header = json!({"typ": "dpop+jwt", "alg": self.key.algorithm.name(), "jwk": self.bare_jwk()});
        let mut claims = json!({"jti": jti.expose(), "htm": htm, "htu": htu, "iat": cx.now.0});
        if let Some(token) = token {
            let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes());
            claims["ath"] = BASE64URL_NOPAD.encode(digest.as_ref()).into();
        }
        self.sign(&header, &claims)
    }

    /// A form of this client's, proven by a fresh assertion.
    pub(crate) async fn post(
        &self,
        app: &TestApp,
        path: &str,
        fields: &[(&str, &str)],
        holder: Option<&Self>,
    ) -> Reply {
        let assertion = self.assertion(app);
        let own = [
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", assertion.as_str()),
        ];
        let mut call = app.call("POST", path);
        if let Some(holder) = holder {
            call = call.header("dpop", &holder.proof(app, path));
        }
        call.form(&[fields, &own].concat()).send().await
    }

    /// RFC 9126 §2: what is pushed, as its `request_uri`.
    pub(crate) async fn push(&self, app: &TestApp, fields: &[(&str, &str)]) -> String {
        let reply = self.post(app, "/oauth/par", fields, None).await;
        assert_eq!(reply.status, 201, "{}", reply.body);
        reply.json()["request_uri"].as_str().unwrap().to_owned()
    }

    /// Through the pages as alice; everything is allowed.
    pub(crate) async fn allow(&self, browser: &mut Browser<'_>, fields: &[(&str, &str)]) -> Reply {
        let fields = with(fields, "client_id", Some(self.id));
        let mut reply = browser.authorize(&fields).await;
        if reply.body.contains("name=\"password\"") {
            reply = browser.log_in(&reply, "alice", PASSWORD).await;
        }
        if reply.body.contains("name=\"decision\"") {
            let scopes = reply.checkboxes("scope");
            let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
            reply = browser.decide(&reply, "allow", &scopes).await;
        }
        reply
    }

    /// A code of a pushed request.
    pub(crate) async fn code(&self, app: &TestApp, fields: &[(&str, &str)]) -> String {
        let uri = self.push(app, fields).await;
        let reply = self.allow(&mut app.browser(), &[("request_uri", &uri)]).await;
        reply.redirected().remove("code").unwrap_or_else(|| panic!("{} {}", reply.location(), reply.words()))
    }

    pub(crate) async fn redeem(&self, app: &TestApp, code: &str, holder: Option<&Self>) -> Reply {
        self.post(app, "/oauth/token", &redemption(code), holder).await
    }
}
