//! OIDC RP-Initiated Logout — an application signs its user out here too

use crate::support::{assert_error_page, assert_page, text, with, world};
use valetkey_core::manage::client::NewClient;
use valetkey_testkit::{Browser, Reply, TestApp};

const AFTER: &str = "https://app.example/bye";

async fn furnished() -> TestApp {
    let app = world().await;
    app.client(NewClient {
        id: Some("rp".to_owned()),
        redirect_uris: vec!["https://app.example/cb".to_owned()],
        post_logout_redirect_uris: vec![AFTER.to_owned(), "https://app.example/q?a=1".to_owned()],
        ..NewClient::default()
    })
    .await;
    app
}

async fn id_token(browser: &mut Browser<'_>, client: &str, username: &str) -> String {
    text(&browser.tokens(client, "openid", username).await, "id_token").to_owned()
}

async fn logout(browser: &mut Browser<'_>, fields: &[(&str, &str)]) -> Reply {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    browser.get(&format!("/oauth/logout?{query}")).await
}

async fn is_signed_in(browser: &mut Browser<'_>) -> bool {
    browser.get("/account").await.status == 200
}

#[tokio::test]
async fn section_2_a_hint_about_the_person_who_is_signed_in_ends_the_session_at_once() {
    let app = furnished().await;
    let mut browser = app.browser();
    let hint = id_token(&mut browser, "rp", "alice").await;
    app.clock.advance(3600);
    let fields = [("id_token_hint", &*hint), ("post_logout_redirect_uri", AFTER), ("state", "a b")];
    let stolen = browser.cookies.clone();
    let reply = logout(&mut browser, &fields).await;
    assert_eq!((reply.status.as_u16(), reply.location()), (303, "https://app.example/bye?state=a+b"));
    assert!(!is_signed_in(&mut browser).await);
    browser.cookies = stolen;
    assert!(!is_signed_in(&mut browser).await, "the cookie from before is worth nothing");
    // Nobody is signed in any more: the way back is the same.
    let reply = logout(&mut browser, &with(&fields, "state", None)).await;
    assert_eq!(reply.location(), AFTER);
    let query =
        [("client_id", "rp"), ("post_logout_redirect_uri", "https://app.example/q?a=1"), ("state", "s")];
    assert_eq!(logout(&mut browser, &query).await.location(), "https://app.example/q?a=1&state=s");
}

#[tokio::test]
async fn section_2_without_a_hint_about_this_person_the_person_is_asked() {
    let app = furnished().await;
    let mut bob = app.browser();
    let of_bob = id_token(&mut bob, "rp", "bob").await;
    for fields in [
        vec![],
        vec![("client_id", "rp"), ("post_logout_redirect_uri", AFTER)],
        vec![("id_token_hint", &*of_bob), ("post_logout_redirect_uri", AFTER)],
        vec![("client_id", "nobody")],
    ] {
        let mut browser = app.browser();
        browser.sign_in("alice").await;
        let page = logout(&mut browser, &fields).await;
        assert_page(&page, 200, "Sign out of id.example?", "asked");
        assert!(is_signed_in(&mut browser).await, "{fields:?}");
        let forged = browser.post("/oauth/logout/confirm", &fields).await;
        assert_eq!(forged.status, 403, "without the page's proof");
        let proof = page.hidden("csrf").unwrap();
        let other = browser.post_from("cross-site", "/oauth/logout/confirm", &[("csrf", &proof)]).await;
        assert_eq!(other.status, 403, "from another site");
        assert!(is_signed_in(&mut browser).await);
        let reply = browser.press(&page, "/oauth/logout/confirm", "Sign out").await;
        if fields.len() == 2 {
            assert_eq!(reply.location(), AFTER);
        } else {
            assert_page(&reply, 200, "You are signed out", "done");
        }
        assert!(!is_signed_in(&mut browser).await);
    }
    assert!(is_signed_in(&mut bob).await, "the cookie decides who is signed out");
}

#[tokio::test]
async fn section_3_the_browser_goes_back_only_where_the_application_registered() {
    let app = furnished().await;
    let mut browser = app.browser();
    let hint = id_token(&mut browser, "rp", "alice").await;
    let access = text(&browser.tokens("rp", "openid", "alice").await, "access_token").to_owned();
    let mut other = app.browser();
    let of_other_app = id_token(&mut other, "app", "alice").await;
    for (case, fields) in [
        (
            "another address",
            vec![("id_token_hint", &*hint), ("post_logout_redirect_uri", "https://evil.example/")],
        ),
        ("a slash more", vec![("client_id", "rp"), ("post_logout_redirect_uri", "https://app.example/bye/")]),
        (
            "its redirect URI",
            vec![("client_id", "rp"), ("post_logout_redirect_uri", "https://app.example/cb")],
        ),
        ("another's address", vec![("client_id", "app"), ("post_logout_redirect_uri", AFTER)]),
        ("nobody's address", vec![("post_logout_redirect_uri", AFTER)]),
        ("another's hint", vec![("id_token_hint", &*of_other_app), ("post_logout_redirect_uri", AFTER)]),
        ("two who ask", vec![("id_token_hint", &*hint), ("client_id", "app")]),
        ("an access token as hint", vec![("id_token_hint", &*access), ("client_id", "rp")]),
        ("a forged hint", vec![("id_token_hint", "eyJhbGciOiJub25lIn0.e30."), ("client_id", "rp")]),
        ("an address twice", vec![("client_id", "rp"), ("state", "1"), ("state", "2")]),
    ] {
        assert_error_page(&logout(&mut browser, &fields).await, 400, "", case);
        assert!(is_signed_in(&mut browser).await, "{case}");
    }
}

#[tokio::test]
async fn section_2_a_request_may_come_by_post_and_is_then_repeated_with_the_cookies() {
    let app = furnished().await;
    let mut browser = app.browser();
    let hint = id_token(&mut browser, "rp", "alice").await;
    let fields = [("id_token_hint", &*hint), ("post_logout_redirect_uri", AFTER), ("csrf", "x")];
    let reply = app.post("/oauth/logout", None, &fields).await;
    // An ID token has no place in an address.
    let sealed = reply.location().strip_prefix("https://id.example/oauth/logout?request=vk_lr_");
    assert!(sealed.is_some_and(|sealed| !sealed.contains('&')), "{}", reply.location());
    let old = reply.location().to_owned();
    let reply = browser.follow(reply).await;
    assert_eq!(reply.location(), AFTER);
    assert!(!is_signed_in(&mut browser).await);
    app.clock.advance(121);
    let late = browser.get(old.strip_prefix("https://id.example").unwrap()).await;
    assert_error_page(&late, 400, "", "a link of two minutes ago");
    // Where the cookie comes along there is no need to go round.
    let hint = id_token(&mut browser, "rp", "alice").await;
    let fields = [("id_token_hint", &*hint), ("post_logout_redirect_uri", AFTER)];
    assert_eq!(browser.post("/oauth/logout", &fields).await.location(), AFTER);
    assert!(!is_signed_in(&mut browser).await);
}
