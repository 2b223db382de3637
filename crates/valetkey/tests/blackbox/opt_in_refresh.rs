//! Compatibility opt-ins for refresh tokens: `reusable_refresh_token`, `code_as_refresh_token`, and each refused where it is off

use crate::support::{assert_refused, disable_client, opens_userinfo, refresh, text, user_id, with, world};
use valetkey_core::audit::{Actor, Event};
use valetkey_core::client::Client;
use valetkey_core::client::compat::Compat;
use valetkey_core::manage;
use valetkey_core::manage::client::{NewClient, switch_opt_ins};
use valetkey_testkit::{Browser, CLIENT_SECRET, PASSWORD, Reply, TestApp, redemption};

async fn opted(compat: &[Compat]) -> TestApp {
    let app = world().await;
    app.client(NewClient {
        id: Some("legacy".to_owned()),
        compat: compat.to_vec(),
        redirect_uris: vec!["https://app.example/cb".to_owned()],
        ..NewClient::default()
    })
    .await;
    app
}

async fn switch(app: &TestApp, compat: &[Compat]) {
    let edit = |client: &mut Client| switch_opt_ins(client, compat.to_vec());
    let (cx, operator) = (app.cx(), Actor::Operator);
    manage::client::update(&cx, &operator, &"legacy".into(), Event::ClientUpdated, edit).await.unwrap();
}

#[track_caller]
fn granted(reply: &Reply, case: &str) -> serde_json::Value {
    assert_eq!(reply.status, 200, "{case}: {}", reply.body);
    reply.json()
}

#[tokio::test]
async fn an_opted_clients_refresh_token_neither_rotates_nor_expires() {
    let app = opted(&[Compat::ReusableRefreshToken]).await;
    let mut browser = app.browser();
    let tokens = browser.tokens("legacy", "openid read", "alice").await;
    let token = text(&tokens, "refresh_token").to_owned();
    let mut spent = Vec::new();
    for (n, days) in [0, 0, 1, 40, 400, 3650].into_iter().enumerate() {
        app.clock.advance(days * 86_400);
        let next = granted(&refresh(&app, "legacy", &token).await, &format!("use {n}"));
        assert_eq!(text(&next, "refresh_token"), token, "the same goes on");
        assert!(!spent.contains(&text(&next, "access_token").to_owned()));
        assert!(opens_userinfo(&app, text(&next, "access_token")).await);
        spent.push(text(&next, "access_token").to_owned());
    }
    assert_refused(&refresh(&app, "other", &token).await, 400, "invalid_grant", "bound to its client");
    let narrow = [("grant_type", "refresh_token"), ("refresh_token", token.as_str()), ("scope", "openid")];
    assert_eq!(text(&granted(&app.token("legacy", &narrow).await, "narrower"), "scope"), "openid");
    let wide = with(&narrow, "scope", Some("openid write"));
    assert_refused(&app.token("legacy", &wide).await, 400, "invalid_scope", "wider");
}

#[tokio::test]
async fn a_reusable_refresh_token_dies_with_what_stands_behind_it() {
    for how in
        ["revoked", "its access token revoked", "consent withdrawn", "user disabled", "client disabled"]
    {
        let app = opted(&[Compat::ReusableRefreshToken]).await;
        let tokens = app.browser().tokens("legacy", "openid read", "alice").await;
        let token = text(&tokens, "refresh_token");
        granted(&refresh(&app, "legacy", token).await, how);
        let (cx, operator, alice) = (app.cx(), Actor::Operator, user_id(&app, "alice").await);
        let revoke = async |token: &str| {
            let reply = app.post("/oauth/revoke", Some(("legacy", CLIENT_SECRET)), &[("token", token)]).await;
            assert_eq!(reply.status, 200);
        };
        let mut error = (400, "invalid_grant");
        match how {
            "revoked" => revoke(token).await,
            "its access token revoked" => revoke(text(&tokens, "access_token")).await,
            "consent withdrawn" => {
                manage::consent::withdraw(&cx, operator, &alice, &"legacy".into()).await.unwrap();
            }
            "user disabled" => drop(manage::user::disable(&cx, &operator, &alice).await.unwrap()),
            _ => {
                disable_client(&app, "legacy").await;
                error = (401, "invalid_client");
            }
        }
        assert_refused(&refresh(&app, "legacy", token).await, error.0, error.1, how);
    }
}

#[tokio::test]
async fn with_the_opt_in_taken_back_the_token_rotates_and_has_its_limits_again() {
    let app = opted(&[Compat::ReusableRefreshToken]).await;
    let token =
        text(&app.browser().tokens("legacy", "openid read", "alice").await, "refresh_token").to_owned();
    let other = text(&app.browser().tokens("legacy", "openid read", "bob").await, "refresh_token").to_owned();
    app.clock.advance(86_400);
    granted(&refresh(&app, "legacy", &token).await, "still on");
    granted(&refresh(&app, "legacy", &other).await, "still on");
    switch(&app, &[]).await;
    let next = granted(&refresh(&app, "legacy", &token).await, "rotates");
    assert_ne!(text(&next, "refresh_token"), token);
    app.clock.advance(60);
    assert_refused(&refresh(&app, "legacy", &token).await, 400, "invalid_grant", "spent");
    app.clock.advance(31 * 86_400);
    assert_refused(
        &refresh(&app, "legacy", &other).await,
        400,
        "invalid_grant",
        "idle for longer than 30 days",
    );
}

#[tokio::test]
async fn the_strict_client_beside_it_rotates_as_ever() {
    let app = opted(&[Compat::ReusableRefreshToken]).await;
    let token = text(&app.browser().tokens("app", "openid read", "alice").await, "refresh_token").to_owned();
    assert_ne!(text(&granted(&refresh(&app, "app", &token).await, "first"), "refresh_token"), token);
    app.clock.advance(60);
    assert_refused(&refresh(&app, "app", &token).await, 400, "invalid_grant", "spent");
}

/// A code for `legacy` by a request without PKCE, as document 001 prints it.
async fn bare_code(app: &TestApp, browser: &mut Browser<'_>) -> String {
    let request = Browser::request("legacy", "openid read");
    let request = with(&with(&request, "code_challenge", None), "code_challenge_method", None);
    let mut reply = browser.authorize(&request).await;
    if reply.body.contains("name=\"password\"") {
        reply = browser.log_in(&reply, "alice", PASSWORD).await;
    }
    if reply.body.contains("name=\"decision\"") {
        reply = browser.decide(&reply, "allow", &["read"]).await;
    }
    assert!(app.server.client("legacy").await.unwrap().is_some());
    reply.redirected().remove("code").unwrap()
}

#[tokio::test]
async fn a_code_stored_as_the_refresh_token_works_as_one_from_the_first_time_on() {
    let app = opted(&[Compat::CodeAsRefreshToken, Compat::NoPkce]).await;
    let code = bare_code(&app, &mut app.browser()).await;
    let first = granted(&refresh(&app, "legacy", &code).await, "the first time");
    assert_eq!(text(&first, "scope"), "openid read");
    assert!(opens_userinfo(&app, text(&first, "access_token")).await);
    for days in [0, 1, 20, 29] {
        app.clock.advance(days * 86_400);
        let next = granted(&refresh(&app, "legacy", &code).await, "again");
        assert_eq!(text(&next, "refresh_token"), code, "what is stored stays good");
        assert!(opens_userinfo(&app, text(&next, "access_token")).await);
    }
    assert_eq!(app.rows().await["grants"], 1, "one grant, however often");
    app.clock.advance(31 * 86_400);
    assert_refused(&refresh(&app, "legacy", &code).await, 400, "invalid_grant", "idle for too long");
}

#[tokio::test]
async fn a_code_redeemed_as_ever_refreshes_its_grant_too_and_dies_with_it() {
    let app = opted(&[Compat::CodeAsRefreshToken]).await;
    let mut browser = app.browser();
    let code = browser.code("legacy", "openid read", "alice").await;
    // Its first time needs what any redemption needs.
    assert_refused(&refresh(&app, "legacy", &code).await, 400, "invalid_grant", "no verifier");
    let tokens = granted(&app.token("legacy", &redemption(&code)).await, "redeemed");
    app.clock.advance(3600);
    granted(&refresh(&app, "legacy", &code).await, "by the code");
    let next =
        granted(&refresh(&app, "legacy", text(&tokens, "refresh_token")).await, "by the refresh token");
    granted(&refresh(&app, "legacy", &code).await, "by the code, after a rotation");
    // Presented as a code it is a replay as ever, and takes everything back.
    assert_refused(&app.token("legacy", &redemption(&code)).await, 400, "invalid_grant", "replayed");
    assert_refused(&refresh(&app, "legacy", &code).await, 400, "invalid_grant", "dead");
    let dead = refresh(&app, "legacy", text(&next, "refresh_token")).await;
    assert_refused(&dead, 400, "invalid_grant", "the refresh token too");
    assert!(!opens_userinfo(&app, text(&next, "access_token")).await);
}

#[tokio::test]
async fn a_code_is_no_refresh_token_for_others_or_without_the_opt_in_or_after_its_time() {
    let app = opted(&[Compat::CodeAsRefreshToken, Compat::NoPkce]).await;
    let mut browser = app.browser();
    let strict = browser.code("app", "openid read", "alice").await;
    assert_refused(&refresh(&app, "app", &strict).await, 400, "invalid_grant", "without the opt-in");
    assert_refused(&refresh(&app, "legacy", &strict).await, 400, "invalid_grant", "another client's");
    granted(&app.token("app", &redemption(&strict)).await, "none of that spent it");

    let own = bare_code(&app, &mut browser).await;
    assert_refused(&refresh(&app, "other", &own).await, 400, "invalid_grant", "stolen");
    let public = [("grant_type", "refresh_token"), ("refresh_token", own.as_str()), ("client_id", "legacy")];
    assert_refused(
        &app.post("/oauth/token", None, &public).await,
        401,
        "invalid_client",
        "without the secret",
    );
    let late = bare_code(&app, &mut browser).await;
    granted(&refresh(&app, "legacy", &own).await, "in time");
    app.clock.advance(60);
    assert_refused(
        &refresh(&app, "legacy", &late).await,
        400,
        "invalid_grant",
        "never redeemed in its minute",
    );
    switch(&app, &[]).await;
    assert_refused(&refresh(&app, "legacy", &own).await, 400, "invalid_grant", "switched off");
}

#[tokio::test]
async fn a_code_used_as_refresh_token_is_revoked_by_its_client_and_nobody_else() {
    let app = opted(&[Compat::CodeAsRefreshToken, Compat::NoPkce]).await;
    let code = bare_code(&app, &mut app.browser()).await;
    let access = text(&granted(&refresh(&app, "legacy", &code).await, "in use"), "access_token").to_owned();
    let revoke = async |client: &str| {
        let reply = app.post("/oauth/revoke", Some((client, CLIENT_SECRET)), &[("token", &code)]).await;
        assert_eq!(reply.status, 200, "{client}: {}", reply.body);
    };
    revoke("other").await;
    revoke("app").await;
    granted(&refresh(&app, "legacy", &code).await, "nothing happened");
    revoke("legacy").await;
    assert_refused(&refresh(&app, "legacy", &code).await, 400, "invalid_grant", "revoked");
    assert!(!opens_userinfo(&app, &access).await);
}

#[tokio::test]
async fn a_declined_offline_access_leaves_the_code_no_refresh_token() {
    let app = opted(&[Compat::CodeAsRefreshToken, Compat::ReusableRefreshToken]).await;
    let mut browser = app.browser();
    let request = Browser::request("legacy", "openid read offline_access");
    let page = browser.authorize(&request).await;
    let consent = browser.log_in(&page, "alice", PASSWORD).await;
    let code = browser.decide(&consent, "allow", &["read"]).await.redirected().remove("code").unwrap();
    let tokens = granted(&app.token("legacy", &redemption(&code)).await, "redeemed");
    assert!(tokens.get("refresh_token").is_none());
    assert_refused(&refresh(&app, "legacy", &code).await, 400, "invalid_grant", "declined");
}
