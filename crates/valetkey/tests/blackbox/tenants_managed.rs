//! User directories: switched off, deleted, in other requests than the authorization request

use crate::support::{
    assert_error_page, assert_page, assert_refused, introspected, opens_userinfo, outcome, refresh,
    service_token, text, with,
};
use crate::tenants::{OPERATOR, OTHER, bound, request, tokens, told, towns};
use valetkey_core::audit::Event;
use valetkey_core::client::compat::Compat;
use valetkey_core::grant::GrantType;
use valetkey_core::manage::client::NewClient;
use valetkey_core::manage::tenant::{self, NewTenant};
use valetkey_core::manage::user;
use valetkey_testkit::{Browser, CLIENT_SECRET, PASSWORD, redemption};

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
async fn rfc9126_section_4_a_pushed_request_brings_its_tenant() {
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
    assert_eq!(browser.get("/login").await.location(), "https://id.example/account", "at home already");
    assert_eq!(outcome(&browser.get("/login?tenant_id=viesgo").await), "Sign in to Viesgo");
    for (query, status) in
        [("tenant_id=nobody", 400), ("tenant_id=ENECO", 400), ("tenant_id=eneco&tenant_id=eneco", 400)]
    {
        let reply = app.browser().get(&format!("/login?{query}")).await;
        assert_error_page(&reply, status, "Nobody signs in here under this name", query);
    }
    let reply = app.browser().get("/account?tenant_id=eneco").await;
    assert_eq!(reply.location(), "https://id.example/login?tenant_id=eneco");
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
