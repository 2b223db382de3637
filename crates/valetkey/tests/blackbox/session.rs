//! ASVS 7.2–7.4 — sessions: new at each login, over when they are over, at the server

use crate::support::{assert_page, user_id, world};
use valetkey_core::audit::Actor;
use valetkey_core::manage;
use valetkey_core::secret::Secret;
use valetkey_testkit::{Browser, PASSWORD, TestApp};

const DAY: u64 = 86_400;

async fn signed_in(app: &TestApp) -> Browser<'_> {
    let mut browser = app.browser();
    browser.sign_in("alice").await;
    browser
}

async fn is_alive(browser: &Browser<'_>) -> bool {
    let reply = browser.clone().get("/account").await;
    assert!(reply.status == 200 || reply.location() == "https://id.example/login", "{}", reply.body);
    reply.status == 200
}

#[tokio::test]
async fn asvs_7_2_4_a_login_begins_a_new_session_and_ends_the_one_before_in_the_same_browser() {
    let app = world().await;
    let mut browser = app.browser();
    // Fixation: a session id planted before the login is not taken over.
    browser.cookies.insert("__Host-vk_session".to_owned(), "A".repeat(43));
    browser.sign_in("alice").await;
    assert_ne!(browser.cookies["__Host-vk_session"], "A".repeat(43));
    let first = browser.clone();
    let page = browser
        .authorize(&crate::support::with(&Browser::request("app", "read"), "prompt", Some("login")))
        .await;
    browser.log_in(&page, "alice", PASSWORD).await;
    assert_ne!(browser.cookies["__Host-vk_session"], first.cookies["__Host-vk_session"]);
    assert!(!is_alive(&first).await && is_alive(&browser).await);
    assert_eq!(app.rows().await["sessions"], 1);
    let elsewhere = signed_in(&app).await;
    assert!(is_alive(&elsewhere).await && is_alive(&browser).await, "other browsers are their own");
}

#[tokio::test]
async fn asvs_7_4_1_signing_out_ends_the_session_at_the_server() {
    let app = world().await;
    let mut browser = signed_in(&app).await;
    let (stolen, elsewhere) = (browser.clone(), signed_in(&app).await);
    let account = browser.get("/account").await;
    let reply = browser.press(&account, "/account/sign-out", "Sign out").await;
    assert_page(&reply, 200, "You are signed out", "signed out");
    let line = reply.cookie_line("__Host-vk_session");
    assert_eq!(line, "__Host-vk_session=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0");
    assert!(!is_alive(&stolen).await, "whoever kept the cookie");
    assert!(is_alive(&elsewhere).await);
    let again = browser.press(&account, "/account/sign-out", "Sign out").await;
    assert_eq!(
        again.status, 403,
        "going back and pressing again: the page was drawn for a session that is over"
    );
}

#[tokio::test]
async fn asvs_7_3_1_a_session_left_alone_for_three_days_is_over() {
    let app = world().await;
    let browser = signed_in(&app).await;
    for _ in 0..4 {
        app.clock.advance(3 * DAY - 301);
        assert!(is_alive(&browser).await, "used in time");
    }
    app.clock.advance(DAY + 1);
    assert!(is_alive(&browser).await);
    let idle = signed_in(&app).await;
    app.clock.advance(3 * DAY);
    assert!(!is_alive(&idle).await);
    app.clock.advance(1);
    assert!(!is_alive(&idle).await, "asking does not wake it");
}

#[tokio::test]
async fn asvs_7_3_2_a_session_ends_after_two_weeks_however_much_it_is_used() {
    let app = world().await;
    let browser = signed_in(&app).await;
    for _ in 0..13 {
        app.clock.advance(DAY);
        assert!(is_alive(&browser).await);
    }
    app.clock.advance(DAY - 1);
    assert!(is_alive(&browser).await);
    app.clock.advance(1);
    assert!(!is_alive(&browser).await);
}

#[tokio::test]
async fn asvs_7_4_2_and_7_4_3_what_an_operator_does_to_an_account_ends_its_sessions_at_once() {
    let operator = Actor::Operator;
    for act in ["disable", "disable and enable", "password", "delete", "end all"] {
        let app = world().await;
        let (first, second) = (signed_in(&app).await, signed_in(&app).await);
        let mut bob = app.browser();
        bob.sign_in("bob").await;
        let (cx, alice) = (app.cx(), user_id(&app, "alice").await);
        if act.starts_with("disable") {
            manage::user::disable(&cx, &operator, &alice).await.unwrap();
        }
        match act {
            "disable and enable" => drop(manage::user::enable(&cx, &operator, &alice).await.unwrap()),
            "password" => {
                let password = Secret::new("nine other kitchen spoons");
                manage::user::set_password(&cx, &operator, &alice, &password).await.unwrap();
            }
            "delete" => manage::user::delete(&cx, operator.clone(), &alice).await.unwrap(),
            "end all" => drop(manage::session::end_all(&cx, operator.clone(), &alice, None).await.unwrap()),
            _ => {}
        }
        assert!(!is_alive(&first).await && !is_alive(&second).await, "{act}");
        assert!(is_alive(&bob).await, "{act}");
    }
}

#[tokio::test]
async fn a_new_password_takes_the_place_of_the_old_one() {
    let app = world().await;
    let alice = user_id(&app, "alice").await;
    let new = "nine other kitchen spoons";
    manage::user::set_password(&app.cx(), &Actor::Operator, &alice, &Secret::new(new)).await.unwrap();
    let mut browser = app.browser();
    let page = browser.get("/login").await;
    assert_eq!(browser.log_in(&page, "alice", PASSWORD).await.status, 401);
    assert_page(&browser.log_in(&page, "alice", new).await, 200, "Your account", "the new one");
}

#[tokio::test]
async fn a_login_without_an_app_leads_to_the_account_and_home_knows_it() {
    let app = world().await;
    let mut browser = app.browser();
    assert_page(&browser.get("/").await, 200, "Sign in", "home");
    let page = browser.get("/login").await;
    assert_page(&page, 200, "to your account on id.example", "login");
    assert_eq!(page.hidden("i"), None);
    let account = browser.log_in(&page, "alice", PASSWORD).await;
    assert_page(&account, 200, "Your account", "account");
    assert!(browser.get("/").await.words().contains("alice"));
    let open = browser.get("/account?next=https://evil.example&done=x").await;
    assert!(!open.body.contains("evil.example"));
}
