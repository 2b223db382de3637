//! NIST SP 800-63B §3.2.2, ASVS 6.3.1 — guessing is slowed down, and nobody can be locked out by it

use crate::support::{assert_page, world};
use std::sync::Arc;
use tokio::task::JoinSet;
use valetkey_testkit::{Browser, PASSWORD, Reply, TestApp};

const WRONG: &str = "not the password of anybody";

/// One attempt by a browser that nobody knows.
async fn attempt(app: &TestApp, from: &str, username: &str, password: &str) -> Reply {
    attempt_in(&mut app.browser().at(from), username, password).await
}

async fn attempt_in(browser: &mut Browser<'_>, username: &str, password: &str) -> Reply {
    let page = browser.get("/login").await;
    browser.submit("/login", &page, &[("username", username), ("password", password)]).await
}

/// Wrong passwords until the first wait: eleven, the last of which begins it.
async fn exhaust(app: &TestApp, from: &str, username: &str) {
    for n in 0..11 {
        assert_eq!(attempt(app, from, username, WRONG).await.status, 401, "attempt {n}");
    }
}

#[track_caller]
fn assert_wait(reply: &Reply, seconds: &str, case: &str) {
    assert_page(reply, 429, "Too many attempts.", case);
    assert_eq!(reply.header("retry-after"), seconds, "{case}");
    assert!(reply.cookies().iter().all(|(name, _)| name == "__Host-vk_browser"), "{case}");
}

#[tokio::test]
async fn after_ten_wrong_passwords_from_one_address_even_the_right_one_waits() {
    let app = world().await;
    let attacker = "192.0.2.66";
    exhaust(&app, attacker, "alice").await;
    let before = app.rows().await;
    for password in [WRONG, PASSWORD] {
        let reply = attempt(&app, attacker, "alice", password).await;
        assert_wait(&reply, "30", "right away");
        assert!(reply.words().contains("Wait 30 seconds"), "{}", reply.words());
        assert_eq!(reply.field("username").as_deref(), Some("alice"));
    }
    assert_wait(&attempt(&app, attacker, " ALICE", PASSWORD).await, "30", "the same name in other letters");
    assert_eq!(app.rows().await, before, "a refused attempt costs no row");
    app.clock.advance(29);
    assert_wait(&attempt(&app, attacker, "alice", PASSWORD).await, "1", "a second early");
    app.clock.advance(1);
    assert_eq!(attempt(&app, attacker, "alice", PASSWORD).await.status, 303, "after the wait");
}

#[tokio::test]
async fn each_further_wrong_password_doubles_the_wait_up_to_a_quarter_of_an_hour() {
    let app = world().await;
    exhaust(&app, "192.0.2.66", "alice").await;
    for wait in [30, 60, 120, 240, 480, 900, 900] {
        app.clock.advance(wait - 1);
        assert_wait(&attempt(&app, "192.0.2.66", "alice", PASSWORD).await, "1", &format!("of {wait}"));
        app.clock.advance(1);
        assert_eq!(attempt(&app, "192.0.2.66", "alice", WRONG).await.status, 401, "after {wait}");
    }
    app.clock.advance(900);
    assert_eq!(attempt(&app, "192.0.2.66", "alice", PASSWORD).await.status, 303);
}

#[tokio::test]
async fn the_person_at_another_address_or_in_a_known_browser_is_not_slowed() {
    let app = world().await;
    let mut known = app.browser().at("192.0.2.66");
    known.sign_in("alice").await;
    let account = known.get("/account").await;
    known.press(&account, "/account/sign-out", "Sign out").await;
    assert!(
        known.cookies.contains_key("__Host-vk_device") && !known.cookies.contains_key("__Host-vk_session")
    );

    exhaust(&app, "192.0.2.66", "alice").await;
    assert_wait(&attempt(&app, "192.0.2.66", "alice", PASSWORD).await, "30", "the attacker");
    assert_eq!(attempt(&app, "198.51.100.7", "alice", PASSWORD).await.status, 303, "from elsewhere");
    assert_eq!(attempt_in(&mut known, "alice", PASSWORD).await.status, 303, "behind the same address");
    assert_eq!(attempt(&app, "192.0.2.66", "bob", PASSWORD).await.status, 303, "another person there");
}

#[tokio::test]
async fn a_known_browser_is_known_for_its_own_person_only_and_not_for_ever() {
    let app = world().await;
    let mut known = app.browser();
    known.sign_in("alice").await;
    exhaust(&app, "192.0.2.1", "bob").await;
    let device = known.cookies["__Host-vk_device"].clone();
    for value in [device.clone(), crate::support::altered(&device), String::new()] {
        let mut browser = app.browser();
        browser.cookies.insert("__Host-vk_device".to_owned(), value);
        assert_wait(
            &attempt_in(&mut browser, "bob", PASSWORD).await,
            "30",
            "alice's cookie does not help bob",
        );
    }
    // Its own patience ends after twenty; the cookie may have been stolen.
    known.cookies.remove("__Host-vk_session");
    for n in 0..21 {
        assert_eq!(attempt_in(&mut known, "alice", WRONG).await.status, 401, "attempt {n}");
    }
    assert_wait(&attempt_in(&mut known, "alice", PASSWORD).await, "30", "the known browser");
    assert_eq!(attempt(&app, "192.0.2.1", "alice", PASSWORD).await.status, 303, "which slows nobody else");

    let mut old = app.browser();
    old.sign_in("alice").await;
    old.cookies.remove("__Host-vk_session");
    app.clock.advance(180 * 86_400);
    exhaust(&app, "192.0.2.1", "alice").await;
    assert_wait(&attempt_in(&mut old, "alice", PASSWORD).await, "30", "half a year later");
}

#[tokio::test]
async fn a_success_clears_the_counters_and_so_does_a_day() {
    let app = world().await;
    for _ in 0..3 {
        for _ in 0..10 {
            assert_eq!(attempt(&app, "192.0.2.1", "alice", WRONG).await.status, 401);
        }
        assert_eq!(attempt(&app, "192.0.2.1", "alice", PASSWORD).await.status, 303);
    }
    assert_eq!(
        app.rows().await["attempts"],
        1,
        "only what the address did on the way: others may sit there too"
    );
    exhaust(&app, "192.0.2.1", "alice").await;
    app.clock.advance(86_400);
    exhaust(&app, "192.0.2.1", "alice").await;
}

#[tokio::test]
async fn asvs_6_3_8_a_name_that_nobody_has_is_slowed_alike() {
    let app = world().await;
    exhaust(&app, "192.0.2.1", "nobody").await;
    assert_wait(&attempt(&app, "192.0.2.1", "nobody", PASSWORD).await, "30", "nobody");
}

#[tokio::test]
async fn a_hundred_failures_from_everywhere_put_strangers_in_a_slow_lane_that_opens_again() {
    let app = world().await;
    let mut known = app.browser();
    known.sign_in("alice").await;
    known.cookies.remove("__Host-vk_session");
    for n in 0..101 {
        let from = format!("192.0.2.{}", 100 + n % 20);
        assert_eq!(attempt(&app, &from, "alice", WRONG).await.status, 401, "attempt {n}");
    }
    assert_wait(&attempt(&app, "192.0.2.100", "alice", PASSWORD).await, "5", "a stranger");
    assert_eq!(attempt_in(&mut known, "alice", PASSWORD).await.status, 303, "the person's own browser");
    for wait in [5, 10, 20, 30, 30] {
        app.clock.advance(wait);
        assert_eq!(attempt(&app, "192.0.2.101", "alice", WRONG).await.status, 401, "after {wait}");
    }
    assert_wait(&attempt(&app, "192.0.2.102", "alice", PASSWORD).await, "30", "never longer");
    app.clock.advance(30);
    assert_eq!(attempt(&app, "192.0.2.102", "alice", PASSWORD).await.status, 303, "nobody is locked out");
}

#[tokio::test]
async fn those_who_fill_the_slow_lane_do_not_keep_a_person_at_a_new_address_out() {
    let app = world().await;
    for n in 0..101 {
        let from = format!("192.0.2.{}", 100 + n % 20);
        assert_eq!(attempt(&app, &from, "alice", WRONG).await.status, 401, "attempt {n}");
    }
    for _ in 0..2 {
        assert_eq!(
            attempt(&app, "203.0.113.6", "alice", WRONG).await.status,
            401,
            "a fresh address has two tries"
        );
    }
    assert_wait(&attempt(&app, "203.0.113.6", "alice", PASSWORD).await, "20", "and then the lane");
    assert_eq!(attempt(&app, "203.0.113.5", "alice", PASSWORD).await.status, 303, "the person");
}

#[tokio::test]
async fn one_address_cannot_try_many_names_and_an_ipv6_subscriber_is_one_address() {
    let app = world().await;
    for n in 0..201 {
        let from = format!("2001:db8:1:2::{:x}", n + 1);
        assert_eq!(attempt(&app, &from, &format!("name-{n}"), WRONG).await.status, 401, "attempt {n}");
    }
    assert_wait(&attempt(&app, "2001:db8:1:2:ffff::1", "alice", PASSWORD).await, "10", "the same /64");
    for elsewhere in ["2001:db8:1:3::1", "192.0.2.1"] {
        assert_eq!(attempt(&app, elsewhere, "alice", PASSWORD).await.status, 303, "{elsewhere}");
    }
}

#[tokio::test]
async fn rfc9700_section_4_13_an_address_that_the_caller_writes_down_himself_counts_for_nothing() {
    let app = world().await;
    exhaust(&app, "192.0.2.1", "alice").await;
    let page = app.browser().get("/login").await;
    let cookie = format!("__Host-vk_browser={}", page.cookies()[0].1);
    for header in ["x-forwarded-for", "forwarded", "x-real-ip", "cf-connecting-ip"] {
        let call = app.call("POST", "/login").from([192, 0, 2, 1].into()).header("cookie", &cookie);
        let call = call.header(header, if header == "forwarded" { "for=203.0.113.9" } else { "203.0.113.9" });
        let csrf = page.hidden("csrf").unwrap();
        let fields = [("csrf", &*csrf), ("username", "alice"), ("password", PASSWORD)];
        assert_wait(&call.form(&fields).send().await, "30", header);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_flood_at_once_gets_no_more_guesses_than_one_after_another() {
    let app = Arc::new(world().await);
    let mut tasks = JoinSet::new();
    for _ in 0..40 {
        let app = Arc::clone(&app);
        tasks.spawn(async move { attempt(&app, "192.0.2.66", "alice", WRONG).await.status.as_u16() });
    }
    let answers = tasks.join_all().await;
    let looked_at = answers.iter().filter(|status| **status == 401).count();
    let waiting = answers.iter().filter(|status| **status == 429).count();
    assert_eq!((looked_at, waiting), (11, 29), "counted before the password is looked at");
}
