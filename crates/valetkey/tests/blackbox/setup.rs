//! ASVS 6.3.2, 6.4.1 — setting up: one link, one first administrator, no default account

use crate::support::{altered, assert_error_page, assert_page};
use std::sync::Arc;
use tokio::task::JoinSet;
use valetkey_core::audit::Event;
use valetkey_core::ids::TenantId;
use valetkey_core::manage;
use valetkey_core::store::Users;
use valetkey_testkit::{Browser, PASSWORD, Reply, TestApp};

const STRONG: &str = "eleven quiet library stairs";

/// The path that the first start prints.
async fn link(app: &TestApp) -> String {
    let link = manage::setup::link(&app.cx()).await.unwrap().unwrap();
    link.strip_prefix("https://id.example").unwrap().to_owned()
}

async fn fill_in(browser: &mut Browser<'_>, page: &Reply, fields: &[(&str, &str)]) -> Reply {
    browser.submit("/setup", page, fields).await
}

#[tokio::test]
async fn the_link_makes_the_first_administrator_signs_in_and_is_used_up() {
    let app = TestApp::start().await;
    let path = link(&app).await;
    let mut browser = app.browser();
    let page = browser.get(&path).await;
    assert_page(&page, 200, "Set up this server", "the form");
    let csp = page.header("content-security-policy");
    assert!(csp.contains("form-action 'self'"), "{csp}");
    assert_eq!(page.header("referrer-policy"), "no-referrer", "the link is in the address");
    let fields =
        [("username", " root "), ("name", "Ruth Root"), ("email", "root@example.org"), ("password", STRONG)];
    let done = fill_in(&mut browser, &page, &fields).await;
    assert_page(&done, 200, "root now runs id.example.", "done");
    assert!(!done.body.contains(STRONG));
    let account = browser.get("/account").await;
    assert!(account.words().contains("root · Ruth Root · root@example.org"), "{}", account.words());

    let root = app.store.user_by_login(&TenantId::default(), "root").await.unwrap().unwrap();
    assert!(root.admin && !root.email_verified);
    let created: Vec<_> =
        app.records().await.into_iter().filter(|record| record.event == Event::AdminCreated).collect();
    assert_eq!((created.len(), created[0].user.as_ref()), (1, Some(&root.id)));
    assert_eq!(manage::setup::link(&app.cx()).await.unwrap(), None, "no further start prints another");

    let before = app.rows().await;
    assert_page(&app.browser().get(&path).await, 410, "This setup link was used", "the link again");
    let again = fill_in(&mut app.browser(), &page, &[("username", "evil"), ("password", STRONG)]).await;
    assert_page(&again, 410, "This setup link was used", "the form again");
    assert_eq!(app.rows().await, before);
    let mut elsewhere = app.browser();
    let login = elsewhere.get("/login").await;
    assert_page(
        &elsewhere.log_in(&login, "root", STRONG).await,
        200,
        "Your account",
        "and signs in by password",
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_who_hold_the_link_one_becomes_the_administrator() {
    let app = Arc::new(TestApp::start().await);
    let path = link(&app).await;
    let mut tasks = JoinSet::new();
    for n in 0..8 {
        let (app, path) = (Arc::clone(&app), path.clone());
        tasks.spawn(async move {
            let mut browser = app.browser();
            let page = browser.get(&path).await;
            let name = format!("root-{n}");
            fill_in(&mut browser, &page, &[("username", &name), ("password", STRONG)]).await.status.as_u16()
        });
    }
    let mut answers = tasks.join_all().await;
    answers.sort_unstable();
    assert_eq!(answers, [200, 410, 410, 410, 410, 410, 410, 410]);
    let rows = app.rows().await;
    assert_eq!((rows["users"], rows["sessions"]), (1, 1));
}

#[tokio::test]
async fn asvs_6_2_1_each_field_is_told_what_is_wrong_with_it_and_keeps_what_was_typed() {
    let app = TestApp::start().await;
    app.user("alice").await;
    let path = link(&app).await;
    let mut browser = app.browser();
    let page = browser.get(&path).await;
    let long = "x".repeat(201);
    let endless = "quiet library ".repeat(20);
    let before = app.rows().await;
    for (username, name, email, password, said) in [
        ("", "", "", STRONG, "Enter a username"),
        ("a\u{7}b", "", "", STRONG, "Choose a username without"),
        (&*long, "", "", STRONG, "Choose a username without"),
        ("alice", "", "", STRONG, "This username is taken"),
        ("ALICE", "", "", STRONG, "This username is taken"),
        ("root", &*long, "", STRONG, "Shorten the name"),
        ("root", "", "not an address", STRONG, "Enter an e-mail address like"),
        ("root", "", "", "", "Enter a password"),
        ("root", "", "", "fourteen chars", "15 characters at least"),
        ("root", "", "", &*endless, "Choose a shorter password"),
        ("root", "", "", "passwordpassword", "harder to guess"),
        ("root", "", "", "aaaaaaaaaaaaaaaaaaaa", "harder to guess"),
        ("administrator", "", "", "administratoradministrator", "not made of your name"),
        ("root", "", "administrator@x.example", "administrator12345", "not made of your name"),
    ] {
        let fields = [("username", username), ("name", name), ("email", email), ("password", password)];
        let reply = fill_in(&mut browser, &page, &fields).await;
        assert_page(&reply, 400, said, said);
        assert!(reply.words().contains("One thing needs a change: the "), "{said}: {}", reply.words());
        for (field, typed) in [("name", name), ("email", email)] {
            assert_eq!(reply.field(field).as_deref(), Some(typed), "{said}");
        }
        assert_eq!(reply.field("password").as_deref(), Some(""), "{said}: never sent back");
        assert!(password.len() < 14 || !reply.body.contains(password), "{said}");
    }
    let fields = [("username", ""), ("email", "x"), ("password", "short")];
    let reply = fill_in(&mut browser, &page, &fields).await;
    assert!(reply.words().contains("3 things need a change: the "), "{}", reply.words());
    assert_eq!(app.rows().await, before);
    let reply = fill_in(&mut browser, &reply, &[("username", "root"), ("password", STRONG)]).await;
    assert_page(&reply, 200, "now runs id.example.", "the page still works");
}

#[tokio::test]
async fn a_link_that_is_wrong_old_or_sent_by_another_site_opens_nothing() {
    let app = TestApp::start().await;
    let path = link(&app).await;
    let mut browser = app.browser();
    let page = browser.get(&path).await;
    let token = page.hidden("i").unwrap();
    let fields = [("username", "root"), ("password", STRONG)];
    let before = app.rows().await;
    for wrong in [altered(&token), token[..token.len() - 2].to_owned(), "vk_su_".to_owned(), String::new()] {
        let reply = browser.get(&format!("/setup?token={wrong}")).await;
        assert_page(&reply, 400, "This setup link has expired", &wrong);
        let reply = browser.post("/setup", &[&fields[..], &[("i", &*wrong)]].concat()).await;
        assert_page(&reply, 400, "This setup link has expired", &wrong);
    }
    let whole = [&fields[..], &[("i", &*token)]].concat();
    for site in ["cross-site", "same-site"] {
        assert_error_page(&browser.post_from(site, "/setup", &whole).await, 403, "We cannot tell", site);
    }
    let twice = [&whole[..], &[("password", PASSWORD)]].concat();
    assert_error_page(&browser.post("/setup", &twice).await, 403, "We cannot tell", "two passwords");
    app.clock.advance(24 * 3600 - 1);
    assert_eq!(browser.get(&path).await.status, 200);
    app.clock.advance(1);
    assert_page(&browser.get(&path).await, 400, "This setup link has expired", "a day later");
    assert_page(&fill_in(&mut browser, &page, &fields).await, 400, "This setup link has expired", "posted");
    assert_eq!(app.rows().await, before);
    assert_eq!(browser.get(&link(&app).await).await.status, 200, "the next start prints another");
}

#[tokio::test]
async fn an_administrator_who_can_already_sign_in_closes_the_link() {
    let app = TestApp::start().await;
    let path = link(&app).await;
    let new = manage::user::NewUser {
        username: "root".to_owned(),
        name: None,
        email: None,
        tenant: TenantId::default(),
        password: Some(valetkey_core::secret::Secret::new(STRONG)),
        admin: true,
    };
    manage::user::create(&app.cx(), valetkey_core::audit::Actor::Operator, new).await.unwrap();
    assert_page(&app.browser().get(&path).await, 410, "This setup link was used", "made by command");
}
