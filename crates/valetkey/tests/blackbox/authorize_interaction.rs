//! Between request and answer: tabs, browsers, time, and by whom it can be gone on with

use crate::support::{altered, assert_error_page, outcome, text, with, world};
use valetkey_testkit::{Browser, PASSWORD, redemption};

#[tokio::test]
async fn an_interaction_is_bound_to_the_browser_it_began_in() {
    let app = world().await;
    let (mut own, mut foreign) = (app.browser(), app.browser());
    let login = own.authorize(&Browser::request("app", "read")).await;
    let i = login.hidden("i").unwrap();
    let before = app.rows().await;
    let without_cookie = "Your browser came without our cookie";
    for path in ["/login", "/consent"] {
        let address = format!("{path}?i={i}");
        assert_error_page(&foreign.get(&address).await, 400, without_cookie, path);
    }
    foreign.authorize(&Browser::request("app", "read")).await;
    for path in ["/login", "/consent"] {
        let reply = foreign.get(&format!("{path}?i={i}")).await;
        assert_error_page(&reply, 400, without_cookie, "with a cookie of its own");
    }
    let fields = [("i", &*i), ("username", "alice"), ("password", PASSWORD)];
    assert_error_page(&foreign.post("/login", &fields).await, 400, without_cookie, "posted");
    assert_eq!(app.rows().await, before, "nobody was signed in");
    assert_eq!(
        outcome(&own.log_in(&login, "alice", PASSWORD).await),
        "Photo Printer wants a key to your account"
    );
}

#[tokio::test]
async fn a_damaged_interaction_is_a_page_and_an_old_one_says_so() {
    let app = world().await;
    let mut browser = app.browser();
    let login = browser.authorize(&Browser::request("app", "read")).await;
    let i = login.hidden("i").unwrap();
    let unclear = "in a way that we do not understand";
    for damaged in
        [altered(&i), i[..i.len() - 4].to_owned(), format!("{i}AAAA"), "vk_in_".to_owned(), "x".to_owned()]
    {
        for path in ["/login", "/consent"] {
            let reply = browser.get(&format!("{path}?i={damaged}")).await;
            assert_error_page(&reply, 400, unclear, &damaged);
        }
        let fields = [("i", &*damaged), ("username", "alice"), ("password", PASSWORD)];
        assert_error_page(&browser.post("/login", &fields).await, 400, unclear, &damaged);
        assert_error_page(&browser.post("/consent", &fields).await, 400, unclear, &damaged);
    }
    app.clock.advance(3599);
    assert_eq!(browser.get(&format!("/login?i={i}")).await.status, 200);
    app.clock.advance(1);
    for path in ["/login", "/consent"] {
        let reply = browser.get(&format!("{path}?i={i}")).await;
        assert_error_page(&reply, 400, "This page has expired", path);
    }
    assert_error_page(
        &browser.log_in(&login, "alice", PASSWORD).await,
        400,
        "This page has expired",
        "login",
    );
    assert_eq!(app.rows().await["sessions"], 0);
}

#[tokio::test]
async fn two_tabs_go_their_own_ways_and_share_the_login() {
    let app = world().await;
    let mut browser = app.browser();
    let first = browser.authorize(&Browser::request("app", "read")).await;
    let second = browser.authorize(&with(&Browser::request("app", "write"), "state", Some("second"))).await;
    let consent = browser.log_in(&second, "alice", PASSWORD).await;
    assert_eq!(consent.checkboxes("scope"), ["write"]);
    let reloaded = browser.get(&format!("/login?i={}", first.hidden("i").unwrap())).await;
    let other = browser.follow(reloaded).await;
    assert_eq!(other.checkboxes("scope"), ["read"], "the first tab needs no login any more");
    let done = browser.decide(&consent, "allow", &["write"]).await.redirected();
    assert_eq!(done["state"], "second");
    let also = browser.decide(&other, "allow", &["read"]).await.redirected();
    assert_eq!(also["state"], "the-state");
    for (code, scope) in [(&done["code"], "write"), (&also["code"], "read")] {
        assert_eq!(app.token("app", &redemption(code)).await.json()["scope"], scope);
    }
}

#[tokio::test]
async fn going_back_after_the_answer_gives_another_code_and_breaks_nothing() {
    let app = world().await;
    let mut browser = app.browser();
    let login = browser.authorize(&Browser::request("app", "read")).await;
    let consent = browser.log_in(&login, "alice", PASSWORD).await;
    let first = browser.decide(&consent, "allow", &["read"]).await.redirected()["code"].clone();
    let rows = app.rows().await;
    let again = browser.decide(&consent, "allow", &["read"]).await.redirected()["code"].clone();
    let reloaded = browser.get(&format!("/consent?i={}", consent.hidden("i").unwrap())).await;
    let third = reloaded.redirected()["code"].clone();
    assert!(first != again && again != third);
    assert_eq!(app.rows().await, rows, "the answer stands; nothing is written again");
    let tokens = app.token("app", &redemption(&first)).await.json();
    assert!(app.is_active("app", text(&tokens, "access_token")).await);
}

#[tokio::test]
async fn a_session_that_ends_on_the_way_leads_back_to_the_login_of_the_same_request() {
    let app = world().await;
    let mut browser = app.browser();
    browser.sign_in("alice").await;
    let consent = browser.authorize(&Browser::request("app", "read")).await;
    assert_eq!(outcome(&consent), "Photo Printer wants a key to your account");
    browser.cookies.remove("__Host-vk_session");
    let login = browser.decide(&consent, "allow", &["read"]).await;
    assert_eq!(outcome(&login), "Sign in", "not signed in, nothing allowed");
    assert_eq!(app.rows().await["consents"], 0);
    let consent = browser.log_in(&login, "alice", PASSWORD).await;
    let done = browser.decide(&consent, "allow", &["read"]).await.redirected();
    assert_eq!(done["state"], "the-state");
}
