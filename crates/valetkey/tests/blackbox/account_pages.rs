//! ASVS 6.2.3, 7.4.3, 7.5.1 — the pages below the account page: profile, password, apps, security log, export, delete

use crate::support::{
    assert_error_page, assert_page, assert_refused, opens_userinfo, refresh, text, user_id, world,
};
use valetkey_core::audit::{Actor, Event};
use valetkey_core::manage;
use valetkey_core::manage::client::NewClient;
use valetkey_testkit::{Browser, PASSWORD, Reply, TestApp};

const NEW: &str = "nine wooden boats on a lake";
const PASSWORD_PAGE: &str = "/account/password";
const PROFILE: &str = "/account/profile";
const DELETE: &str = "/account/delete";

async fn signed_in<'a>(app: &'a TestApp, username: &str) -> Browser<'a> {
    let mut browser = app.browser();
    browser.sign_in(username).await;
    browser
}

async fn send(browser: &mut Browser<'_>, path: &str, fields: &[(&str, &str)]) -> Reply {
    let page = browser.get(path).await;
    assert_eq!(page.status, 200, "{}", page.body);
    let reply = browser.submit(path, &page, fields).await;
    browser.follow(reply).await
}

async fn lives(browser: &Browser<'_>) -> bool {
    browser.clone().get("/account").await.status == 200
}

async fn can_sign_in(app: &TestApp, username: &str, password: &str) -> bool {
    let mut browser = app.browser().at("198.51.100.99");
    let page = browser.get("/login").await;
    browser.log_in(&page, username, password).await.status == 200
}

#[tokio::test]
async fn every_page_below_the_account_wants_a_session_and_every_form_its_proof() {
    let app = world().await;
    for path in ["/account/apps", PROFILE, PASSWORD_PAGE, "/account/log", "/account/export", DELETE] {
        let reply = app.browser().get(path).await;
        let back = format!("?next={}", path.replace('/', "%2F"));
        let back = if path == "/account/export" { "" } else { &back };
        assert_eq!(
            (reply.status.as_u16(), reply.location()),
            (303, &*format!("https://id.example/login{back}"))
        );
    }
    let mut browser = signed_in(&app, "alice").await;
    let foreign = signed_in(&app, "bob").await.get(PROFILE).await.hidden("csrf").unwrap();
    let before = app.rows().await;
    for path in [PROFILE, PASSWORD_PAGE, DELETE] {
        let own = browser.get(path).await.hidden("csrf").unwrap();
        let fields = [("name", "Mallory"), ("password", PASSWORD), ("new_password", NEW)];
        for proof in ["", "x", &foreign] {
            let reply = browser.post(path, &[&[("csrf", proof)], &fields[..]].concat()).await;
            assert_error_page(&reply, 403, "We cannot tell that this came from you", path);
        }
        let all = [&[("csrf", &*own)], &fields[..]].concat();
        assert_eq!(browser.post_from("cross-site", path, &all).await.status, 403, "{path}");
        let twice = [&all[..], &[("password", PASSWORD), ("name", "Mallory")]].concat();
        assert_eq!(browser.post(path, &twice).await.status, 403, "{path}");
    }
    assert_eq!(app.rows().await, before);
}

#[tokio::test]
async fn who_signs_in_on_the_way_comes_back_to_the_page() {
    let app = world().await;
    let mut browser = app.browser();
    let login = browser.get("/account/log").await;
    let page = browser.follow(login).await;
    let form = page.form("/login", "");
    let action = if form.body.is_empty() { "/login?next=%2Faccount%2Flog" } else { "/login" };
    let reply = browser.submit(action, &page, &[("username", "alice"), ("password", PASSWORD)]).await;
    assert_eq!((reply.status.as_u16(), reply.location()), (303, "https://id.example/account/log"));
    for hostile in ["https://evil.example", "//evil.example", "/account/../oauth/authorize", "/logout"] {
        let mut browser = app.browser();
        let page = browser.get(&format!("/login?next={hostile}")).await;
        let path = format!("/login?next={hostile}");
        let reply = browser.submit(&path, &page, &[("username", "alice"), ("password", PASSWORD)]).await;
        assert_eq!(reply.location(), "https://id.example/account", "{hostile}");
    }
}

#[tokio::test]
async fn a_name_changes_at_once_and_an_address_only_with_the_password() {
    let app = world().await;
    let mut browser = signed_in(&app, "alice").await;
    let id = user_id(&app, "alice").await;
    let mail = "alice@example.org";
    let done = send(&mut browser, PROFILE, &[("name", "Alice L\u{ed}ddell"), ("email", mail)]).await;
    assert_page(&done, 200, "Your profile is changed.", "the name alone");
    assert!(done.words().contains("Alice L\u{ed}ddell"));
    for (fields, status, words) in [
        (vec![("name", "A"), ("email", "new@example.org")], 400, "Enter your password."),
        (
            vec![("name", "A"), ("email", "new@example.org"), ("password", "wrong wrong wrong")],
            401,
            "This is not your password.",
        ),
        (
            vec![("name", "A"), ("email", "nonsense"), ("password", PASSWORD)],
            400,
            "Enter an e-mail address like",
        ),
        (vec![("name", &*"n".repeat(201)), ("email", mail)], 400, "Shorten the name"),
        (vec![("name", "A\u{7}"), ("email", mail)], 400, "Shorten the name"),
        // To give the address away is to change it, too.
        (vec![("name", "A")], 400, "Enter your password."),
    ] {
        let reply = send(&mut browser, PROFILE, &fields).await;
        assert_page(&reply, status, words, words);
        let typed = fields[0].1.replace('\u{7}', "");
        assert_eq!(reply.field("name"), Some(typed), "what was typed is kept");
        assert_eq!(reply.field("password").as_deref(), Some(""), "but for the password");
        let user = app.store_user(&id).await;
        assert_eq!((user.name.as_deref(), user.email.as_deref()), (Some("Alice L\u{ed}ddell"), Some(mail)));
    }
    let mut proven = app.store_user(&id).await;
    proven.email_verified = true;
    app.write_user(&proven).await;
    let fields = [("name", "A"), ("email", "new@example.org"), ("password", PASSWORD)];
    let done = send(&mut browser, PROFILE, &fields).await;
    assert_page(&done, 200, "new@example.org not confirmed", "changed");
    let user = app.store_user(&id).await;
    assert_eq!((user.email.as_deref(), user.email_verified), (Some("new@example.org"), false));
    assert!(lives(&browser).await);
}

#[tokio::test]
async fn asvs_6_2_3_a_password_is_changed_by_who_knows_the_old_one_and_other_browsers_end() {
    let app = world().await;
    let mut browser = signed_in(&app, "alice").await;
    let other = signed_in(&app, "alice").await;
    let tokens = browser.tokens("app", "openid read", "alice").await;
    for (old, new, status, words) in [
        ("", NEW, 400, "Enter your password."),
        (PASSWORD, "", 400, "Enter the new password."),
        ("", "", 400, "Enter the new password."),
        (PASSWORD, "short", 400, "15 characters at least"),
        (PASSWORD, &*"long ".repeat(60), 400, "Choose a shorter password"),
        (PASSWORD, "passwordpassword", 400, "harder to guess"),
        (PASSWORD, "alicealicealicealice", 400, "not made of your name"),
        (PASSWORD, PASSWORD, 400, "this is the one you have"),
        ("wrong wrong wrong", NEW, 401, "This is not your password."),
        (NEW, NEW, 401, "This is not your password."),
    ] {
        let reply = send(&mut browser, PASSWORD_PAGE, &[("password", old), ("new_password", new)]).await;
        assert_page(&reply, status, words, words);
        assert!(!reply.body.contains(NEW) && !reply.body.contains("value=\"short"), "{words}");
    }
    assert!(lives(&other).await && can_sign_in(&app, "alice", PASSWORD).await);
    let before = browser.cookies.clone();
    let done = send(&mut browser, PASSWORD_PAGE, &[("password", PASSWORD), ("new_password", NEW)]).await;
    assert_page(&done, 200, "Your password is changed, and every other browser is signed out.", "done");
    assert_ne!(browser.cookies, before, "a session of its own anew (ASVS 7.2.4)");
    let mut old = browser.clone();
    old.cookies = before;
    assert!(!lives(&old).await && !lives(&other).await && lives(&browser).await);
    assert!(!can_sign_in(&app, "alice", PASSWORD).await && can_sign_in(&app, "alice", NEW).await);
    assert!(opens_userinfo(&app, text(&tokens, "access_token")).await, "apps keep their keys, unless …");
    let again = refresh(&app, "app", text(&tokens, "refresh_token")).await;
    assert_eq!(again.status, 200);
    app.clock.advance(1);
    let fields = [("password", NEW), ("new_password", "eleven quiet owls in a barn"), ("apps", "end")];
    send(&mut browser, PASSWORD_PAGE, &fields).await;
    assert!(
        !opens_userinfo(&app, text(&again.json(), "access_token")).await,
        "… they are taken back with it"
    );
    let reply = refresh(&app, "app", text(&again.json(), "refresh_token")).await;
    assert_refused(&reply, 400, "invalid_grant", "refresh");
    assert!(lives(&browser).await);
    let set = app.records().await.into_iter().filter(|record| record.event == Event::PasswordSet);
    assert!(set.clone().count() == 2 && set.clone().all(|record| matches!(record.actor, Actor::User(_))));
}

#[tokio::test]
async fn guessing_at_the_password_of_somebody_signed_in_is_slowed_down_as_at_the_login_page() {
    let app = world().await;
    let mut browser = signed_in(&app, "alice").await;
    let page = browser.get(PASSWORD_PAGE).await;
    let fields = [("password", "wrong wrong wrong"), ("new_password", NEW)];
    let mut last = 0;
    for _ in 0..25 {
        last = browser.submit(PASSWORD_PAGE, &page, &fields).await.status.as_u16();
    }
    assert_eq!(last, 429);
    let right = browser.submit(PASSWORD_PAGE, &page, &[("password", PASSWORD), ("new_password", NEW)]).await;
    assert_page(&right, 429, "Too many attempts: wait", "even the right one");
}

#[tokio::test]
async fn apps_are_found_by_name_and_come_in_pages() {
    let app = world().await;
    let mut browser = signed_in(&app, "alice").await;
    for n in 0..23 {
        let id = format!("app-{n}");
        app.client(NewClient {
            id: Some(id.clone()),
            name: format!("Gadget {n:02}"),
            redirect_uris: vec!["https://app.example/cb".to_owned()],
            ..NewClient::default()
        })
        .await;
        app.clock.advance(1);
        browser.code(&id, "read", "alice").await;
    }
    let count = |page: &Reply| page.body.matches("action=\"/account/apps/revoke\"").count();
    let page = browser.get("/account").await;
    assert!(count(&page) == 10 && page.words().contains("Show all 23 apps"), "{}", page.words());
    let page = browser.get("/account/apps").await;
    assert!(count(&page) == 20 && page.words().contains("1–20 of 23") && page.words().contains("Gadget 22"));
    let page = browser.get("/account/apps?page=2").await;
    assert!(count(&page) == 3 && page.words().contains("21–23 of 23") && page.words().contains("Gadget 00"));
    for (query, want) in [
        ("q=GADGET+1", 10),
        ("q=gadget+07", 1),
        ("q=nothing", 0),
        ("q=", 20),
        ("page=999", 3),
        ("page=-1", 20),
        ("page=x", 20),
    ] {
        let page = browser.get(&format!("/account/apps?{query}")).await;
        assert_eq!((page.status.as_u16(), count(&page)), (200, want), "{query}");
    }
    let page = browser.get("/account/apps?q=%3Cscript%3E").await;
    assert_page(&page, 200, "No app of yours is called like <script> .", "hostile");
    assert!(!page.body.contains("<script>"));
    let page = browser.get("/account/apps?q=gadget+07").await;
    let done = browser.press(&page, "/account/apps/revoke", "value=\"app-7\"").await;
    assert_page(&done, 200, "no longer has a key", "taken back from the list");
}

#[tokio::test]
async fn the_security_log_tells_what_happened_in_words_to_its_owner_alone() {
    let app = world().await;
    let mut stranger = app.browser().at("198.51.100.7");
    let login = stranger.get("/login").await;
    stranger.log_in(&login, "alice", "wrong wrong wrong").await;
    let mut browser = signed_in(&app, "alice").await;
    browser.code("app", "read", "alice").await;
    let id = user_id(&app, "alice").await;
    let page = browser.get("/account").await;
    browser.press(&page, "/account/apps/revoke", "value=\"app\"").await;
    let empty = signed_in(&app, "alice").await;
    let page = browser.get("/account").await;
    browser.press(&page, "/account/sessions/end", "Sign out everywhere else").await;
    drop(empty);
    let page = browser.get("/account/log").await;
    let words = page.words();
    for said in [
        "You signed in.",
        "look twice A wrong password was tried.",
        "198.51.100.7",
        "You gave Photo Printer a key.",
        "You took the key of Photo Printer back.",
        "You signed a browser out.",
        "The account was made.",
        "Firefox on Linux",
    ] {
        assert!(words.contains(said), "{said}: {words}");
    }
    assert!(!words.contains("look twice You signed in."));
    manage::session::end_all(&app.cx(), Actor::Operator, &id, None).await.unwrap();
    let mut browser = signed_in(&app, "alice").await;
    let words = browser.get("/account/log").await.words();
    assert!(words.contains("look twice Those who run this server signed you out."), "{words}");
    let bobs = signed_in(&app, "bob").await.get("/account/log").await.words();
    assert!(!bobs.contains("Photo Printer") && !bobs.contains("wrong password"), "{bobs}");
    for n in 0..55 {
        let page = browser.get(PROFILE).await;
        let fields = [("name", &*format!("Alice {n}")), ("email", "alice@example.org")];
        assert_eq!(browser.submit(PROFILE, &page, &fields).await.status, 303);
        app.clock.advance(1);
    }
    let page = browser.get("/account/log").await;
    assert_eq!(page.words().matches("You changed your name or e-mail address.").count(), 50);
    let older =
        page.body.split("href=\"&#x2f;account&#x2f;log?before=").nth(1).unwrap().split('"').next().unwrap();
    let page = browser.get(&format!("/account/log?before={older}")).await;
    assert!(
        page.words().contains("The account was made.") && page.words().contains("Newest"),
        "{}",
        page.words()
    );
    for hostile in ["x", "00000000000000000000000000"] {
        let page = browser.get(&format!("/account/log?before={hostile}")).await;
        assert_page(&page, 200, "There is nothing older.", hostile);
    }
}

#[tokio::test]
async fn what_is_kept_can_be_taken_along_and_holds_no_lock() {
    let app = world().await;
    let mut browser = signed_in(&app, "alice").await;
    browser.tokens("app", "openid read", "alice").await;
    let reply = browser.get("/account/export").await;
    assert_eq!(reply.header("content-type"), "application/json");
    assert_eq!(reply.header("content-disposition"), "attachment; filename=\"account.json\"");
    assert_eq!(reply.header("cache-control"), "no-store");
    let json = reply.json();
    assert_eq!(
        (text(&json["account"], "username"), text(&json["account"], "email")),
        ("alice", "alice@example.org")
    );
    assert_eq!(json["consents"][0]["client"], "app");
    assert!(json["sessions"].as_array().unwrap().len() == 1 && json["grants"].as_array().unwrap().len() == 1);
    assert!(!json["log"].as_array().unwrap().is_empty());
    assert!(
        !reply.body.contains("argon2") && !reply.body.contains('$') && !reply.body.contains("vk_"),
        "{json}"
    );
}

#[tokio::test]
async fn an_account_is_deleted_by_who_knows_its_password_and_not_if_it_runs_the_server() {
    let app = world().await;
    let mut browser = signed_in(&app, "alice").await;
    let tokens = browser.tokens("app", "openid read", "alice").await;
    for (password, status, words) in
        [("", 400, "Enter your password."), ("wrong wrong", 401, "This is not your password.")]
    {
        assert_page(&send(&mut browser, DELETE, &[("password", password)]).await, status, words, words);
    }
    assert!(browser.get(DELETE).await.words().contains("These apps lose their key: Photo Printer ."));
    app.clock.advance(1);
    let done = send(&mut browser, DELETE, &[("password", PASSWORD)]).await;
    assert_page(&done, 200, "You are signed out", "gone");
    assert!(!lives(&browser).await && !can_sign_in(&app, "alice", PASSWORD).await);
    assert!(!opens_userinfo(&app, text(&tokens, "access_token")).await);
    assert_refused(
        &refresh(&app, "app", text(&tokens, "refresh_token")).await,
        400,
        "invalid_grant",
        "refresh",
    );

    let id = user_id(&app, "bob").await;
    let admin = valetkey_core::directory::User { admin: true, ..app.store_user(&id).await };
    app.write_user(&admin).await;
    let mut bob = signed_in(&app, "bob").await;
    let page = bob.get(DELETE).await;
    assert!(page.hidden("csrf").is_some() && page.words().contains("it cannot be deleted here"));
    let reply = bob.submit(DELETE, &page, &[("password", PASSWORD)]).await;
    assert_error_page(&reply, 403, "This is not open to you", "an administrator");
    assert!(can_sign_in(&app, "bob", PASSWORD).await);
}

/// What no page does.
trait Direct {
    async fn store_user(&self, id: &valetkey_core::ids::UserId) -> valetkey_core::directory::User;
    async fn write_user(&self, user: &valetkey_core::directory::User);
}

impl Direct for TestApp {
    async fn store_user(&self, id: &valetkey_core::ids::UserId) -> valetkey_core::directory::User {
        self.server.store.user(id).await.unwrap().unwrap()
    }

    async fn write_user(&self, user: &valetkey_core::directory::User) {
        let record = self.cx().record(Event::UserUpdated, Actor::Operator);
        self.server.store.update_user(user, None, false, &record).await.unwrap();
    }
}
