//! Design rule 4 — a password that must be changed: until it is, nothing else goes

use crate::support::{
    assert_error_page, assert_page, assert_refused, opens_userinfo, outcome, refresh, text, user_id, world,
};
use valetkey_core::audit::{Actor, Event};
use valetkey_core::manage::user;
use valetkey_core::secret::Secret;
use valetkey_testkit::{Browser, PASSWORD, Reply, TestApp};

const NEW: &str = "nine wooden boats on a lake";
const PAGE: &str = "Choose a new password";
const FORM: &str = "/login/password";

async fn require(app: &TestApp, username: &str) {
    let id = user_id(app, username).await;
    user::require_password_change(&app.cx(), &Actor::Operator, &id).await.unwrap();
}

/// Sends the form of the page.
async fn choose(browser: &mut Browser<'_>, page: &Reply, password: &str) -> Reply {
    let fields: Vec<(String, String)> = page.hidden_fields();
    let mut fields: Vec<_> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    fields.push(("new_password", password));
    let reply = browser.post(FORM, &fields).await;
    browser.follow(reply).await
}

#[tokio::test]
async fn who_must_change_the_password_gets_no_further_than_to_that_page() {
    let app = world().await;
    let mut browser = app.browser();
    let old = browser.tokens("app", "openid read offline_access", "alice").await;
    require(&app, "alice").await;
    assert_eq!(browser.get("/account").await.status, 303, "the session is over");
    assert_refused(&refresh(&app, "app", text(&old, "refresh_token")).await, 400, "invalid_grant", "refresh");
    assert!(!opens_userinfo(&app, text(&old, "access_token")).await);

    let login = browser.authorize(&Browser::request("app", "openid read")).await;
    let wrong = browser.log_in(&login, "alice", "not her password at all").await;
    assert_page(&wrong, 401, "do not match", "a wrong password learns nothing of it");
    let page = browser.log_in(&login, "alice", PASSWORD).await;
    assert_page(&page, 200, PAGE, "right");
    assert!(page.words().contains("Photo Printer") && page.cookie_line("__Host-vk_session").is_empty());
    assert_eq!(outcome(&browser.authorize(&Browser::request("app", "openid read")).await), "Sign in");
    for (password, words) in [
        ("", "Enter the new password."),
        ("short", "15 characters at least"),
        ("aaaaaaaaaaaaaaaaaaaa", "harder to guess"),
        ("alicealicealicealice", "not made of your name"),
        (PASSWORD, "this is the one you have"),
    ] {
        let again = choose(&mut browser, &page, password).await;
        assert_page(&again, 400, words, password);
        assert!(!again.body.contains("value=\"short") && again.cookie_line("__Host-vk_session").is_empty());
    }
    let done = choose(&mut browser, &page, NEW).await;
    assert_eq!(outcome(&done), "code", "on to the application");
    assert_eq!(browser.get("/account").await.status, 200);
    assert_eq!(refresh(&app, "app", text(&old, "refresh_token")).await.status, 200, "the keys of apps stay");
    let events: Vec<Event> = app.records().await.into_iter().map(|record| record.event).collect();
    assert!(events.contains(&Event::PasswordChangeRequired) && events.contains(&Event::PasswordSet));

    let mut elsewhere = app.browser();
    let login = elsewhere.get("/login").await;
    assert_eq!(elsewhere.log_in(&login, "alice", PASSWORD).await.status, 401, "the old one is gone");
    assert_eq!(elsewhere.log_in(&login, "alice", NEW).await.status, 200);
}

#[tokio::test]
async fn the_page_is_good_for_one_change_in_one_browser_for_a_while() {
    let app = world().await;
    require(&app, "alice").await;
    let mut browser = app.browser();
    let login = browser.get("/login").await;
    let page = browser.log_in(&login, "alice", PASSWORD).await;
    let proof = page.hidden("csrf").unwrap();
    let before = app.rows().await;
    let expired = "This page has expired";
    let mut thief = app.browser();
    thief.get("/login").await;
    assert_error_page(&choose(&mut thief, &page, NEW).await, 400, expired, "another browser");
    for bad in ["", "x", &crate::support::altered(&proof), &login.hidden("csrf").unwrap()] {
        let reply = browser.post(FORM, &[("csrf", bad), ("new_password", NEW)]).await;
        assert_error_page(&reply, 400, expired, bad);
    }
    let forged = browser.post_from("cross-site", FORM, &[("csrf", &proof), ("new_password", NEW)]).await;
    assert_eq!(forged.status, 403);
    let twice = [("csrf", &*proof), ("new_password", NEW), ("new_password", "another good long password")];
    assert_eq!(browser.post(FORM, &twice).await.status, 403, "repeated");
    assert_eq!(app.rows().await, before);
    app.clock.advance(15 * 60);
    assert_error_page(&choose(&mut browser, &page, NEW).await, 400, expired, "too late");
    let page = browser.log_in(&login, "alice", PASSWORD).await;
    assert_page(&choose(&mut browser, &page, NEW).await, 200, "Your account", "a plain sign-in");
    assert_error_page(&choose(&mut browser, &page, "yet another good password").await, 400, expired, "again");
}

#[tokio::test]
async fn a_password_set_for_the_first_sign_in_only_is_asked_for_once() {
    let app = world().await;
    let id = user_id(&app, "bob").await;
    let first = Secret::new("first garden password for bob");
    user::set_password_with(&app.cx(), &Actor::Operator, &id, &first, true).await.unwrap();
    let mut browser = app.browser();
    let login = browser.get("/login").await;
    let page = browser.log_in(&login, "bob", first.expose()).await;
    assert_page(&page, 200, PAGE, "first");
    assert_page(&choose(&mut browser, &page, NEW).await, 200, "Your account", "chosen");
    let mut later = app.browser();
    let login = later.get("/login").await;
    assert_page(&later.log_in(&login, "bob", NEW).await, 200, "Your account", "then as ever");
    user::disable(&app.cx(), &Actor::Operator, &id).await.unwrap();
    require(&app, "bob").await;
    assert_eq!(later.log_in(&login, "bob", NEW).await.status, 401, "a disabled account is refused as ever");
}

#[tokio::test]
async fn nist_800_63b_section_3_1_1_2_a_hash_of_the_past_is_renewed_at_the_next_sign_in() {
    let app = world().await;
    let id = user_id(&app, "alice").await;
    let stored = async || app.server.store.user(&id).await.unwrap().unwrap().password.unwrap();
    let first = stored().await;
    app.browser().sign_in("alice").await;
    assert_eq!(stored().await, first, "one of the present stays");
    app.hasher.set_outdated(true);
    let mut wrong = app.browser();
    let page = wrong.get("/login").await;
    wrong.log_in(&page, "alice", "not her password at all").await;
    assert_eq!(stored().await, first, "a wrong password renews nothing");
    let mut browser = app.browser();
    browser.sign_in("alice").await;
    assert_ne!(stored().await, first);
    assert_eq!(browser.get("/account").await.status, 200);
    app.hasher.set_outdated(false);
    app.browser().sign_in("alice").await;
}
