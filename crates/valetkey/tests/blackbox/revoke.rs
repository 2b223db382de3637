//! RFC 7009 — revocation: whoever holds a token can end it, and nobody else's

use crate::support::{
    api, assert_refused, introspected, opens_userinfo, refresh, service_token, spa_redeem, spa_request, text,
    world,
};
use serde_json::Value;
use valetkey_core::jose::SigningAlgorithm;
use valetkey_core::store::TokenFormat;
use valetkey_testkit::{CLIENT_SECRET, PASSWORD, Reply, TestApp};

async fn revoke(app: &TestApp, client: &str, fields: &[(&str, &str)]) -> Reply {
    app.post("/oauth/revoke", Some((client, CLIENT_SECRET)), fields).await
}

#[track_caller]
fn assert_done(reply: &Reply, case: &str) {
    assert_eq!((reply.status.as_u16(), reply.body.as_str()), (200, "{}"), "{case}");
    assert_eq!(
        (reply.header("cache-control"), reply.header("content-type")),
        ("no-store", "application/json")
    );
}

async fn tokens(app: &TestApp) -> Value {
    app.browser().tokens("app", "openid read", "alice").await
}

async fn assert_dead(app: &TestApp, tokens: &Value, case: &str) {
    assert!(!opens_userinfo(app, text(tokens, "access_token")).await, "{case}");
    assert!(!app.is_active("app", text(tokens, "access_token")).await, "{case}");
    let reply = refresh(app, "app", text(tokens, "refresh_token")).await;
    assert_refused(&reply, 400, "invalid_grant", case);
}

#[tokio::test]
async fn rfc7009_section_2_1_any_token_of_a_grant_takes_the_whole_grant_whatever_the_hint_says() {
    for which in ["access_token", "refresh_token"] {
        for hint in [None, Some("access_token"), Some("refresh_token"), Some("id_token"), Some("")] {
            let app = world().await;
            let (own, bystander) = (tokens(&app).await, tokens(&app).await);
            let fields: Vec<_> = [("token", text(&own, which))]
                .into_iter()
                .chain(hint.map(|hint| ("token_type_hint", hint)))
                .collect();
            let case = format!("{which} hint {hint:?}");
            assert_done(&revoke(&app, "app", &fields).await, &case);
            assert_dead(&app, &own, &case).await;
            let rows = app.rows().await;
            assert_done(&revoke(&app, "app", &fields).await, "once more");
            assert_eq!(app.rows().await, rows, "{case}: nothing left to do");
            assert!(opens_userinfo(&app, text(&bystander, "access_token")).await, "{case}");
            assert_eq!(refresh(&app, "app", text(&bystander, "refresh_token")).await.status, 200, "{case}");
        }
    }
}

#[tokio::test]
async fn an_older_token_of_the_grant_takes_it_too() {
    let app = world().await;
    let first = tokens(&app).await;
    let second = refresh(&app, "app", text(&first, "refresh_token")).await.json();
    assert_done(&revoke(&app, "app", &[("token", text(&first, "refresh_token"))]).await, "the spent one");
    assert_dead(&app, &second, "its successor").await;
}

#[tokio::test]
async fn rfc7009_section_2_2_what_means_nothing_here_is_no_error_and_touches_nothing() {
    let app = world().await;
    let own = tokens(&app).await;
    let mut browser = app.browser();
    let code = browser.code("app", "openid read", "alice").await;
    let service = text(&service_token(&app, &[]).await.json(), "access_token").to_owned();
    let before = app.rows().await;
    let altered = crate::support::altered(text(&own, "access_token"));
    for (case, client, token) in [
        ("unknown", "app", "x"),
        ("altered", "app", &*altered),
        ("another client's access token", "other", text(&own, "access_token")),
        ("another client's refresh token", "other", text(&own, "refresh_token")),
        ("another client's own token", "app", &*service),
        ("a code", "app", &*code),
        ("an ID token", "app", text(&own, "id_token")),
    ] {
        assert_done(&revoke(&app, client, &[("token", token)]).await, case);
    }
    assert_eq!(app.rows().await, before);
    assert!(opens_userinfo(&app, text(&own, "access_token")).await);
    assert_eq!(introspected(&app, &service).await["active"], true);
    assert_eq!(refresh(&app, "app", text(&own, "refresh_token")).await.status, 200);
    assert_eq!(
        app.token("app", &valetkey_testkit::redemption(&code)).await.status,
        200,
        "the code is unspent"
    );
    app.clock.advance(600);
    assert_done(&revoke(&app, "app", &[("token", text(&own, "access_token"))]).await, "expired");
}

#[tokio::test]
async fn rfc7009_section_2_1_a_malformed_request_is_refused() {
    let app = world().await;
    let own = tokens(&app).await;
    let token = ("token", text(&own, "access_token"));
    let hint = ("token_type_hint", "access_token");
    for (case, fields) in [
        ("no token", vec![]),
        ("an empty token", vec![("token", "")]),
        ("two tokens", vec![token, ("token", "x")]),
        ("two hints", vec![token, hint, hint]),
        ("two ids", vec![token, ("client_id", "app"), ("client_id", "app")]),
    ] {
        assert_refused(&revoke(&app, "app", &fields).await, 400, "invalid_request", case);
    }
    let path = format!("/oauth/revoke?token={}", token.1);
    assert_refused(
        &app.post(&path, Some(("app", CLIENT_SECRET)), &[]).await,
        400,
        "invalid_request",
        "in the URL",
    );
    assert_eq!(app.get(&path).await.status, 405);
    let json = app.call("POST", "/oauth/revoke").basic("app", CLIENT_SECRET);
    let json = json.body("application/json", format!("{{\"token\":\"{}\"}}", token.1)).send().await;
    assert_refused(&json, 400, "invalid_request", "JSON");
    assert!(opens_userinfo(&app, token.1).await);
}

#[tokio::test]
async fn rfc7009_section_2_an_applications_own_token_ends_alone() {
    let app = world().await;
    app.api(api("photos", "read", TokenFormat::Jwt, SigningAlgorithm::Es256)).await;
    for resource in ["", "https://photos.example"] {
        let [one, two] = [
            service_token(&app, &[("resource", resource), ("scope", "read")]).await.json(),
            service_token(&app, &[("resource", resource), ("scope", "read")]).await.json(),
        ];
        let (one, two) = (text(&one, "access_token"), text(&two, "access_token"));
        assert_done(&revoke(&app, "service", &[("token", one)]).await, resource);
        assert_eq!(introspected(&app, one).await["active"], false, "{resource}");
        assert_eq!(introspected(&app, two).await["active"], true, "{resource}");
    }
}

#[tokio::test]
async fn rfc7009_section_5_a_public_client_ends_its_own_by_its_id() {
    let app = world().await;
    let mut browser = app.browser();
    let login = browser.authorize(&spa_request("openid read")).await;
    let consent = browser.log_in(&login, "alice", PASSWORD).await;
    let code = browser.decide(&consent, "allow", &["read"]).await.redirected().remove("code").unwrap();
    let tokens = spa_redeem(&app, &code).await.json();
    let token = ("token", text(&tokens, "refresh_token"));
    assert_done(&app.post("/oauth/revoke", None, &[token, ("client_id", "spa")]).await, "by its id");
    assert!(!opens_userinfo(&app, text(&tokens, "access_token")).await);
    assert_refused(&app.post("/oauth/revoke", None, &[token]).await, 401, "invalid_client", "by nobody");
}

#[tokio::test]
async fn a_revocation_outlives_a_restart() {
    let mut app = world().await;
    let (own, other) = (tokens(&app).await, tokens(&app).await);
    let service = text(&service_token(&app, &[]).await.json(), "access_token").to_owned();
    revoke(&app, "app", &[("token", text(&own, "access_token"))]).await;
    revoke(&app, "service", &[("token", &service)]).await;
    app.restart().await;
    assert_dead(&app, &own, "after the restart").await;
    assert_eq!(introspected(&app, &service).await["active"], false);
    assert!(opens_userinfo(&app, text(&other, "access_token")).await, "what was not revoked still holds");
    assert_eq!(refresh(&app, "app", text(&other, "refresh_token")).await.status, 200);
}
