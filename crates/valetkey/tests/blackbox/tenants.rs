//! User directories: `tenant_id` picks one, and nothing of one opens anything at another

use crate::support::{
    assert_error_page, assert_page, claims, opens_userinfo, outcome, refresh, text, with, world,
};
use http::StatusCode;
use valetkey_core::audit::Actor;
use valetkey_core::image::Image;
use valetkey_core::manage::client::NewClient;
use valetkey_core::manage::tenant::{self, NewTenant};
use valetkey_core::manage::user::{self, NewUser};
use valetkey_core::secret::Secret;
use valetkey_testkit::{Browser, CLIENT_SECRET, PASSWORD, Reply, TestApp, redemption};

pub(crate) const OPERATOR: Actor = Actor::Operator;
pub(crate) const OTHER: &str = "another seven garden tools";
/// A WebP picture, for its bytes are text; with something in it that a browser must not take for a page.
const LOGO: &[u8] = b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f\x0f\x40\x01\0<script>alert(1)</script>";

/// The world with `eneco` and `viesgo`; each has an alice of its own, with the same password.
pub(crate) async fn towns() -> TestApp {
    let app = world().await;
    for (id, name) in [("eneco", "Eneco"), ("viesgo", "Viesgo")] {
        let logo = (id == "eneco").then(|| Image::read(LOGO).unwrap());
        let new = NewTenant { id: id.to_owned(), name: name.to_owned(), logo };
        tenant::create(&app.cx(), OPERATOR, new).await.unwrap();
        person(&app, id, "alice", OTHER).await;
    }
    app
}

async fn person(app: &TestApp, tenant: &str, username: &str, password: &str) -> String {
    let new = NewUser {
        username: username.to_owned(),
        name: Some(format!("{username} of {tenant}")),
        email: None,
        tenant: tenant.into(),
        password: Some(Secret::new(password)),
        admin: false,
    };
    user::create(&app.cx(), OPERATOR, new).await.unwrap().id.to_string()
}

pub(crate) fn request<'a>(scope: &'a str, tenant: &'a str) -> Vec<(&'a str, &'a str)> {
    with(&Browser::request("app", scope), "tenant_id", Some(tenant))
}

/// Signs in at a tenant, allows everything and redeems the code.
pub(crate) async fn tokens(
    app: &TestApp,
    browser: &mut Browser<'_>,
    tenant: &str,
    scope: &str,
) -> serde_json::Value {
    let page = browser.authorize(&request(scope, tenant)).await;
    let mut reply = browser.log_in(&page, "alice", OTHER).await;
    if reply.status == 200 {
        reply = browser.decide(&reply, "allow", &scope.split(' ').collect::<Vec<_>>()).await;
    }
    let code = reply.redirected()["code"].clone();
    let reply = app.token("app", &redemption(&code)).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.json()
}

#[tokio::test]
async fn tenant_id_picks_the_directory_and_the_login_page_says_whose_it_is() {
    let app = towns().await;
    let mut browser = app.browser();
    let page = browser.authorize(&request("read", "viesgo")).await;
    assert_page(&page, 200, "Sign in to Viesgo to continue to Photo Printer", "no picture");
    assert!(!page.body.contains("<img"), "{}", page.body);
    let page = browser.authorize(&request("read", "eneco")).await;
    assert_page(&page, 200, "Sign in to Eneco to continue to Photo Printer", "a picture");
    let logo = page.body.split("src=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let logo = &logo.replace("&#x2f;", "/");
    assert!(logo.starts_with("/assets/logos/") && logo.contains(".webp"), "{logo}");
    let picture = app.get(logo).await;
    for (name, want) in [
        ("content-type", "image/webp"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "public, max-age=31536000, immutable"),
    ] {
        assert_eq!((picture.status.as_u16(), picture.header(name)), (200, want), "{name}");
    }
    assert!(picture.header("content-security-policy").contains("default-src 'none'"));
    assert_eq!(app.get("/assets/logos/00000000000000000000000000000000.webp").await.status, 404);
    assert_eq!(app.get("/assets/logos/..%2F..%2Fetc%2Fpasswd").await.status, 404);

    let refused = browser.log_in(&page, "alice", PASSWORD).await;
    assert_page(&refused, 401, "That username and password do not match.", "another directory's password");
    assert!(refused.words().contains("Sign in to Eneco"));
    let refused = browser.log_in(&page, "bob", PASSWORD).await;
    assert_page(&refused, 401, "That username and password do not match.", "another directory's user");
    let consent = browser.log_in(&page, "ALICE", OTHER).await;
    assert_eq!(outcome(&consent), "Photo Printer wants a key to your account");
    assert!(consent.words().contains("at Eneco"), "whose account it is: {}", consent.words());
}

#[tokio::test]
async fn a_request_that_names_no_tenant_means_the_default_one_or_the_clients_own() {
    let app = towns().await;
    for (tenant, want) in [(None, "Sign in"), (Some(""), "Sign in"), (Some("default"), "Sign in")] {
        let page =
            app.browser().authorize(&with(&Browser::request("app", "read"), "tenant_id", tenant)).await;
        assert_eq!(outcome(&page), want, "{tenant:?}");
        let page = app.browser().log_in(&page, "alice", OTHER).await;
        assert_ne!(page.status, 303, "{tenant:?}");
    }
    bound(&app).await;
    for tenant in [None, Some(""), Some("eneco")] {
        let asked = with(&Browser::request("enecos", "read"), "tenant_id", tenant);
        assert_eq!(outcome(&app.browser().authorize(&asked).await), "Sign in to Eneco", "{tenant:?}");
    }
}

pub(crate) async fn bound(app: &TestApp) {
    app.client(NewClient {
        id: Some("enecos".to_owned()),
        redirect_uris: vec!["https://app.example/cb".to_owned()],
        tenant: Some("eneco".into()),
        ..NewClient::default()
    })
    .await;
}

#[track_caller]
pub(crate) fn told(reply: &Reply, error: &str, words: &str, case: &str) {
    let answer = reply.redirected();
    assert_eq!(answer["error"], error, "{case}");
    assert!(answer["error_description"].contains(words), "{case}: {answer:?}");
    assert_eq!((&*answer["state"], &*answer["iss"]), ("the-state", "https://id.example"), "{case}");
}

#[tokio::test]
async fn a_tenant_that_is_not_there_is_told_to_the_application_whose_redirect_uri_holds() {
    let app = towns().await;
    let long = "e".repeat(300);
    let longer = "e".repeat(5000);
    for id in [
        "nobody",
        "ENECO",
        "Eneco",
        " eneco",
        "eneco ",
        "eneco/",
        "../eneco",
        "eneco,viesgo",
        "énéco",
        "*",
        "%",
        "' OR 1=1 --",
        "<script>",
        "usr_",
        &long,
        &longer,
    ] {
        let reply = app.browser().authorize(&request("read", id)).await;
        told(&reply, "invalid_request", "tenant_id names no user directory", id);
        assert!(!reply.location().contains("3Cscript") && !reply.location().contains("eeee"), "{id}");
    }
    let reply = app.browser().authorize(&request("read", "eneco\0")).await;
    assert!(matches!(reply.status.as_u16(), 303 | 400) && !outcome_is_a_page_to_sign_in(&reply), "a NUL");
    let twice = [request("read", "eneco"), vec![("tenant_id", "eneco")]].concat();
    assert_eq!(outcome(&app.browser().authorize(&twice).await), "invalid_request", "repeated");
    let twice = [request("read", "eneco"), vec![("tenant_id", "viesgo")]].concat();
    assert_eq!(outcome(&app.browser().authorize(&twice).await), "invalid_request", "contradicting");
    // RFC 6749 §4.1.2.1: never to a redirect URI that does not hold, whatever else is wrong.
    let elsewhere = with(&request("read", "nobody"), "redirect_uri", Some("https://evil.example/cb"));
    assert_error_page(&app.browser().authorize(&elsewhere).await, 400, "a place it never named", "elsewhere");
}

fn outcome_is_a_page_to_sign_in(reply: &Reply) -> bool {
    reply.body.contains("name=\"password\"")
}

#[tokio::test]
async fn an_application_of_one_tenant_serves_no_other() {
    let app = towns().await;
    bound(&app).await;
    for tenant in ["viesgo", "default"] {
        let asked = with(&Browser::request("enecos", "read"), "tenant_id", Some(tenant));
        let reply = app.browser().authorize(&asked).await;
        told(&reply, "unauthorized_client", "belongs to another user directory", tenant);
    }
    let new = NewClient {
        redirect_uris: vec!["https://app.example/cb".to_owned()],
        tenant: Some("nobody".into()),
        name: "X".to_owned(),
        ..NewClient::default()
    };
    let refusal = valetkey_core::manage::client::create(&app.cx(), OPERATOR, new).await.unwrap_err();
    assert!(refusal.to_string().contains("there is no tenant `nobody`"), "{refusal}");
}

#[tokio::test]
async fn who_is_signed_in_at_one_tenant_is_nobody_at_another() {
    let app = towns().await;
    let mut browser = app.browser();
    browser.sign_in("alice").await;
    browser.code("app", "read", "alice").await;
    for (prompt, want) in [
        ("", "Sign in to Eneco"),
        ("none", "login_required"),
        ("login", "Sign in to Eneco"),
        ("consent", "Sign in to Eneco"),
        ("select_account", "Sign in to Eneco"),
    ] {
        let reply = browser.authorize(&with(&request("read", "eneco"), "prompt", Some(prompt))).await;
        assert_eq!(outcome(&reply), want, "prompt={prompt}");
    }
    // Her own directory knows her still.
    assert_eq!(outcome(&browser.authorize(&Browser::request("app", "read")).await), "code");
    // The tenant is sealed into the page: what the address or the form says besides counts for nothing.
    let page = browser.authorize(&request("read", "eneco")).await;
    let sealed = page.hidden("i").unwrap();
    for path in ["/login", "/consent"] {
        let reply = browser.get(&format!("{path}?i={sealed}&tenant_id=default")).await;
        assert_eq!(outcome(&browser.follow(reply).await), "Sign in to Eneco", "{path}");
    }
    let csrf = page.hidden("csrf").unwrap();
    let fields = [
        ("i", &*sealed),
        ("csrf", &csrf),
        ("tenant_id", "default"),
        ("username", "alice"),
        ("password", PASSWORD),
    ];
    assert_eq!(browser.post("/login", &fields).await.status, 401);
    let own = browser.get("/account").await;
    let session = own.form("/account/sign-out", "").hidden("csrf").unwrap();
    let fields = [("i", &*sealed), ("csrf", &session), ("decision", "allow"), ("scope", "read")];
    let reply = browser.post("/consent", &fields).await;
    assert_eq!(outcome(&browser.follow(reply).await), "Sign in to Eneco", "the other session's consent");
    // One session a browser: signing in at another tenant takes the place of the first.
    let reply = browser.log_in(&page, "alice", OTHER).await;
    assert_eq!(outcome(&reply), "Photo Printer wants a key to your account");
    assert_eq!(outcome(&browser.authorize(&Browser::request("app", "read")).await), "Sign in");
}

#[tokio::test]
async fn the_same_name_in_two_tenants_is_two_people_and_their_tokens_say_whose_they_are() {
    let app = towns().await;
    let mut subjects = Vec::new();
    for tenant in ["eneco", "viesgo"] {
        let tokens = tokens(&app, &mut app.browser(), tenant, "openid profile read").await;
        let (access, id_token) = (text(&tokens, "access_token"), text(&tokens, "id_token"));
        let reply = app.post("/oauth/introspect", Some(("app", CLIENT_SECRET)), &[("token", access)]).await;
        let seen = reply.json();
        assert_eq!((text(&seen, "tenant"), &claims(id_token)["tenant"]), (tenant, &tenant.into()), "{seen}");
        let info = app.get_with_token("/oauth/userinfo", access).await.json();
        assert_eq!((text(&info, "tenant"), text(&info, "preferred_username")), (tenant, "alice"));
        assert_eq!(text(&info, "name"), format!("alice of {tenant}"));
        assert_eq!((text(&info, "sub"), &claims(id_token)["sub"]), (text(&seen, "sub"), &info["sub"]));
        let again = refresh(&app, "app", text(&tokens, "refresh_token")).await.json();
        assert_eq!(claims(text(&again, "id_token"))["tenant"], tenant, "refreshed");
        subjects.push(text(&info, "sub").to_owned());
    }
    assert_ne!(subjects[0], subjects[1]);
    // What one of them takes back is not the other's.
    let mut browser = app.browser();
    let hers = tokens(&app, &mut browser, "eneco", "openid read").await;
    let his = tokens(&app, &mut app.browser(), "viesgo", "openid read").await;
    let page = browser.get("/account").await;
    app.clock.advance(1);
    browser.press(&page, "/account/apps/revoke", "value=\"app\"").await;
    assert!(!opens_userinfo(&app, text(&hers, "access_token")).await);
    assert!(opens_userinfo(&app, text(&his, "access_token")).await);
}

#[tokio::test]
async fn guessing_at_one_tenants_alice_slows_nobody_elses() {
    let app = towns().await;
    let mut attacker = app.browser();
    let page = attacker.authorize(&request("read", "viesgo")).await;
    let mut last = StatusCode::OK;
    for _ in 0..12 {
        last = attacker.log_in(&page, "alice", "wrong wrong wrong wrong").await.status;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    let mut browser = app.browser();
    let page = browser.authorize(&request("read", "eneco")).await;
    assert_eq!(browser.log_in(&page, "alice", OTHER).await.status, 200, "the same name elsewhere");
}
