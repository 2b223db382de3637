//! FAPI 2.0 §5.3.2 — the profile `fapi2` of one client: what it needs, and what it refuses

use crate::signer::{CALLBACK, Signer, profile};
use crate::support::{apply_settings, assert_error_page, assert_refused, text, with, world};
use serde_json::{Value, json};
use valetkey_core::audit::{Actor, Event};
use valetkey_core::client::compat::Compat;
use valetkey_core::client::{AuthMethod, Client};
use valetkey_core::grant::GrantType;
use valetkey_core::jose::SigningAlgorithm;
use valetkey_core::manage;
use valetkey_core::manage::client::NewClient;
use valetkey_testkit::{Browser, TestApp, redemption};

async fn bank(app: &TestApp) -> Signer {
    Signer::register(app, SigningAlgorithm::Es256, &json!({"profile": "fapi2"})).await
}

fn request() -> Vec<(&'static str, &'static str)> {
    Browser::request("signer", "openid read")
}

#[tokio::test]
async fn fapi2_section_5_3_2_the_whole_way_with_pushed_request_assertion_and_dpop() {
    let app = world().await;
    let own = bank(&app).await;
    let code = own.code(&app, &request()).await;
    let reply = own.redeem(&app, &code, Some(&own)).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let tokens = reply.json();
    assert_eq!(tokens["token_type"], "DPoP");
    let header = text(&tokens, "id_token").split('.').next().unwrap();
    let header = data_encoding::BASE64URL_NOPAD.decode(header.as_bytes()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    assert_eq!(header["alg"], "ES256", "§5.4.1: never RS256");
    // §5.3.2.1: the refresh token is not rotated, however often it is used.
    let first = text(&tokens, "refresh_token").to_owned();
    for _ in 0..3 {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", first.as_str())];
        let reply = own.post(&app, "/oauth/token", &fields, Some(&own)).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        assert_eq!(text(&reply.json(), "refresh_token"), first);
        app.clock.advance(30);
    }
    let fields = [("grant_type", "refresh_token"), ("refresh_token", first.as_str())];
    let bare = own.post(&app, "/oauth/token", &fields, None).await;
    assert_refused(&bare, 400, "invalid_request", "refreshed without a proof");
}

#[tokio::test]
async fn fapi2_section_5_3_2_2_only_pushed_requests_for_a_code_with_pkce_to_the_very_address() {
    let app = world().await;
    let own = bank(&app).await;
    let told = app.browser().authorize(&request()).await.redirected();
    assert_eq!((told["error"].as_str(), told["state"].as_str()), ("invalid_request", "the-state"));
    let object = own.object(&own.claims(&app, "read"));
    let fields = [("client_id", "signer"), ("redirect_uri", CALLBACK), ("request", object.as_str())];
    assert_eq!(app.browser().authorize(&fields).await.redirected()["error"], "invalid_request", "by value");
    for (name, value, error) in [
        ("redirect_uri", None, "invalid_request"),
        ("redirect_uri", Some("https://app.example/other"), "invalid_request"),
        ("response_type", Some("code id_token"), "unsupported_response_type"),
        ("response_type", Some("token"), "unsupported_response_type"),
        ("response_type", None, "invalid_request"),
        ("code_challenge", None, "invalid_request"),
        ("code_challenge_method", Some("plain"), "invalid_request"),
        ("request_uri", Some("urn:ietf:params:oauth:request_uri:x"), "invalid_request"),
    ] {
        let reply = own.post(&app, "/oauth/par", &with(&request(), name, value), None).await;
        assert_refused(&reply, 400, error, name);
    }
    let unproven = app.post("/oauth/par", None, &request()).await;
    assert_refused(&unproven, 401, "invalid_client", "without an assertion");
}

#[tokio::test]
async fn fapi2_section_5_3_2_1_tokens_are_bound_or_not_given() {
    let app = world().await;
    let own = bank(&app).await;
    let code = own.code(&app, &request()).await;
    assert_refused(&own.redeem(&app, &code, None).await, 400, "invalid_request", "no proof");
    let weak = Signer { id: "signer", key: crate::signer::key(SigningAlgorithm::Rs256) };
    let reply = own.redeem(&app, &code, Some(&weak)).await;
    assert_refused(&reply, 400, "invalid_dpop_proof", "a proof by RS256");
    assert_eq!(own.redeem(&app, &code, Some(&own)).await.status, 200, "nothing was spent");
    // The same at other clients is as it ever was.
    let plain = Signer::named(&app, "plain", SigningAlgorithm::Es256, &json!({})).await;
    let code = plain.code(&app, &with(&request(), "client_id", Some("plain"))).await;
    assert_eq!(plain.redeem(&app, &code, Some(&weak)).await.status, 200);
}

#[tokio::test]
async fn fapi2_section_5_4_1_rs256_is_believed_in_nothing_that_the_client_signs() {
    let app = world().await;
    let own = Signer::register(&app, SigningAlgorithm::Rs256, &json!({"profile": "fapi2"})).await;
    let reply = own.post(&app, "/oauth/par", &request(), None).await;
    assert_refused(&reply, 401, "invalid_client", "an assertion by RS256");
    // The same key by PSS is good, and so is what it signs; an object without its beginning is not (Message Signing §5.3.1).
    let good = Signer::named(&app, "pss", SigningAlgorithm::Ps256, &json!({"profile": "fapi2"})).await;
    let claims = good.claims(&app, "read");
    let object = good.object(&claims);
    assert_eq!(good.post(&app, "/oauth/par", &[("request", &object)], None).await.status, 201);
    for (name, value) in [("nbf", Value::Null), ("exp", Value::Null), ("redirect_uri", Value::Null)] {
        let object = good.object(&crate::signer::set(&claims, name, value));
        let reply = good.post(&app, "/oauth/par", &[("request", &object)], None).await;
        let error = if name == "redirect_uri" { "invalid_request" } else { "invalid_request_object" };
        assert_refused(&reply, 400, error, name);
    }
}

#[tokio::test]
async fn fapi2_section_5_3_2_1_a_code_lives_a_minute_at_most_whatever_the_server_gives() {
    let app = world().await;
    apply_settings(&app, json!({"lifetimes": {"code": "5m"}})).await;
    let own = bank(&app).await;
    let code = own.code(&app, &request()).await;
    app.clock.advance(60);
    assert_refused(&own.redeem(&app, &code, Some(&own)).await, 400, "invalid_grant", "after a minute");
    let plain = app.browser().code("app", "read", "alice").await;
    app.clock.advance(200);
    assert_eq!(app.token("app", &redemption(&plain)).await.status, 200);
}

#[tokio::test]
async fn what_fapi2_forbids_cannot_be_registered() {
    let app = world().await;
    let key = crate::signer::key(SigningAlgorithm::Es256);
    let good = || NewClient {
        name: "Bank".to_owned(),
        redirect_uris: vec![CALLBACK.to_owned()],
        auth_method: Some(AuthMethod::PrivateKeyJwt),
        jwks: Some(json!({"keys": [key.public_jwk()]})),
        profile: profile(&json!({"profile": "fapi2"})),
        ..NewClient::default()
    };
    let with = |members: Value| {
        let mut all = members;
        all["profile"] = "fapi2".into();
        NewClient { profile: profile(&all), ..good() }
    };
    assert!(manage::client::create(&app.cx(), Actor::Operator, good()).await.is_ok());
    for (case, new) in [
        ("a secret", NewClient { auth_method: None, jwks: None, ..good() }),
        ("public", NewClient { auth_method: Some(AuthMethod::None), jwks: None, ..good() }),
        ("an opt-in", NewClient { compat: vec![Compat::NoPkce], ..good() }),
        ("another opt-in", NewClient { compat: vec![Compat::Implicit], ..good() }),
        ("http", NewClient { redirect_uris: vec!["http://127.0.0.1/cb".to_owned()], ..good() }),
        ("a scheme", NewClient { redirect_uris: vec!["com.example.app:/cb".to_owned()], ..good() }),
        ("RS256 objects", with(json!({"request_object_signing_alg": "RS256"}))),
        ("RS256 answers", with(json!({"authorization_signed_response_alg": "RS256"}))),
        ("RS256 ID tokens", with(json!({"id_token_signed_response_alg": "RS256"}))),
        ("password", NewClient { grant_types: vec![GrantType::Password], ..good() }),
    ] {
        let refused = manage::client::create(&app.cx(), Actor::Operator, new).await;
        assert!(refused.is_err(), "{case}");
    }
}

#[tokio::test]
async fn fapi2_and_opt_ins_that_came_together_past_registration_are_refused_where_they_are_used() {
    let app = world().await;
    let own = bank(&app).await;
    let mut client = app.cx().store.client(&"signer".into()).await.unwrap().unwrap();
    client.compat = vec![Compat::NoPkce, Compat::Implicit, Compat::ReusableRefreshToken];
    client.grant_types.push(GrantType::Implicit);
    client.auth_method = AuthMethod::PrivateKeyJwt;
    let cx = app.cx();
    let record = cx.record(Event::ClientUpdated, Actor::System);
    cx.store.update_client(&client, None, &record).await.unwrap();
    cx.follow_changes().await.unwrap();
    let bare = with(&with(&request(), "code_challenge", None), "code_challenge_method", None);
    assert_refused(&own.post(&app, "/oauth/par", &bare, None).await, 400, "invalid_request", "no PKCE");
    let front = with(&request(), "response_type", Some("token"));
    let reply = own.post(&app, "/oauth/par", &front, None).await;
    assert_refused(&reply, 400, "unsupported_response_type", "implicit");
    // A secret, or none, proves nothing for such a client either.
    for method in [AuthMethod::ClientSecret, AuthMethod::None] {
        let mut client: Client = app.cx().store.client(&"signer".into()).await.unwrap().unwrap();
        let secret = valetkey_core::secret::Secret::new("a-secret-of-enough-length");
        client.auth_method = method;
        client.secrets = vec![valetkey_core::client::ClientSecret {
            id: app.cx().new_id(),
            hash: secret.hash(),
            created_at: app.cx().now,
            expires_at: None,
            name: String::new(),
        }];
        let record = app.cx().record(Event::ClientUpdated, Actor::System);
        app.cx().store.update_client(&client, None, &record).await.unwrap();
        app.cx().follow_changes().await.unwrap();
        let basic = (method == AuthMethod::ClientSecret).then_some(("signer", secret.expose()));
        assert_refused(&app.post("/oauth/par", basic, &request()).await, 401, "invalid_client", "proof");
    }
}

#[tokio::test]
async fn a_request_uri_is_answered_once_but_looked_at_as_often_as_one_likes() {
    let app = world().await;
    let own = bank(&app).await;
    let uri = own.push(&app, &request()).await;
    let fields = [("client_id", "signer"), ("request_uri", uri.as_str())];
    let (mut one, mut two) = (app.browser(), app.browser());
    let first = one.authorize(&fields).await;
    assert_eq!((first.status.as_u16(), one.authorize(&fields).await.status.as_u16()), (200, 200), "a reload");
    let other = two.authorize(&fields).await;
    let consent = two.log_in(&other, "alice", valetkey_testkit::PASSWORD).await;
    let done = own.allow(&mut one, &fields).await;
    assert!(done.redirected().contains_key("code"), "{}", done.location());
    let late = two.decide(&consent, "allow", &["read"]).await.redirected();
    assert_eq!(late["error"], "invalid_request_uri", "a page that was open beside it");
    for browser in [&mut one, &mut two] {
        assert_error_page(&browser.authorize(&fields).await, 400, "not understand", "used");
    }
    // Who clicks twice gets an answer twice: the browser shows the second. Not for longer than that.
    let uri = own.push(&app, &with(&request(), "prompt", Some("consent"))).await;
    let fields = [("client_id", "signer"), ("request_uri", uri.as_str())];
    let page = one.authorize(&fields).await;
    for (wait, want) in [(0, "code"), (5, "code"), (6, "error")] {
        app.clock.advance(wait);
        let done = one.decide(&page, "allow", &["read"]).await.redirected();
        assert!(done.contains_key(want), "after {wait}: {done:?}");
    }
    // Also where nobody is asked any more, and after a no.
    let uri = own.push(&app, &request()).await;
    let fields = [("client_id", "signer"), ("request_uri", uri.as_str())];
    assert!(one.authorize(&fields).await.redirected().contains_key("code"));
    assert_error_page(&one.authorize(&fields).await, 400, "not understand", "used silently");
    let uri = own.push(&app, &with(&request(), "prompt", Some("consent"))).await;
    let fields = [("client_id", "signer"), ("request_uri", uri.as_str())];
    let page = one.authorize(&fields).await;
    assert_eq!(one.decide(&page, "deny", &[]).await.redirected()["error"], "access_denied");
    assert_error_page(&one.authorize(&fields).await, 400, "not understand", "denied");
}

#[tokio::test]
async fn rfc9126_section_6_who_must_push_is_refused_plainly() {
    let app = world().await;
    let own = Signer::register(
        &app,
        SigningAlgorithm::EdDsa,
        &json!({"require_pushed_authorization_requests": true}),
    )
    .await;
    let plain = app.browser().authorize(&Browser::request("signer", "read")).await.redirected();
    assert_eq!(plain["error"], "invalid_request");
    let code = own.code(&app, &Browser::request("signer", "read")).await;
    assert_eq!(own.redeem(&app, &code, None).await.status, 200);
    let free = app.browser().authorize(&Browser::request("app", "read")).await;
    assert_eq!(free.status, 200, "others may");
}
