//! RFC 7591 §2, OIDC Core §10.1.1 — clients whose keys are read where they say

use crate::support::{ISSUER, assert_refused, furnish};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use valetkey_core::audit::Actor;
use valetkey_core::client::AuthMethod;
use valetkey_core::grant::GrantType;
use valetkey_core::jose::{SigningAlgorithm, SigningKey, generate};
use valetkey_core::manage::client::NewClient;
use valetkey_core::manage::{ManageError, client};
use valetkey_core::scope::Scope;
use valetkey_core::settings::MetadataDocuments;
use valetkey_core::time::Timestamp;
use valetkey_testkit::{Browser, PASSWORD, Reply, Site, TestApp, VERIFIER};

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

fn key(id: &str) -> SigningKey {
    let algorithm = SigningAlgorithm::Es256;
    SigningKey::parse(id.into(), algorithm, Timestamp(0), None, &generate(algorithm).unwrap()).unwrap()
}

fn signed(key: &SigningKey, client: &str, now: i64, jti: &str) -> String {
    let part = |json: Value| BASE64URL_NOPAD.encode(json.to_string().as_bytes());
    let header = json!({"alg": "ES256", "kid": key.id.as_str(), "typ": "client-authentication+jwt"});
    let claims =
        json!({"iss": client, "sub": client, "aud": ISSUER, "iat": now, "exp": now + 60, "jti": jti});
    let mut text = format!("{}.{}", part(header), part(claims));
    key.sign_onto(&mut text).unwrap();
    text
}

struct World {
    app: TestApp,
    site: Site,
}

impl World {
    async fn new() -> Self {
        let (app, site) = (furnish(TestApp::builder().calling_loopback()).await, Site::start().await);
        app.client(NewClient {
            id: Some("signer".to_owned()),
            grant_types: vec![GrantType::ClientCredentials],
            scope: Some(Scope::parse("read").unwrap()),
            auth_method: Some(AuthMethod::PrivateKeyJwt),
            jwks_uri: Some(site.url("/keys")),
            ..NewClient::default()
        })
        .await;
        Self { app, site }
    }

    fn serve(&self, keys: &[&SigningKey]) {
        let keys: Vec<_> = keys.iter().map(|key| key.public_jwk()).collect();
        self.site.serve("/keys", &json!({ "keys": keys }));
    }

    async fn token(&self, key: &SigningKey, jti: &str) -> Reply {
        let assertion = signed(key, "signer", self.app.cx().now.0, jti);
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", TYPE),
            ("client_assertion", assertion.as_str()),
        ];
        self.app.post("/oauth/token", None, &fields).await
    }
}

#[tokio::test]
async fn rfc7591_section_2_keys_are_read_at_the_jwks_uri_and_kept() {
    let (world, own, other) = (World::new().await, key("k1"), key("k1"));
    world.serve(&[&own]);
    for nth in 0..3 {
        let reply = world.token(&own, &nth.to_string()).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
    }
    assert_refused(&world.token(&other, "x").await, 401, "invalid_client", "another's key");
    assert_eq!(world.site.count("/keys"), 1, "asked once, and not again a moment later");
}

#[tokio::test]
async fn oidc_core_section_10_1_1_a_changed_key_is_found_by_one_more_look() {
    let (world, old, new) = (World::new().await, key("k1"), key("k2"));
    world.serve(&[&old]);
    assert_eq!(world.token(&old, "1").await.status, 200);
    world.serve(&[&new]);
    // Strangers' statements are no stream of questions.
    assert_refused(&world.token(&new, "2").await, 401, "invalid_client", "a moment later");
    world.app.clock.advance(11);
    assert_eq!(world.token(&new, "3").await.status, 200);
    assert_refused(&world.token(&old, "4").await, 401, "invalid_client", "taken back by its owner");
    assert_eq!(world.site.count("/keys"), 2);
}

#[tokio::test]
async fn keys_that_cannot_be_read_now_are_a_failure_that_passes_and_a_wrong_set_is_a_refusal() {
    let (world, own) = (World::new().await, key("k1"));
    for status in [500, 503, 429] {
        world.site.answer("/keys", status, &[], "");
        let reply = world.token(&own, &format!("away{status}")).await;
        assert_refused(&reply, 503, "temporarily_unavailable", &status.to_string());
        assert!(!reply.header("retry-after").is_empty());
    }
    let json = [("content-type", "application/json")];
    for (status, headers, body) in [
        (404, json.as_slice(), "{}"),
        (200, &json, "[]"),
        (200, &json, "{\"keys\": 1}"),
        (200, &json, "no JSON"),
        (200, &[("content-type", "text/html")], "{\"keys\": []}"),
        (302, &[("location", "/elsewhere")], ""),
    ] {
        world.site.answer("/keys", status, headers, body);
        world.app.clock.advance(4000);
        let reply = world.token(&own, &format!("wrong{status}{body}")).await;
        assert_refused(&reply, 401, "invalid_client", body);
    }
    world.serve(&[&own]);
    world.app.clock.advance(4000);
    // Not one of the statements above was used up by what was wrong with the keys.
    assert_eq!(world.token(&own, "away503").await.status, 200);
}

#[tokio::test]
async fn rfc7591_section_2_keys_are_given_or_elsewhere_and_never_both() {
    let app = furnish(TestApp::builder()).await;
    let set = json!({"keys": [key("k").public_jwk()]});
    for (jwks, jwks_uri, good) in [
        (Some(&set), None, true),
        (None, Some("https://app.example/keys"), true),
        (Some(&set), Some("https://app.example/keys"), false),
        (None, Some("http://app.example/keys"), false),
        (None, None, false),
    ] {
        let new = NewClient {
            name: "Signer".to_owned(),
            grant_types: vec![GrantType::ClientCredentials],
            auth_method: Some(AuthMethod::PrivateKeyJwt),
            jwks: jwks.cloned(),
            jwks_uri: jwks_uri.map(str::to_owned),
            ..NewClient::default()
        };
        let made = client::create(&app.cx(), Actor::Operator, new).await;
        assert_eq!(made.is_ok(), good, "{jwks:?} {jwks_uri:?}");
        assert!(good || matches!(made, Err(ManageError::Refused(_))));
    }
}

#[tokio::test]
async fn an_application_whose_document_cannot_be_read_now_is_told_to_come_again_when_it_refreshes() {
    let builder = TestApp::builder().metadata_documents(MetadataDocuments::Open).calling_loopback();
    let (app, site) = (furnish(builder).await, Site::start().await);
    let id = site.url("/client.json");
    site.serve(
        "/client.json",
        &json!({
            "client_id": id, "client_name": "Agent", "redirect_uris": ["https://app.example/cb"],
            "grant_types": ["authorization_code", "refresh_token"], "token_endpoint_auth_method": "none",
        }),
    );
    let mut browser = app.browser();
    let login = browser.authorize(&Browser::request(&id, "read")).await;
    let consent = browser.log_in(&login, "alice", PASSWORD).await;
    let code = browser.decide(&consent, "allow", &["read"]).await.redirected()["code"].clone();
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", "https://app.example/cb"),
        ("client_id", id.as_str()),
        ("code_verifier", VERIFIER),
    ];
    let token = app.post("/oauth/token", None, &fields).await.json()["refresh_token"].clone();
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", token.as_str().unwrap()),
        ("client_id", id.as_str()),
    ];
    site.answer("/client.json", 503, &[], "");
    app.clock.advance(4000);
    assert_refused(&app.post("/oauth/token", None, &fields).await, 503, "temporarily_unavailable", "away");
    site.answer("/client.json", 404, &[], "");
    assert_refused(&app.post("/oauth/token", None, &fields).await, 401, "invalid_client", "gone");
}
