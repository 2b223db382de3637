//! RFC 7662 — introspection: what a live token says, to whom, and that a dead one says nothing

use crate::support::{
    altered, api, assert_refused, claims, disable_client, refresh, service_token, text, user_id, world,
};
use serde_json::{Value, json};
use valetkey_core::audit::Actor;
use valetkey_core::ids::ClientId;
use valetkey_core::jose::SigningAlgorithm;
use valetkey_core::manage;
use valetkey_core::manage::client::NewClient;
use valetkey_core::store::TokenFormat;
use valetkey_testkit::{CLIENT_SECRET, Reply, TestApp};

async fn ask(app: &TestApp, client: &str, fields: &[(&str, &str)]) -> Reply {
    app.post("/oauth/introspect", Some((client, CLIENT_SECRET)), fields).await
}

/// What one client is told of a token.
async fn told(app: &TestApp, client: &str, token: &str) -> Value {
    let reply = ask(app, client, &[("token", token)]).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(
        (reply.header("cache-control"), reply.header("content-type")),
        ("no-store", "application/json")
    );
    reply.json()
}

/// RFC 7662 §2.2: an inactive token's answer holds nothing else.
#[track_caller]
fn assert_inactive(answer: &Value, case: &str) {
    assert_eq!(*answer, json!({"active": false}), "{case}");
}

#[tokio::test]
async fn rfc7662_section_2_2_a_live_token_tells_all_of_itself() {
    let app = world().await;
    app.api(api("photos", "read", TokenFormat::Jwt, SigningAlgorithm::Rs256)).await;
    app.api(api("mail", "write", TokenFormat::Sealed, SigningAlgorithm::EdDsa)).await;
    let now = app.cx().now.0;
    for (scope, audience) in
        [("openid read", "https://photos.example"), ("openid write", "https://mail.example")]
    {
        let tokens = app.browser().tokens("app", scope, "alice").await;
        let sub = claims(text(&tokens, "id_token"))["sub"].clone();
        let mut answer = told(&app, "app", text(&tokens, "access_token")).await;
        assert_eq!(text(&answer, "jti").len(), 26);
        answer.as_object_mut().unwrap().remove("jti");
        let whole = json!({
            "active": true, "scope": scope, "client_id": "app", "token_type": "Bearer", "sub": sub,
            "iss": "https://id.example", "aud": [audience], "iat": now, "exp": now + 600, "auth_time": now,
            "tenant": "default",
        });
        assert_eq!(answer, whole, "{scope}");
        let answer = told(&app, "app", text(&tokens, "refresh_token")).await;
        let whole = json!({
            "active": true, "scope": scope, "client_id": "app", "token_type": "refresh_token", "sub": sub,
            "iss": "https://id.example", "iat": now, "exp": now + 30 * 86_400, "auth_time": now, "tenant": "default",
        });
        assert_eq!(answer, whole, "{scope}");
    }
}

#[tokio::test]
async fn rfc7662_section_4_a_token_is_shown_to_its_client_its_api_and_those_who_may_see_any() {
    let app = world().await;
    app.api(api("photos", "read", TokenFormat::Sealed, SigningAlgorithm::EdDsa)).await;
    app.api(api("mail", "write", TokenFormat::Jwt, SigningAlgorithm::EdDsa)).await;
    for id in ["photos", "mail"] {
        app.web_client(id).await;
    }
    app.client(NewClient {
        id: Some("gateway".to_owned()),
        redirect_uris: vec!["https://app.example/cb".to_owned()],
        introspect: true,
        ..NewClient::default()
    })
    .await;
    let read = app.browser().tokens("app", "read", "alice").await;
    let write = app.browser().tokens("app", "write", "alice").await;
    for (client, sees_read, sees_write, sees_refresh) in [
        ("app", true, true, true),
        ("other", false, false, false),
        ("service", false, false, false),
        ("photos", true, false, false),
        ("mail", false, true, false),
        ("gateway", true, true, true),
    ] {
        for (token, sees) in [
            (text(&read, "access_token"), sees_read),
            (text(&write, "access_token"), sees_write),
            (text(&read, "refresh_token"), sees_refresh),
        ] {
            let answer = told(&app, client, token).await;
            assert_eq!(answer["active"], sees, "{client}");
            if !sees {
                assert_inactive(&answer, client);
            }
        }
    }
}

#[tokio::test]
async fn rfc7662_section_2_2_whatever_is_dead_foreign_or_no_token_is_inactive() {
    let app = world().await;
    let mut browser = app.browser();
    let tokens = browser.tokens("app", "openid read", "alice").await;
    let code = browser.code("app", "openid read", "alice").await;
    let access = text(&tokens, "access_token").to_owned();
    let spent = text(&tokens, "refresh_token").to_owned();
    refresh(&app, "app", &spent).await;
    for (case, token) in [
        ("garbage", "x"),
        ("altered", &*altered(&access)),
        ("cut", &access[..access.len() - 1]),
        ("of another kind by its name", &*access.replace("vk_at_", "vk_rt_")),
        ("a spent refresh token", &*spent),
        ("a code", &*code),
        ("an ID token", text(&tokens, "id_token")),
        ("an unsigned token", "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.eyJzdWIiOiJ4In0."),
        ("a client secret", CLIENT_SECRET),
    ] {
        assert_inactive(&told(&app, "app", token).await, case);
    }
    app.clock.advance(599);
    assert_eq!(told(&app, "app", &access).await["active"], true);
    app.clock.advance(1);
    assert_inactive(&told(&app, "app", &access).await, "expired");
}

#[tokio::test]
async fn a_token_dies_with_what_it_was_given_for_and_other_tokens_live_on() {
    for (what, format) in ["user disabled", "user deleted", "consent withdrawn", "grant revoked"]
        .into_iter()
        .flat_map(|what| [(what, TokenFormat::Sealed), (what, TokenFormat::Jwt)])
    {
        let app = world().await;
        app.api(api("any", "read", format, SigningAlgorithm::EdDsa)).await;
        let alices = app.browser().tokens("app", "openid read", "alice").await;
        let bobs = app.browser().tokens("app", "openid read", "bob").await;
        app.clock.advance(1);
        let (cx, operator, alice) = (app.cx(), Actor::Operator, user_id(&app, "alice").await);
        match what {
            "user disabled" => drop(manage::user::disable(&cx, &operator, &alice).await.unwrap()),
            "user deleted" => manage::user::delete(&cx, operator, &alice).await.unwrap(),
            "consent withdrawn" => {
                manage::consent::withdraw(&cx, operator, &alice, &ClientId::from("app")).await.unwrap();
            }
            _ => manage::token::revoke(&cx, operator, text(&alices, "access_token")).await.unwrap(),
        }
        for name in ["access_token", "refresh_token"] {
            assert_inactive(
                &told(&app, "app", text(&alices, name)).await,
                &format!("{what} {format:?} {name}"),
            );
            assert_eq!(
                told(&app, "app", text(&bobs, name)).await["active"],
                true,
                "{what} {format:?} {name}"
            );
        }
    }
}

#[tokio::test]
async fn a_client_switched_off_takes_its_tokens_along() {
    let app = world().await;
    app.client(NewClient {
        id: Some("gateway".to_owned()),
        redirect_uris: vec!["https://app.example/cb".to_owned()],
        introspect: true,
        ..NewClient::default()
    })
    .await;
    let tokens = app.browser().tokens("app", "read", "alice").await;
    let service = text(&service_token(&app, &[]).await.json(), "access_token").to_owned();
    disable_client(&app, "app").await;
    for name in ["access_token", "refresh_token"] {
        assert_inactive(&told(&app, "gateway", text(&tokens, name)).await, name);
    }
    assert_eq!(told(&app, "gateway", &service).await["active"], true);
    let reply = ask(&app, "app", &[("token", &service)]).await;
    assert_refused(&reply, 401, "invalid_client", "it may no longer ask");
}

#[tokio::test]
async fn rfc7662_section_2_1_the_hint_hides_nothing_and_a_malformed_request_is_refused() {
    let app = world().await;
    let tokens = app.browser().tokens("app", "read", "alice").await;
    for name in ["access_token", "refresh_token"] {
        for hint in ["access_token", "refresh_token", "nonsense", ""] {
            let fields = [("token", text(&tokens, name)), ("token_type_hint", hint)];
            assert_eq!(ask(&app, "app", &fields).await.json()["active"], true, "{name} {hint}");
        }
    }
    let token = ("token", text(&tokens, "access_token"));
    for fields in [vec![], vec![("token", "")], vec![token, token], vec![("access_token", token.1)]] {
        assert_refused(&ask(&app, "app", &fields).await, 400, "invalid_request", &format!("{fields:?}"));
    }
    let path = format!("/oauth/introspect?token={}", token.1);
    assert_refused(
        &app.post(&path, Some(("app", CLIENT_SECRET)), &[]).await,
        400,
        "invalid_request",
        "in the URL",
    );
    assert_eq!(app.get(&path).await.status, 405);
}
