//! RFC 7523 §2.2, §3 — clients that prove themselves by a signed statement

use crate::signer::Signer;
use crate::support::{ISSUER, assert_refused, world};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use valetkey_core::client::AuthMethod;
use valetkey_core::grant::GrantType;
use valetkey_core::jose::{SigningAlgorithm, SigningKey, generate};
use valetkey_core::manage::client::NewClient;
use valetkey_core::scope::Scope;
use valetkey_core::time::Timestamp;
use valetkey_testkit::{Browser, CLIENT_SECRET, Reply, TestApp};

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

fn key(id: &str, algorithm: SigningAlgorithm) -> SigningKey {
    SigningKey::parse(id.into(), algorithm, Timestamp(0), None, &generate(algorithm).unwrap()).unwrap()
}

fn signed(key: &SigningKey, header: &Value, claims: &Value) -> String {
    let part = |json: &Value| BASE64URL_NOPAD.encode(json.to_string().as_bytes());
    let mut text = format!("{}.{}", part(header), part(claims));
    key.sign_onto(&mut text).unwrap();
    text
}

/// `json` with one member replaced, or (by null) left out.
fn altered(json: &Value, name: &str, value: Value) -> Value {
    let mut json = json.clone();
    if value.is_null() {
        json.as_object_mut().unwrap().remove(name);
    } else {
        json[name] = value;
    }
    json
}

struct World {
    app: TestApp,
    key: SigningKey,
}

impl World {
    async fn with(algorithm: SigningAlgorithm) -> Self {
        let (app, key) = (world().await, key("k1", algorithm));
        app.client(NewClient {
            id: Some("signer".to_owned()),
            grant_types: vec![GrantType::ClientCredentials],
            scope: Some(Scope::parse("read").unwrap()),
            auth_method: Some(AuthMethod::PrivateKeyJwt),
            jwks: Some(json!({"keys": [key.public_jwk()]})),
            ..NewClient::default()
        })
        .await;
        Self { app, key }
    }

    fn header(&self) -> Value {
        json!({"alg": self.key.algorithm.name(), "kid": "k1", "typ": "JWT"})
    }

    fn claims(&self, jti: &str) -> Value {
        let now = self.app.cx().now.0;
        json!({"iss": "signer", "sub": "signer", "aud": ISSUER, "iat": now, "exp": now + 60, "jti": jti})
    }

    async fn token(&self, assertion: &str, more: &[(&str, &str)]) -> Reply {
        let own = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", TYPE),
            ("client_assertion", assertion),
        ];
        self.app.post("/oauth/token", None, &[&own, more].concat()).await
    }
}

#[tokio::test]
async fn rfc7523_section_2_2_a_client_proves_itself_with_its_key_at_every_endpoint() {
    for algorithm in SigningAlgorithm::KEYS {
        let world = World::with(algorithm).await;
        let sign = |jti: &str| signed(&world.key, &world.header(), &world.claims(jti));
        let reply = world.token(&sign("1"), &[("client_id", "signer")]).await;
        assert_eq!(reply.status, 200, "{algorithm:?} {}", reply.body);
        let token = reply.json()["access_token"].as_str().unwrap().to_owned();
        let assertion = sign("2");
        let fields = [
            ("token", token.as_str()),
            ("client_assertion_type", TYPE),
            ("client_assertion", assertion.as_str()),
        ];
        let reply = world.app.post("/oauth/introspect", None, &fields).await;
        assert_eq!(reply.json()["active"], true, "{}", reply.body);
    }
}

#[tokio::test]
async fn rfc7523_section_3_a_statement_works_once_also_after_a_restart() {
    let mut world = World::with(SigningAlgorithm::Es256).await;
    let assertion = signed(&world.key, &world.header(), &world.claims("once"));
    assert_eq!(world.token(&assertion, &[]).await.status, 200);
    assert_refused(&world.token(&assertion, &[]).await, 401, "invalid_client", "again");
    let again = altered(&world.claims("once"), "exp", (world.app.cx().now.0 + 300).into());
    let again = signed(&world.key, &world.header(), &again);
    assert_refused(
        &world.token(&again, &[]).await,
        401,
        "invalid_client",
        "the same jti in another statement",
    );
    world.app.restart().await;
    assert_refused(&world.token(&assertion, &[]).await, 401, "invalid_client", "after a restart");
}

#[tokio::test]
async fn rfc9864_section_2_2_ed25519_is_another_name_of_eddsa_and_of_nothing_else() {
    for (algorithm, status) in [(SigningAlgorithm::EdDsa, 200), (SigningAlgorithm::Es256, 401)] {
        let world = World::with(algorithm).await;
        let header = altered(&world.header(), "alg", "Ed25519".into());
        let reply = world.token(&signed(&world.key, &header, &world.claims("1")), &[]).await;
        assert_eq!(reply.status, status, "{algorithm:?} {}", reply.body);
    }
    // Whichever name was registered, the other one is meant too.
    let app = world().await;
    for (id, name) in [("older", "EdDSA"), ("newer", "Ed25519")] {
        let members = json!({"token_endpoint_auth_signing_alg": name, "request_object_signing_alg": name});
        let own = Signer::named(&app, id, SigningAlgorithm::EdDsa, &members).await;
        let object = own.object(&own.claims(&app, "read"));
        let reply = own.post(&app, "/oauth/par", &[("request", &object)], None).await;
        assert_eq!(reply.status, 201, "{name}: {}", reply.body);
    }
}

#[tokio::test]
async fn rfc7519_section_4_1_3_a_list_of_one_audience_is_that_audience_but_for_fapi2() {
    let app = world().await;
    let one = json!([ISSUER]);
    for (id, members, status) in [("plain", json!({}), 201), ("bank", json!({"profile": "fapi2"}), 401)] {
        let own = Signer::named(&app, id, SigningAlgorithm::Es256, &members).await;
        let assertion = own.assertion_for(&app, &one);
        let mut fields = Browser::request(id, "read");
        fields.extend([("client_assertion_type", TYPE), ("client_assertion", assertion.as_str())]);
        let reply = app.post("/oauth/par", None, &fields).await;
        assert_eq!(reply.status, status, "{id}: {}", reply.body);
    }
}

#[tokio::test]
async fn rfc7523_section_3_a_statement_that_says_anything_else_is_refused() {
    let world = World::with(SigningAlgorithm::Es256).await;
    let now = world.app.cx().now.0;
    let metadata = format!("{ISSUER}/oauth/token");
    for (n, (name, value)) in [
        ("iss", json!("other")),
        ("iss", Value::Null),
        ("sub", json!("service")),
        ("sub", Value::Null),
        // RFC 10070: the issuer, and nothing beside it.
        ("aud", json!(metadata)),
        ("aud", json!([ISSUER, metadata])),
        ("aud", json!([ISSUER, ISSUER])),
        ("aud", json!([metadata])),
        ("aud", json!([])),
        ("aud", json!(format!("{ISSUER}/"))),
        ("aud", Value::Null),
        ("exp", json!(now)),
        ("exp", json!(now - 1)),
        ("exp", json!(now + 86400)),
        ("exp", json!("soon")),
        ("exp", Value::Null),
        ("iat", json!(now + 61)),
        ("nbf", json!(now + 61)),
        ("jti", json!("")),
        ("jti", Value::Null),
    ]
    .into_iter()
    .enumerate()
    {
        let claims = altered(&world.claims(&format!("j{n}")), name, value.clone());
        let reply = world.token(&signed(&world.key, &world.header(), &claims), &[]).await;
        assert_refused(&reply, 401, "invalid_client", &format!("{name} = {value}"));
    }
    for (n, (name, value)) in [
        ("alg", json!("none")),
        ("alg", json!("HS256")),
        ("alg", json!("EdDSA")),
        ("kid", json!("k2")),
        ("typ", json!("at+jwt")),
        ("typ", json!("dpop+jwt")),
        ("crit", json!(["exp"])),
    ]
    .into_iter()
    .enumerate()
    {
        let header = altered(&world.header(), name, value.clone());
        let reply = world.token(&signed(&world.key, &header, &world.claims(&format!("h{n}"))), &[]).await;
        assert_refused(&reply, 401, "invalid_client", &format!("{name} = {value}"));
    }
    let stranger = key("k1", SigningAlgorithm::Es256);
    let reply = world.token(&signed(&stranger, &world.header(), &world.claims("s")), &[]).await;
    assert_refused(&reply, 401, "invalid_client", "another's key");
}

#[tokio::test]
async fn rfc7523_section_3_clocks_may_differ_by_ten_seconds() {
    let world = World::with(SigningAlgorithm::Es256).await;
    let now = world.app.cx().now.0;
    for name in ["iat", "nbf"] {
        let claims = altered(&world.claims(name), name, json!(now + 8));
        let reply = world.token(&signed(&world.key, &world.header(), &claims), &[]).await;
        assert_eq!(reply.status, 200, "{name}: {}", reply.body);
    }
}

#[tokio::test]
async fn rfc6749_section_2_3_a_client_proves_itself_in_one_way_and_in_its_own() {
    let world = World::with(SigningAlgorithm::Es256).await;
    let sign = |jti: &str| signed(&world.key, &world.header(), &world.claims(jti));
    let twice = world.token(&sign("1"), &[("client_secret", CLIENT_SECRET)]).await;
    assert_refused(&twice, 400, "invalid_request", "and a secret");
    let other = world.token(&sign("2"), &[("client_id", "service")]).await;
    assert_refused(&other, 400, "invalid_request", "another client_id");
    let assertion = sign("3");
    let fields = [("grant_type", "client_credentials"), ("client_assertion", assertion.as_str())];
    assert_refused(
        &world.app.post("/oauth/token", None, &fields).await,
        400,
        "invalid_request",
        "without type",
    );
    let fields = [("grant_type", "client_credentials"), ("client_id", "signer"), ("client_secret", "x")];
    assert_refused(&world.app.post("/oauth/token", None, &fields).await, 401, "invalid_client", "a secret");
    let fields = [("grant_type", "client_credentials"), ("client_id", "signer")];
    assert_refused(&world.app.post("/oauth/token", None, &fields).await, 401, "invalid_client", "nothing");
    // A client of another method, even with a key of that name.
    let claims = altered(&altered(&world.claims("4"), "iss", json!("service")), "sub", json!("service"));
    let reply = world.token(&signed(&world.key, &world.header(), &claims), &[]).await;
    assert_refused(&reply, 401, "invalid_client", "a client with a secret");
}
