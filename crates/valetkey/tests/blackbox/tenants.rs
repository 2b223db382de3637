//! User directories: `tenant_id` picks one, and nothing of one opens anything at another

use crate::support::{
    assert_error_page, assert_page, assert_refused, claims, introspected, opens_userinfo, outcome, refresh,
    service_token, text, with, world,
};
use http::StatusCode;
use valetkey_core::audit::{Actor, Event};
use valetkey_core::client::compat::Compat;
use valetkey_core::grant::GrantType;
use valetkey_core::image::Image;
use valetkey_core::manage::client::NewClient;
use valetkey_core::manage::tenant::{self, NewTenant};
use valetkey_core::manage::user::{self, NewUser};
use valetkey_core::secret::Secret;
use valetkey_testkit::{Browser, CLIENT_SECRET, PASSWORD, Reply, TestApp, redemption};

const OPERATOR: Actor = Actor::Operator;
const OTHER: &str = "another seven garden tools";
/// A WebP picture, for its bytes are text; with something in it that a browser must not take for a page.
const LOGO: &[u8] = b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f\x0f\x40\x01\0<script>alert(1)</script>";

/// The world with `eneco` and `viesgo`; each has an alice of its own, with the same password.
async fn towns() -> TestApp {
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

fn request<'a>(scope: &'a str, tenant: &'a str) -> Vec<(&'a str, &'a str)> {
    with(&Browser::request("app", scope), "tenant_id", Some(tenant))
}

/// Signs in at a tenant, allows everything and redeems the code.
async fn tokens(app: &TestApp, browser: &mut Browser<'_>, tenant: &str, scope: &str) -> serde_json::Value {
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
    assert!(logo.starts_with("/assets/logos/") && logo.ends_with(".webp"), "{logo}");
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

async fn bound(app: &TestApp) {
    app.client(NewClient {
        id: Some("enecos".to_owned()),
        redirect_uris: vec!["https://app.example/cb".to_owned()],
        tenant: Some("eneco".into()),
        ..NewClient::default()
    })
    .await;
}

#[track_caller]
fn told(reply: &Reply, error: &str, words: &str, case: &str) {
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

#[tokio::test]
async fn a_tenant_switched_off_lets_nobody_in_and_its_tokens_are_dead_at_once() {
    let app = towns().await;
    bound(&app).await;
    let mut browser = app.browser();
    let old = tokens(&app, &mut browser, "eneco", "openid read").await;
    let spared = tokens(&app, &mut app.browser(), "viesgo", "openid read").await;
    let waiting = browser.authorize(&with(&request("read write", "eneco"), "prompt", Some("login"))).await;
    app.clock.advance(1);
    tenant::disable(&app.cx(), &OPERATOR, &"eneco".into()).await.unwrap();

    assert!(!opens_userinfo(&app, text(&old, "access_token")).await);
    assert_refused(&refresh(&app, "app", text(&old, "refresh_token")).await, 400, "invalid_grant", "refresh");
    assert_eq!(browser.get("/account").await.status, 303, "the session is over");
    let reply = app.browser().authorize(&request("read", "eneco")).await;
    told(&reply, "invalid_request", "switched off", "a new request");
    let reply = browser.log_in(&waiting, "alice", OTHER).await;
    assert_ne!(reply.status, 200, "a page that was open: {}", reply.words());
    let reply = browser.get(&format!("/login?i={}", waiting.hidden("i").unwrap())).await;
    told(&reply, "access_denied", "switched off meanwhile", "and its next step");
    let own =
        [("grant_type", "client_credentials"), ("client_id", "enecos"), ("client_secret", CLIENT_SECRET)];
    assert_eq!(app.post("/oauth/token", None, &own).await.status, 400, "a client of the tenant");
    assert!(opens_userinfo(&app, text(&spared, "access_token")).await);
    assert_eq!(refresh(&app, "app", text(&spared, "refresh_token")).await.status, 200);

    app.clock.advance(1);
    tenant::enable(&app.cx(), &OPERATOR, &"eneco".into()).await.unwrap();
    assert!(!opens_userinfo(&app, text(&old, "access_token")).await, "what was dead stays dead");
    assert_refused(&refresh(&app, "app", text(&old, "refresh_token")).await, 400, "invalid_grant", "still");
    let mut browser = app.browser();
    let page = browser.authorize(&with(&request("openid read", "eneco"), "prompt", Some("consent"))).await;
    let page = browser.log_in(&page, "alice", OTHER).await;
    let code = browser.decide(&page, "allow", &["read"]).await.redirected()["code"].clone();
    let fresh = app.token("app", &redemption(&code)).await.json();
    assert!(opens_userinfo(&app, text(&fresh, "access_token")).await, "what is new is new");
    let events: Vec<Event> = app.records().await.into_iter().map(|record| record.event).collect();
    assert!(events.contains(&Event::TenantDisabled) && events.contains(&Event::TenantEnabled));
}

#[tokio::test]
async fn a_token_for_the_application_itself_says_its_tenant() {
    let app = towns().await;
    assert_eq!(
        text(
            &introspected(&app, text(&service_token(&app, &[]).await.json(), "access_token")).await,
            "tenant"
        ),
        "default"
    );
    app.client(NewClient {
        id: Some("meter".to_owned()),
        grant_types: vec![GrantType::ClientCredentials],
        tenant: Some("eneco".into()),
        introspect: true,
        ..NewClient::default()
    })
    .await;
    let token = app.token("meter", &[("grant_type", "client_credentials")]).await.json();
    let access = text(&token, "access_token");
    let seen =
        app.post("/oauth/introspect", Some(("meter", CLIENT_SECRET)), &[("token", access)]).await.json();
    assert_eq!((text(&seen, "tenant"), text(&seen, "sub")), ("eneco", "meter"));
    app.clock.advance(1);
    tenant::disable(&app.cx(), &OPERATOR, &"eneco".into()).await.unwrap();
    let reply = app.token("meter", &[("grant_type", "client_credentials")]).await;
    assert_refused(&reply, 400, "unauthorized_client", "switched off");
}

#[tokio::test]
async fn rfc9126_a_pushed_request_brings_its_tenant() {
    let app = towns().await;
    let reply = app.post("/oauth/par", Some(("app", CLIENT_SECRET)), &request("read", "viesgo")).await;
    let uri = text(&reply.json(), "request_uri").to_owned();
    let asked = [("client_id", "app"), ("request_uri", &*uri), ("tenant_id", "eneco")];
    assert_eq!(outcome(&app.browser().authorize(&asked).await), "Sign in to Viesgo");
    let reply = app.post("/oauth/par", Some(("app", CLIENT_SECRET)), &request("read", "nobody")).await;
    assert_refused(&reply, 400, "invalid_request", "unknown");
}

#[tokio::test]
async fn a_link_may_name_the_tenant_of_a_sign_in_that_no_application_asked_for() {
    let app = towns().await;
    let mut browser = app.browser();
    let page = browser.get("/login?tenant_id=eneco").await;
    assert_page(&page, 200, "Sign in to Eneco", "named");
    assert_eq!(page.hidden("tenant_id").as_deref(), Some("eneco"));
    let fields = [("tenant_id", "eneco"), ("username", "alice"), ("password", OTHER)];
    let reply = browser.submit("/login", &page, &fields).await;
    let account = browser.follow(reply).await;
    assert_page(&account, 200, "alice of eneco", "signed in");
    for (query, status) in
        [("tenant_id=nobody", 400), ("tenant_id=ENECO", 400), ("tenant_id=eneco&tenant_id=eneco", 400)]
    {
        let reply = app.browser().get(&format!("/login?{query}")).await;
        assert_error_page(&reply, status, "Nobody signs in here under this name", query);
    }
    let page = app.browser().get("/login?tenant_id=").await;
    assert_eq!(outcome(&page), "Sign in");
}

#[tokio::test]
async fn a_tenant_with_people_or_applications_is_not_deleted_and_default_stays() {
    let app = towns().await;
    bound(&app).await;
    let delete =
        async |id: &str| tenant::delete(&app.cx(), OPERATOR, &id.into()).await.map_err(|e| e.to_string());
    for (id, want) in [
        ("eneco", "still belong to this tenant"),
        ("viesgo", "still belong to this tenant"),
        ("default", "the tenant `default` stays"),
        ("nobody", "there is no such tenant"),
    ] {
        assert!(delete(id).await.unwrap_err().contains(want), "{id}");
    }
    let id = user::find(&app.cx(), &"viesgo".into(), "alice").await.unwrap().id;
    user::delete(&app.cx(), OPERATOR, &id).await.unwrap();
    delete("viesgo").await.unwrap();
    told(
        &app.browser().authorize(&request("read", "viesgo")).await,
        "invalid_request",
        "names no user directory",
        "gone",
    );
    for (id, name) in
        [("", "X"), ("Eneco", "X"), ("eneco2", ""), ("default", "X"), ("eneco", "X"), ("a b", "X")]
    {
        let new = NewTenant { id: id.to_owned(), name: name.to_owned(), logo: None };
        assert!(tenant::create(&app.cx(), OPERATOR, new).await.is_err(), "{id:?} {name:?}");
    }
    let (cx, id) = (app.cx(), "default".into());
    let named = tenant::update(&cx, &OPERATOR, &id, Event::TenantUpdated, |own| {
        "The Works".clone_into(&mut own.name);
    });
    named.await.unwrap();
    let page = app.browser().authorize(&Browser::request("app", "read")).await;
    assert_eq!(outcome(&page), "Sign in to The Works");
}

#[tokio::test]
async fn rfc6749_section_4_3_the_password_grant_finds_the_directory_as_the_login_page_does() {
    let app = towns().await;
    for (id, tenant) in [("legacy", None), ("enecos", Some("eneco"))] {
        app.client(NewClient {
            id: Some(id.to_owned()),
            grant_types: vec![GrantType::Password],
            compat: vec![Compat::Password],
            tenant: tenant.map(Into::into),
            ..NewClient::default()
        })
        .await;
    }
    for (client, tenant, password, want) in [
        ("legacy", None, PASSWORD, (200, "default")),
        ("legacy", Some("eneco"), OTHER, (200, "eneco")),
        ("legacy", Some("viesgo"), OTHER, (200, "viesgo")),
        ("enecos", None, OTHER, (200, "eneco")),
        ("enecos", Some("eneco"), OTHER, (200, "eneco")),
        ("legacy", None, OTHER, (400, "invalid_grant")),
        ("legacy", Some("eneco"), PASSWORD, (400, "invalid_grant")),
        ("legacy", Some("ENECO"), OTHER, (400, "invalid_request")),
        ("legacy", Some("nobody"), OTHER, (400, "invalid_request")),
        ("enecos", Some("viesgo"), OTHER, (400, "unauthorized_client")),
        ("enecos", Some("default"), PASSWORD, (400, "unauthorized_client")),
    ] {
        let fields =
            [("grant_type", "password"), ("username", "alice"), ("password", password), ("scope", "read")];
        let reply = app.token(client, &with(&fields, "tenant_id", tenant)).await;
        if want.0 == 200 {
            assert_eq!(reply.status, 200, "{client} {tenant:?}: {}", reply.body);
            let token = text(&reply.json(), "access_token").to_owned();
            let seen =
                app.post("/oauth/introspect", Some((client, CLIENT_SECRET)), &[("token", &token)]).await;
            assert_eq!(text(&seen.json(), "tenant"), want.1, "{client} {tenant:?}");
        } else {
            assert_refused(&reply, want.0, want.1, &format!("{client} {tenant:?}"));
        }
    }
    let twice = [
        ("grant_type", "password"),
        ("username", "alice"),
        ("password", OTHER),
        ("tenant_id", "eneco"),
        ("tenant_id", "eneco"),
    ];
    assert_refused(&app.token("legacy", &twice).await, 400, "invalid_request", "repeated");
    app.clock.advance(1);
    tenant::disable(&app.cx(), &OPERATOR, &"eneco".into()).await.unwrap();
    let fields =
        [("grant_type", "password"), ("username", "alice"), ("password", OTHER), ("tenant_id", "eneco")];
    assert_refused(&app.token("legacy", &fields).await, 400, "invalid_request", "switched off");
}
