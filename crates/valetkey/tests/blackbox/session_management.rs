//! OIDC Session Management 1.0 — an application asks, without a request to us, whether somebody is still signed in

use crate::support::{text, with, world};
use data_encoding::BASE64URL_NOPAD;
use valetkey_testkit::{Browser, PASSWORD, TestApp};

const STATE: &str = "__Host-vk_state";

/// What the page at `check_session_iframe` answers a page of `origin` in this browser.
fn judged(browser: &Browser<'_>, client: &str, origin: &str, session_state: &str) -> &'static str {
    let Some((hash, salt)) = session_state.split_once('.') else { return "error" };
    let state = browser.cookies.get(STATE).map(String::as_str).unwrap_or_default();
    let own = crate::support::challenge_of(&format!("{client} {origin} {state} {salt}"));
    if own == hash { "unchanged" } else { "changed" }
}

async fn session_state(browser: &mut Browser<'_>, client: &str, scope: &str) -> Option<String> {
    let reply = browser.signed_in_at(client, scope, "alice").await;
    reply.redirected().get("session_state").cloned()
}

#[tokio::test]
async fn section_2_an_answer_says_which_session_it_came_from_and_the_browser_can_tell() {
    let app = world().await;
    let mut browser = app.browser();
    let state = session_state(&mut browser, "app", "openid").await.unwrap();
    assert!(!state.contains(' '));
    let origin = "https://app.example";
    assert_eq!(judged(&browser, "app", origin, &state), "unchanged");
    for (client, origin) in
        [("other", origin), ("app", "https://evil.example"), ("app", "http://app.example")]
    {
        assert_eq!(judged(&browser, client, origin, &state), "changed", "{client} {origin}");
    }
    let other = session_state(&mut browser, "app", "openid").await.unwrap();
    assert_ne!(other, state, "another salt");
    assert_eq!(judged(&browser, "app", origin, &other), "unchanged");
    // Signing in again as the same person changes nothing; signing out does.
    let page = browser.authorize(&with(&Browser::request("app", "openid"), "prompt", Some("login"))).await;
    browser.log_in(&page, "alice", PASSWORD).await;
    assert_eq!(judged(&browser, "app", origin, &state), "unchanged");
    let account = browser.get("/account").await;
    browser.press(&account, "/account/sign-out", "Sign out").await;
    assert_eq!(judged(&browser, "app", origin, &state), "changed");
}

#[tokio::test]
async fn section_3_1_another_person_is_another_state() {
    let app = world().await;
    let mut browser = app.browser();
    let state = session_state(&mut browser, "app", "openid").await.unwrap();
    let page = browser.authorize(&with(&Browser::request("app", "openid"), "prompt", Some("login"))).await;
    browser.log_in(&page, "bob", PASSWORD).await;
    assert_eq!(judged(&browser, "app", "https://app.example", &state), "changed");
}

#[tokio::test]
async fn section_3_an_answer_without_identity_says_nothing_of_the_session() {
    let app = world().await;
    let mut browser = app.browser();
    assert_eq!(session_state(&mut browser, "app", "read").await, None);
    let refused = browser.authorize(&with(&Browser::request("app", "openid"), "prompt", Some("none"))).await;
    assert!(refused.redirected().contains_key("error"));
    assert!(!refused.redirected().contains_key("session_state"));
}

#[tokio::test]
async fn section_3_2_the_state_is_readable_holds_no_secret_and_mends_itself() {
    let app = world().await;
    let mut browser = app.browser();
    let page = browser.get("/login").await;
    let hidden = page.hidden("csrf").unwrap_or_default();
    let fields = [("username", "alice"), ("password", PASSWORD), ("csrf", &*hidden)];
    let reply = browser.post("/login", &fields).await;
    let line = reply.cookie_line(STATE);
    let value = browser.cookies[STATE].clone();
    assert_eq!(line, format!("{STATE}={value}; Path=/; SameSite=None; Secure; Max-Age=1209600"));
    assert_eq!(BASE64URL_NOPAD.decode(value.as_bytes()).unwrap().len(), 32);
    assert_ne!(value, browser.cookies["__Host-vk_session"]);
    let as_session = format!("__Host-vk_session={value}");
    let reply = app.call("GET", "/account").header("cookie", &as_session).send().await;
    assert_eq!(reply.status, 303, "it lets nobody in");
    // A browser that lost it gets it back with the next answer.
    browser.cookies.remove(STATE);
    let state = session_state(&mut browser, "app", "openid").await.unwrap();
    assert_eq!(judged(&browser, "app", "https://app.example", &state), "unchanged");
}

#[tokio::test]
async fn section_3_3_the_page_may_be_framed_by_anybody_and_does_one_thing() {
    let app = TestApp::start().await;
    let metadata = app.get("/.well-known/openid-configuration").await.json();
    let address =
        text(&metadata, "check_session_iframe").strip_prefix("https://id.example").unwrap().to_owned();
    let page = app.get(&address).await;
    assert_eq!((page.status.as_u16(), page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert_eq!(page.header("x-frame-options"), "");
    let policy = "default-src 'none'; script-src 'self'; form-action 'none'; base-uri 'none'";
    assert_eq!(page.header("content-security-policy"), policy);
    let script = page.body.split("<script src=\"").nth(1).unwrap().split('"').next().unwrap();
    let script = app.get(script).await;
    assert_eq!(script.header("content-type"), "text/javascript; charset=utf-8");
    assert!(script.body.contains("postMessage(answer, origin)"), "never to everybody");
    for path in ["/login", "/oauth/logout", "/"] {
        assert_eq!(app.get(path).await.header("x-frame-options"), "DENY", "{path}");
    }
}
