//! ASVS 6.3.8, NIST SP 800-63B §3.1.1 — the login page: alike in its answers, careful with what was typed

use crate::support::{assert_error_page, assert_page, furnish, user_id, world};
use valetkey_core::audit::Actor;
use valetkey_core::ids::TenantId;
use valetkey_core::manage;
use valetkey_core::manage::user::NewUser;
use valetkey_core::secret::Secret;
use valetkey_testkit::{Browser, PASSWORD, Reply, TestApp};

const NO_MATCH: &str = "That username and password do not match.";

/// A page without what differs between two drawings of it: sealed values, and the name that was typed.
fn bare(page: &Reply, typed: &str) -> String {
    let mut body = page.body.replace(typed, "NAME");
    for (_, value) in page.hidden_fields() {
        body = body.replace(&value, "SEALED");
    }
    body
}

#[tokio::test]
async fn asvs_6_3_8_whoever_may_not_sign_in_gets_the_same_answer() {
    let app = world().await;
    for name in ["disabled", "passwordless"] {
        app.user(name).await;
    }
    let disabled = user_id(&app, "disabled").await;
    manage::user::disable(&app.cx(), &Actor::Operator, &disabled).await.unwrap();
    let new = NewUser {
        username: "invited".to_owned(),
        name: None,
        email: None,
        tenant: TenantId::default(),
        password: None,
        admin: false,
    };
    manage::user::create(&app.cx(), Actor::Operator, new).await.unwrap();

    for link in ["/login", "/oauth/authorize"] {
        let mut answers = Vec::new();
        for (name, password) in [
            ("alice", "this is not her password"),
            ("nobody", "this is not her password"),
            ("disabled", PASSWORD),
            ("invited", PASSWORD),
            ("alice", "x"),
            ("alice", &*format!("{PASSWORD} ")),
            ("alice", &*PASSWORD.to_uppercase()),
            ("alice", &*"é".repeat(5000)),
        ] {
            let mut browser = app.browser();
            let page = match link {
                "/login" => browser.get(link).await,
                _ => browser.authorize(&Browser::request("app", "read")).await,
            };
            let reply = browser.log_in(&page, name, password).await;
            assert_page(&reply, 401, NO_MATCH, name);
            assert_eq!(reply.field("username").as_deref(), Some(name), "what was typed is kept");
            assert!(!reply.body.contains(PASSWORD), "but for the password");
            assert!(reply.cookies().iter().all(|(cookie, _)| cookie == "__Host-vk_browser"));
            answers.push(bare(&reply, name));
        }
        answers.dedup();
        assert_eq!(answers.len(), 1, "{link}");
    }
    assert_eq!(app.rows().await["sessions"], 0);
}

#[tokio::test]
async fn a_field_left_empty_is_named_and_not_counted_as_an_attempt() {
    let app = world().await;
    let mut browser = app.browser();
    let page = browser.get("/login").await;
    let before = app.rows().await;
    for (username, password, said, unsaid) in [
        ("", PASSWORD, "Enter your username", "Enter your password."),
        ("alice", "", "Enter your password", "Enter your username."),
        ("", "", "Enter your username", "-"),
    ] {
        let reply = browser.log_in(&page, username, password).await;
        assert_page(&reply, 400, said, said);
        assert!(!reply.words().contains(unsaid), "{}", reply.words());
        assert_eq!(reply.field("username").as_deref(), Some(username));
        assert!(!reply.body.contains(PASSWORD));
    }
    assert_eq!(app.rows().await, before);
    let reply = browser.log_in(&page, "alice", PASSWORD).await;
    assert_page(&reply, 200, "Your account", "the same page still works");
}

#[tokio::test]
async fn a_name_is_found_in_any_case_by_e_mail_too_and_a_password_is_taken_as_it_is() {
    let app = world().await;
    for name in ["alice", "ALICE", " alice ", "Alice@Example.org"] {
        let mut browser = app.browser();
        browser.sign_in(name).await;
        assert!(browser.get("/account").await.words().contains("alice@example.org"), "{name}");
    }
    let odd = "  \u{1f511} ключ от квартиры é e\u{301} ";
    let bob = user_id(&app, "bob").await;
    manage::user::set_password(&app.cx(), &Actor::Operator, &bob, &Secret::new(odd)).await.unwrap();
    for (password, status) in [(odd, 200), (odd.trim(), 401), (&*odd.replace("e\u{301}", "é"), 401)] {
        let mut browser = app.browser();
        let page = browser.get("/login").await;
        assert_eq!(browser.log_in(&page, "bob", password).await.status, status, "{password:?}");
    }
}

#[tokio::test]
async fn rfc9700_section_4_12_after_the_password_comes_a_303() {
    let app = world().await;
    let mut browser = app.browser();
    let page = browser.get("/login").await;
    let fields = [("username", "alice"), ("password", PASSWORD)];
    let reply = browser.submit("/login", &page, &fields).await;
    assert_eq!((reply.status.as_u16(), reply.location()), (303, "https://id.example/account"));
    assert_eq!((reply.body.as_str(), reply.header("cache-control")), ("", "no-store"));
    let again = browser.get("/login").await;
    assert_eq!(again.location(), "https://id.example/account", "signed in already");

    let page = browser
        .authorize(&crate::support::with(&Browser::request("app", "read"), "prompt", Some("login")))
        .await;
    let reply = browser.submit("/login", &page, &fields).await;
    assert_eq!(reply.status, 303);
    assert!(reply.location().starts_with("https://id.example/consent?i=vk_in_"), "{}", reply.location());
}

#[tokio::test]
async fn asvs_3_3_cookies_are_bound_to_the_host_and_out_of_reach_of_scripts_and_other_sites() {
    let http = furnish(TestApp::builder().issuer("http://127.0.0.1:8080")).await;
    for (app, prefix, secure) in [(world().await, "__Host-", "; Secure"), (http, "", "")] {
        let mut browser = app.browser();
        let page = browser.get("/login").await;
        let browser_cookie = browser.cookies[&format!("{prefix}vk_browser")].clone();
        let always = format!("; Path=/; HttpOnly; SameSite=Lax{secure}");
        let line = page.cookie_line(&format!("{prefix}vk_browser"));
        assert_eq!(line, format!("{prefix}vk_browser={browser_cookie}{always}"), "it ends with the browser");

        let reply = browser.submit("/login", &page, &[("username", "alice"), ("password", PASSWORD)]).await;
        for (name, age) in [("vk_session", 14 * 86_400), ("vk_device", 180 * 86_400)] {
            let name = format!("{prefix}{name}");
            let value = browser.cookies[&name].clone();
            assert_eq!(reply.cookie_line(&name), format!("{name}={value}{always}; Max-Age={age}"));
            assert!(
                value.len() < 1000 && value.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
            );
        }
        let session = &browser.cookies[&format!("{prefix}vk_session")];
        assert!(session.len() == 43 && *session != browser_cookie, "256 bits, opaque");
        // And one that scripts may read: session_management.rs.
        assert_eq!(reply.cookies().len(), 3);
        assert_eq!(reply.header("strict-transport-security").is_empty(), secure.is_empty());
    }
}

#[tokio::test]
async fn a_cookie_under_another_name_is_not_looked_at() {
    let app = world().await;
    let mut browser = app.browser();
    browser.sign_in("alice").await;
    let value = browser.cookies["__Host-vk_session"].clone();
    let other = "A".repeat(43);
    for (line, signed_in) in [
        (format!("__Host-vk_session={value}"), true),
        (format!("x=1; __Host-vk_session={value}; y"), true),
        (format!("vk_session={value}"), false),
        (format!("__Host-vk_browser={value}"), false),
        (format!("__host-vk_session={value}"), false),
        (format!("__Host-vk_session={value}; __Host-vk_session={other}"), false),
        (format!("__Host-vk_session={other}; __Host-vk_session={value}"), false),
        (format!("__Host-vk_session={other}"), false),
        (format!("__Host-vk_session=\"{value}\""), false),
        (format!("__Host-vk_session={}", &value[1..]), false),
        ("__Host-vk_session=".to_owned(), false),
    ] {
        let reply = app.call("GET", "/account").header("cookie", &line).send().await;
        assert_eq!(reply.status == 200, signed_in, "{line}: {}", reply.status);
    }
}

#[tokio::test]
async fn asvs_3_5_nobody_is_signed_in_by_a_form_of_another_site() {
    let app = world().await;
    let mut browser = app.browser();
    let page = browser.get("/login").await;
    let csrf = page.hidden("csrf").unwrap();
    let foreign = app.browser().get("/login").await.hidden("csrf").unwrap();
    let login = [("username", "alice"), ("password", PASSWORD)];
    let before = app.rows().await;
    for proof in ["", "x", &*foreign] {
        let fields = [&login[..], &[("csrf", proof)]].concat();
        let reply = browser.post("/login", &fields).await;
        assert_page(&reply, 400, "This page was open for too long.", proof);
        assert_eq!(reply.field("username").as_deref(), Some("alice"));
    }
    let fields = [&login[..], &[("csrf", &*csrf)]].concat();
    for site in ["cross-site", "same-site"] {
        let reply = browser.post_from(site, "/login", &fields).await;
        assert_error_page(&reply, 403, "We cannot tell that this came from you", site);
    }
    let twice = [&fields[..], &[("username", "bob")]].concat();
    assert_error_page(&browser.post("/login", &twice).await, 403, "We cannot tell", "two names");
    let stranger = app.call("POST", "/login").form(&fields).send().await;
    assert_page(&stranger, 400, "This page was open for too long.", "without a cookie");
    app.clock.advance(12 * 3600);
    let late = browser.post("/login", &fields).await;
    assert_page(&late, 400, "This page was open for too long.", "half a day later");
    assert_eq!(app.rows().await, before);
    assert_page(&browser.log_in(&late, "alice", PASSWORD).await, 200, "Your account", "the fresh page works");
}

#[tokio::test]
async fn a_broken_form_is_a_page() {
    let app = world().await;
    let kind = "application/x-www-form-urlencoded";
    for (kind, body, status) in [
        ("application/json", "{\"username\":\"alice\"}".to_owned(), 415),
        ("text/plain", "username=alice".to_owned(), 415),
        (kind, "username=%00&password=x".to_owned(), 400),
        (kind, "username=%ff&password=x".to_owned(), 400),
        (kind, format!("username={}", "x".repeat(70_000)), 413),
    ] {
        let reply = app.call("POST", "/login").body(kind, body).send().await;
        assert_error_page(&reply, status, "in a way that we do not understand", kind);
    }
}
