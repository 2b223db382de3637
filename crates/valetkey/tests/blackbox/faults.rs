//! Contract 2.6 — when something that is needed is away: 503 and when to try again, nothing leaked, nothing lost

use crate::support::{assert_error_page, assert_page, opens_userinfo, refresh, service_token, text, world};
use valetkey_testkit::{Browser, CLIENT_SECRET, PASSWORD, Reply, redemption};

/// Words that would tell how the server is made.
const INSIDE: [&str; 8] = ["sqlite", "SQL", "database", ".db", "store", "panicked", "/src/", "closed"];

#[track_caller]
fn assert_unavailable(reply: &Reply, case: &str) {
    assert_eq!(reply.refusal(), (503, "temporarily_unavailable".to_owned()), "{case}: {}", reply.body);
    assert_eq!((reply.header("retry-after"), reply.header("cache-control")), ("2", "no-store"), "{case}");
    assert_silent(reply, case);
}

#[track_caller]
fn assert_unavailable_page(reply: &Reply, case: &str) {
    assert_error_page(reply, 503, "We are too busy right now", case);
    assert_eq!(reply.header("retry-after"), "2", "{case}");
    assert!(reply.words().contains("Load this page again in 2 seconds"), "{case}: {}", reply.words());
    assert_silent(reply, case);
}

#[track_caller]
fn assert_silent(reply: &Reply, case: &str) {
    for word in INSIDE {
        assert!(!reply.body.contains(word), "{case}: {word:?} in {}", reply.body);
    }
}

#[tokio::test]
async fn with_the_database_away_every_endpoint_says_so_and_afterwards_all_is_there() {
    let mut app = world().await;
    let mut browser = app.browser();
    let tokens = browser.tokens("app", "openid read", "alice").await;
    let code = browser.code("app", "openid read", "alice").await;
    let consent = browser.authorize(&Browser::request("other", "read")).await;
    let login = app.browser().get("/login").await;
    let cookies = browser.cookies.clone();
    service_token(&app, &[]).await;
    app.store.close().await;

    let (access, token) = (text(&tokens, "access_token"), text(&tokens, "refresh_token"));
    assert_unavailable(&app.token("app", &redemption(&code)).await, "a code");
    assert_unavailable(&refresh(&app, "app", token).await, "a refresh");
    assert_unavailable(
        &app.post("/oauth/revoke", Some(("app", CLIENT_SECRET)), &[("token", access)]).await,
        "revoke",
    );
    let fields = [("token", token)];
    let reply = app.post("/oauth/introspect", Some(("app", CLIENT_SECRET)), &fields).await;
    assert_unavailable(&reply, "a refresh token introspected");
    assert_unavailable(&app.get_with_token("/oauth/userinfo", access).await, "userinfo");
    let reply =
        app.post("/oauth/token", Some(("never-seen", "x")), &[("grant_type", "client_credentials")]).await;
    assert_unavailable(&reply, "a client that is not in memory");

    let mut browser = app.browser();
    browser.cookies.clone_from(&cookies);
    assert_unavailable_page(&browser.get("/account").await, "account");
    assert_unavailable_page(&browser.get("/").await, "home");
    assert_unavailable_page(&browser.authorize(&Browser::request("app", "read")).await, "authorize");
    assert_unavailable_page(
        &browser.authorize(&Browser::request("new", "read")).await,
        "a client not in memory",
    );
    assert_unavailable_page(&browser.decide(&consent, "allow", &["read"]).await, "consent");
    let csrf = login.hidden("csrf").unwrap();
    let cookie = format!("__Host-vk_browser={}", login.cookies()[0].1);
    let fields = [("csrf", &*csrf), ("username", "alice"), ("password", PASSWORD)];
    let reply = app.call("POST", "/login").header("cookie", &cookie).form(&fields).send().await;
    assert_unavailable_page(&reply, "login");
    assert!(reply.cookies().is_empty(), "and nobody is signed in or out");
    assert_unavailable_page(&app.get("/setup?token=x").await, "setup");

    // What needs no database goes on.
    assert!(app.is_active("app", access).await, "introspection answers from memory");
    assert_eq!(service_token(&app, &[]).await.status, 200);
    assert_eq!(app.get("/oauth/jwks").await.status, 200);
    assert_eq!(app.get("/.well-known/openid-configuration").await.status, 200);

    app.restart().await;
    assert!(opens_userinfo(&app, access).await);
    assert_eq!(app.token("app", &redemption(&code)).await.status, 200, "the code is unspent");
    assert_eq!(refresh(&app, "app", token).await.status, 200, "and so is the refresh token");
    let mut browser = app.browser();
    browser.cookies = cookies;
    assert_eq!(browser.get("/account").await.status, 200);
    assert!(browser.decide(&consent, "allow", &["read"]).await.redirected().contains_key("code"));
}

#[tokio::test]
async fn with_every_hashing_permit_taken_a_login_is_told_to_wait_and_not_counted() {
    let app = world().await;
    let mut browser = app.browser();
    let page = browser.authorize(&Browser::request("app", "read")).await;
    app.hasher.set_busy(true);
    let before = app.rows().await;
    for password in [PASSWORD, "wrong"] {
        let reply = browser.log_in(&page, "alice", password).await;
        assert_page(&reply, 503, "The server is busy.", password);
        assert_eq!(reply.header("retry-after"), "2");
        assert_eq!(reply.field("username").as_deref(), Some("alice"));
        assert!(reply.words().contains("Your password was not looked at"), "{}", reply.words());
    }
    assert_eq!(app.rows().await, before);
    assert_eq!(service_token(&app, &[]).await.status, 200, "others are not held up");
    app.hasher.set_busy(false);
    assert_page(&browser.log_in(&page, "alice", PASSWORD).await, 200, "wants a key to your account", "later");
}
