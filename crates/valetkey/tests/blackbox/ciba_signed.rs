//! CIBA Core §7.1.1, §10.2, FAPI-CIBA §5.2.2 — signed requests, and ping mode

use crate::ciba::{ENDPOINT, ask, ciba_world, poll};
use crate::support::{ISSUER, assert_refused, text};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use valetkey_core::audit::{Actor, Event};
use valetkey_core::client::Client;
use valetkey_core::grant::GrantType;
use valetkey_core::job::ping;
use valetkey_core::jose::{SigningAlgorithm, SigningKey, generate};
use valetkey_core::manage;
use valetkey_core::manage::client::NewClient;
use valetkey_core::time::Timestamp;
use valetkey_testkit::{CLIENT_SECRET, Reply, TestApp};

fn key(algorithm: SigningAlgorithm) -> SigningKey {
    SigningKey::parse("k1".into(), algorithm, Timestamp(0), None, &generate(algorithm).unwrap()).unwrap()
}

fn signed(key: &SigningKey, claims: &Value) -> String {
    let part = |json: &Value| BASE64URL_NOPAD.encode(json.to_string().as_bytes());
    let header = json!({"alg": key.algorithm.name(), "kid": "k1"});
    let mut text = format!("{}.{}", part(&header), part(claims));
    key.sign_onto(&mut text).unwrap();
    text
}

/// `bank` signs its requests from now on.
async fn signs(app: &TestApp, key: &SigningKey) {
    let set = json!({"keys": [key.public_jwk()]});
    set_members(app, |client| {
        client.jwks = Some(set);
        client.profile.cross_device.backchannel_authentication_request_signing_alg =
            Some(key.algorithm.name().to_owned());
    })
    .await;
}

async fn set_members(app: &TestApp, change: impl FnOnce(&mut Client) + Send) {
    let mut client = app.server.store.client(&"bank".into()).await.unwrap().unwrap();
    change(&mut client);
    valetkey_core::client::metadata::check(&client).unwrap();
    let record = app.cx().record(Event::ClientUpdated, Actor::Operator).client(&client.id);
    app.server.store.update_client(&client, None, &record).await.unwrap();
    app.server.follow_changes().await.unwrap();
}

fn claims(app: &TestApp, jti: &str) -> Value {
    let now = app.cx().now.0;
    json!({
        "iss": "bank", "aud": ISSUER, "iat": now, "nbf": now, "exp": now + 300, "jti": jti,
        "scope": "openid read", "login_hint": "alice", "binding_message": "W4SCT", "requested_expiry": 120,
    })
}

async fn send(app: &TestApp, request: &str) -> Reply {
    ask(app, &[("request", request)]).await
}

#[tokio::test]
async fn ciba_section_7_1_1_a_signed_request_is_taken_once_and_its_claims_are_the_parameters() {
    let (app, key) = (ciba_world().await, key(SigningAlgorithm::Es256));
    signs(&app, &key).await;
    let request = signed(&key, &claims(&app, "one"));
    let reply = send(&app, &request).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(reply.json()["expires_in"], 120);
    assert_refused(&send(&app, &request).await, 400, "invalid_request", "the same again");
    let array = signed(&key, &with(&claims(&app, "two"), "aud", json!([ISSUER])));
    assert_eq!(send(&app, &array).await.status, 200, "aud as a list");
}

fn with(claims: &Value, name: &str, value: Value) -> Value {
    let mut claims = claims.clone();
    if value.is_null() {
        claims.as_object_mut().unwrap().remove(name);
    } else {
        claims[name] = value;
    }
    claims
}

#[tokio::test]
async fn fapi_ciba_section_5_2_2_a_signed_request_that_does_not_hold_is_refused() {
    let (app, own) = (ciba_world().await, key(SigningAlgorithm::Es256));
    signs(&app, &own).await;
    let now = app.cx().now.0;
    let good = claims(&app, "j");
    let foreign = key(SigningAlgorithm::Es256);
    for (name, value, words) in [
        ("iss", json!("other"), "iss of"),
        ("iss", json!(null), "iss of"),
        ("aud", json!("https://other.example"), "aud of"),
        ("aud", json!(null), "aud of"),
        ("exp", json!(now), "has expired (exp)"),
        ("exp", json!(now + 3601), "at most sixty minutes"),
        ("exp", json!(null), "has exp, nbf and iat"),
        ("nbf", json!(now + 120), "not good yet (nbf)"),
        ("nbf", json!(null), "has exp, nbf and iat"),
        ("iat", json!(null), "has exp, nbf and iat"),
        ("iat", json!(now + 120), "iat of"),
        ("jti", json!(null), "has a jti"),
        ("client_id", json!("other"), "client_id in"),
        ("request", json!("x"), "neither request nor"),
    ] {
        let altered = with(&good, name, value.clone());
        let reply = send(&app, &signed(&own, &altered)).await;
        assert_refused(&reply, 400, "invalid_request", &format!("{name} {value}"));
        assert!(text(&reply.json(), "error_description").contains(words), "{name} {value}: {}", reply.body);
        // Of what the client's own key did not sign, no claim is spoken of.
        let reply = send(&app, &signed(&foreign, &altered)).await;
        assert!(reply.body.contains("no registered key"), "{name} {value}: {}", reply.body);
    }
    assert_refused(&send(&app, &signed(&foreign, &good)).await, 400, "invalid_request", "another key");
    let other = key(SigningAlgorithm::EdDsa);
    assert_refused(&send(&app, &signed(&other, &good)).await, 400, "invalid_request", "another algorithm");
    assert_refused(&ask(&app, &crate::ciba::REQUEST).await, 400, "invalid_request", "not signed at all");
    let request = signed(&own, &good);
    let beside = [("request", request.as_str()), ("scope", "openid")];
    assert_refused(&ask(&app, &beside).await, 400, "invalid_request", "a parameter beside it");
    let reply = send(&app, &signed(&own, &with(&good, "login_hint", json!("nobody")))).await;
    assert_refused(&reply, 400, "unknown_user_id", "judged as any other");
}

#[tokio::test]
async fn ciba_section_4_what_a_client_registers_must_be_of_use() {
    let app = ciba_world().await;
    for (members, good) in [
        (json!({"backchannel_token_delivery_mode": "poll"}), true),
        (json!({"backchannel_token_delivery_mode": "push"}), false),
        (json!({"backchannel_token_delivery_mode": "ping"}), false),
        (
            json!({"backchannel_token_delivery_mode": "ping", "backchannel_client_notification_endpoint": "https://bank.example/ping"}),
            true,
        ),
        (
            json!({"backchannel_token_delivery_mode": "ping", "backchannel_client_notification_endpoint": "http://bank.example/ping"}),
            false,
        ),
        (json!({"backchannel_user_code_parameter": true}), false),
        (json!({"backchannel_authentication_request_signing_alg": "HS256"}), false),
        (json!({"backchannel_authentication_request_signing_alg": "ES256"}), false),
    ] {
        let mut client = app.server.store.client(&"bank".into()).await.unwrap().unwrap();
        client.profile.cross_device = serde_json::from_value(members.clone()).unwrap();
        assert_eq!(valetkey_core::client::metadata::check(&client).is_ok(), good, "{members}");
    }
    let public = NewClient {
        name: "Public".to_owned(),
        auth_method: Some(valetkey_core::client::AuthMethod::None),
        grant_types: vec![GrantType::Ciba],
        ..NewClient::default()
    };
    assert!(manage::client::create(&app.cx(), Actor::Operator, public).await.is_err());
}

/// Answers one request with a status; gives back what came.
async fn hears(listener: &TcpListener, status: &str) -> String {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut bytes = Vec::new();
    loop {
        stream.read_buf(&mut bytes).await.unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if text.contains("\r\n\r\n") && text.trim_end().ends_with('}') {
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
            stream.shutdown().await.ok();
            return text;
        }
    }
}

#[tokio::test]
async fn ciba_section_10_2_a_client_in_ping_mode_is_told_with_its_own_token_and_again_until_it_hears() {
    let app = crate::support::furnish(TestApp::builder().calling_loopback()).await;
    crate::ciba::bank(&app).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/ping", listener.local_addr().unwrap());
    set_members(&app, |client| {
        client.profile.cross_device.backchannel_token_delivery_mode = Some("ping".to_owned());
        client.profile.cross_device.backchannel_client_notification_endpoint = Some(endpoint);
    })
    .await;
    let missing = app.post(ENDPOINT, Some(("bank", CLIENT_SECRET)), &crate::ciba::REQUEST).await;
    assert_refused(&missing, 400, "invalid_request", "no client_notification_token");
    let fields =
        [&crate::ciba::REQUEST[..], &[("client_notification_token", "a-bearer-token.of~mine")]].concat();
    let id = text(&ask(&app, &fields).await.json(), "auth_req_id").to_owned();
    assert!(ping::claim(&app.cx()).await.unwrap().is_empty(), "nothing is decided");
    let waiting = manage::approval::find(&app.cx(), &id).await.unwrap();
    let alice = app.server.store.user(&crate::support::user_id(&app, "alice").await).await.unwrap().unwrap();
    manage::approval::decide(&app.cx(), &waiting, &alice, None).await.unwrap();
    for status in ["500 Oops", "204 No Content"] {
        let mut claimed = ping::claim(&app.cx()).await.unwrap();
        assert_eq!(claimed.len(), 1, "{status}");
        let cx = app.cx();
        let (told, heard) = tokio::join!(ping::tell(&cx, claimed.remove(0)), hears(&listener, status));
        told.unwrap();
        assert!(heard.starts_with("POST /ping HTTP/1.1"), "{heard}");
        assert!(heard.contains("Bearer a-bearer-token.of~mine"), "{heard}");
        assert!(heard.contains(&format!("{{\"auth_req_id\":\"{id}\"}}")), "the very same id: {heard}");
        app.clock.advance(60);
    }
    app.clock.advance(300);
    assert!(ping::claim(&app.cx()).await.unwrap().is_empty(), "it heard");
    assert_refused(&poll(&app, &id).await, 400, "access_denied", "and asks");
}

#[tokio::test]
async fn ciba_section_10_2_a_client_that_answers_at_all_was_told_and_is_not_told_again() {
    for (status, again) in [
        ("401 Unauthorized", false),
        ("403 Forbidden", false),
        ("404 Not Found", false),
        ("302 Found\r\nlocation: http://127.0.0.1:1/", false),
        ("200 OK", false),
        ("429 Too Many Requests", true),
        ("503 Service Unavailable", true),
    ] {
        let app = crate::support::furnish(TestApp::builder().calling_loopback()).await;
        crate::ciba::bank(&app).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}/ping", listener.local_addr().unwrap());
        set_members(&app, |client| {
            client.profile.cross_device.backchannel_token_delivery_mode = Some("ping".to_owned());
            client.profile.cross_device.backchannel_client_notification_endpoint = Some(endpoint);
        })
        .await;
        let fields = [&crate::ciba::REQUEST[..], &[("client_notification_token", "mine")]].concat();
        let id = text(&ask(&app, &fields).await.json(), "auth_req_id").to_owned();
        let cx = app.cx();
        let waiting = manage::approval::find(&cx, &id).await.unwrap();
        let alice = cx.store.user(&crate::support::user_id(&app, "alice").await).await.unwrap().unwrap();
        manage::approval::decide(&cx, &waiting, &alice, None).await.unwrap();
        let mut claimed = ping::claim(&cx).await.unwrap();
        let (told, _) = tokio::join!(ping::tell(&cx, claimed.remove(0)), hears(&listener, status));
        told.unwrap();
        app.clock.advance(60);
        assert_eq!(!ping::claim(&app.cx()).await.unwrap().is_empty(), again, "{status}");
    }
}
