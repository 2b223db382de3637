//! Nothing is stored until it must be: what an unauthenticated caller can do a million times leaves no row

use crate::support::{refresh, service_token, text, world};
use valetkey_testkit::{Browser, PASSWORD};

#[tokio::test]
async fn ten_thousand_abandoned_authorization_requests_and_as_many_application_tokens_leave_no_row() {
    let app = world().await;
    let request = Browser::request("app", "openid read write");
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(request).finish();
    let path = format!("/oauth/authorize?{query}");
    let before = app.rows().await;
    for n in 0..10_000 {
        let reply = app.get(&path).await;
        assert!(reply.location().starts_with("https://id.example/login?i=vk_in_"), "{}", reply.location());
        if n % 500 == 0 {
            // Some come as far as the page.
            let mut browser = app.browser();
            assert_eq!(browser.follow(reply).await.status, 400, "a browser without the cookie");
            assert_eq!(browser.authorize(&Browser::request("app", "read")).await.status, 200);
        }
    }
    assert_eq!(app.rows().await, before, "after the requests");
    for _ in 0..10_000 {
        assert_eq!(service_token(&app, &[]).await.status, 200);
    }
    assert_eq!(app.rows().await, before, "after the tokens");
}

#[tokio::test]
async fn a_sign_in_is_one_row_a_code_none_and_a_grant_one_however_often_it_is_refreshed() {
    let app = world().await;
    let mut browser = app.browser();
    let count = |rows: &std::collections::BTreeMap<String, u64>| {
        ["sessions", "consents", "grants", "attempts", "revocations"].map(|table| rows[table])
    };
    let login = browser.authorize(&Browser::request("app", "openid read")).await;
    let consent = browser.log_in(&login, "alice", PASSWORD).await;
    assert_eq!(count(&app.rows().await), [1, 0, 0, 0, 0], "signed in");
    let mut codes =
        vec![browser.decide(&consent, "allow", &["read"]).await.redirected().remove("code").unwrap()];
    for _ in 0..50 {
        codes.push(browser.code("app", "openid read", "alice").await);
    }
    assert_eq!(count(&app.rows().await), [1, 1, 0, 0, 0], "51 codes");
    let tokens = app.token("app", &valetkey_testkit::redemption(&codes[0])).await.json();
    assert_eq!(count(&app.rows().await), [1, 1, 1, 0, 0], "redeemed");
    let rows = app.rows().await;
    let mut token = text(&tokens, "refresh_token").to_owned();
    for _ in 0..200 {
        app.clock.advance(60);
        token = text(&refresh(&app, "app", &token).await.json(), "refresh_token").to_owned();
    }
    assert_eq!(app.rows().await, rows, "200 refreshes");
}

#[tokio::test]
async fn reading_and_refusing_write_nothing() {
    let app = world().await;
    let mut browser = app.browser();
    let tokens = browser.tokens("app", "openid read", "alice").await;
    let before = app.rows().await;
    for _ in 0..20 {
        assert!(app.is_active("app", text(&tokens, "access_token")).await);
        app.get_with_token("/oauth/userinfo", text(&tokens, "access_token")).await;
        app.get_with_token("/oauth/userinfo", "x").await;
        app.get("/oauth/jwks").await;
        app.get("/.well-known/openid-configuration").await;
        browser.get("/account").await;
        browser.get("/login").await;
        refresh(&app, "app", "vk_rt_x").await;
        app.post("/oauth/revoke", Some(("app", valetkey_testkit::CLIENT_SECRET)), &[("token", "x")]).await;
        app.post("/oauth/token", Some(("app", "wrong")), &[("grant_type", "refresh_token")]).await;
        app.get("/nowhere").await;
    }
    assert_eq!(app.rows().await, before);
}
