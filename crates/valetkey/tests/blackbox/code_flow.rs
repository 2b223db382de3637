//! RFC 6749 §4.1 — the authorization code grant, from the link to the tokens

use valetkey_testkit::{Browser, PASSWORD, TestApp, redemption};

async fn app() -> TestApp {
    let app = TestApp::start().await;
    app.scope("read", "See your things").await;
    app.scope("write", "Change your things").await;
    app.user("alice").await;
    app.web_client("app").await;
    app
}

#[tokio::test]
async fn rfc6749_section_4_1_a_person_signs_in_allows_and_the_app_holds_tokens() {
    let app = app().await;
    let mut browser = app.browser();
    let login = browser.authorize(&Browser::request("app", "openid read write")).await;
    assert_eq!(login.status, 200, "{}", login.body);
    let consent = browser.log_in(&login, "alice", PASSWORD).await;
    assert_eq!(consent.checkboxes("scope"), ["read", "write"]);
    let done = browser.decide(&consent, "allow", &["read"]).await.redirected();
    assert_eq!((done["state"].as_str(), done["iss"].as_str()), ("the-state", "https://id.example"));

    let reply = app.token("app", &redemption(&done["code"])).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(reply.header("cache-control"), "no-store");
    let tokens = reply.json();
    assert_eq!((tokens["token_type"].as_str(), tokens["expires_in"].as_i64()), (Some("Bearer"), Some(600)));
    assert_eq!(tokens["scope"], "openid read");
    assert!(tokens["id_token"].as_str().unwrap().starts_with("eyJ"));
    let access = tokens["access_token"].as_str().unwrap();
    assert!(access.starts_with("vk_at_"));

    let claims = app.get_with_token("/oauth/userinfo", access).await.json();
    assert!(claims["sub"].as_str().unwrap().starts_with("usr_"));
    assert!(claims.get("email").is_none(), "only what the scope allows");

    let refresh = tokens["refresh_token"].as_str().unwrap();
    let again = app.token("app", &[("grant_type", "refresh_token"), ("refresh_token", refresh)]).await;
    assert_eq!(again.status, 200, "{}", again.body);
    assert_ne!(again.json()["refresh_token"].as_str().unwrap(), refresh);
}
