//! Compatibility opt-ins at the token endpoint: `password`, `query_credentials`, and each refused where it is off

use crate::support::{assert_refused, opens_userinfo, refresh, text, user_id, with, world};
use valetkey_core::audit::{Actor, Event};
use valetkey_core::client::AuthMethod;
use valetkey_core::client::compat::Compat;
use valetkey_core::grant::GrantType;
use valetkey_core::manage;
use valetkey_core::manage::client::NewClient;
use valetkey_core::manage::tenant::{self, NewTenant};
use valetkey_core::manage::user::NewUser;
use valetkey_core::scope::Scope;
use valetkey_core::secret::Secret;
use valetkey_testkit::{CLIENT_SECRET, PASSWORD, Reply, TestApp};

/// A client with an opt-in, beside the strict ones of the world.
async fn opted(compat: &[Compat], grant_types: &[GrantType]) -> TestApp {
    let app = world().await;
    app.client(NewClient {
        id: Some("legacy".to_owned()),
        compat: compat.to_vec(),
        grant_types: grant_types.to_vec(),
        scope: Some(Scope::parse("openid profile read").unwrap()),
        ..NewClient::default()
    })
    .await;
    app
}

const TRUSTED: [GrantType; 2] = [GrantType::Password, GrantType::RefreshToken];

async fn password(app: &TestApp, client: &str, username: &str, password: &str) -> Reply {
    let fields = [
        ("grant_type", "password"),
        ("username", username),
        ("password", password),
        ("scope", "openid read"),
    ];
    app.token(client, &fields).await
}

#[tokio::test]
async fn rfc6749_section_4_3_an_opted_client_exchanges_a_password_for_tokens_of_a_grant() {
    let app = opted(&[Compat::Password], &TRUSTED).await;
    let reply = password(&app, "legacy", "alice", PASSWORD).await;
    assert_eq!((reply.status.as_u16(), reply.header("cache-control")), (200, "no-store"), "{}", reply.body);
    let tokens = reply.json();
    assert_eq!((text(&tokens, "token_type"), text(&tokens, "scope")), ("Bearer", "openid read"));
    assert!(opens_userinfo(&app, text(&tokens, "access_token")).await);
    let next = refresh(&app, "legacy", text(&tokens, "refresh_token")).await;
    assert_eq!(next.status, 200, "{}", next.body);
    // The person sees it, and takes it back.
    let mut browser = app.browser();
    browser.sign_in("alice").await;
    assert!(browser.get("/account").await.words().contains("Photo Printer"));
    let (cx, alice) = (app.cx(), user_id(&app, "alice").await);
    manage::consent::withdraw(&cx, Actor::Operator, &alice, &"legacy".into()).await.unwrap();
    assert!(!opens_userinfo(&app, text(&next.json(), "access_token")).await);
    let dead = refresh(&app, "legacy", text(&next.json(), "refresh_token")).await;
    assert_refused(&dead, 400, "invalid_grant", "withdrawn");
}

#[tokio::test]
async fn without_the_opt_in_there_is_no_password_grant() {
    let app = world().await;
    assert_refused(
        &password(&app, "app", "alice", PASSWORD).await,
        400,
        "unsupported_grant_type",
        "nobody has it",
    );
    let app = opted(&[Compat::Password], &TRUSTED).await;
    assert_refused(
        &password(&app, "app", "alice", PASSWORD).await,
        400,
        "unauthorized_client",
        "another has it",
    );
    let new = NewClient {
        name: "X".to_owned(),
        grant_types: vec![GrantType::Password],
        strict: true,
        ..NewClient::default()
    };
    let refused = manage::client::create(&app.cx(), Actor::Operator, new).await.unwrap_err().to_string();
    assert!(refused.contains("needs the opt-in password"), "{refused}");
}

#[tokio::test]
async fn a_wrong_password_and_an_account_that_may_not_are_answered_alike() {
    let app = opted(&[Compat::Password], &TRUSTED).await;
    app.user("gone").await;
    let (cx, operator) = (app.cx(), Actor::Operator);
    manage::user::disable(&cx, &operator, &user_id(&app, "gone").await).await.unwrap();
    let mut bodies = Vec::new();
    for (case, username, typed) in [
        ("a wrong password", "alice", "not the password"),
        ("nobody", "nobody", PASSWORD),
        ("disabled", "gone", PASSWORD),
    ] {
        let reply = password(&app, "legacy", username, typed).await;
        assert_refused(&reply, 400, "invalid_grant", case);
        bodies.push(reply.body);
    }
    assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:?}");
    let told = app.records().await.into_iter().filter(|record| record.event == Event::LoginFailed);
    assert!(told.clone().count() == 3 && told.clone().all(|r| r.client == Some("legacy".into())));
    for fields in [
        vec![("grant_type", "password"), ("username", "alice")],
        vec![("grant_type", "password"), ("password", PASSWORD)],
    ] {
        assert_refused(&app.token("legacy", &fields).await, 400, "invalid_request", "one is missing");
    }
    let wide =
        [("grant_type", "password"), ("username", "alice"), ("password", PASSWORD), ("scope", "read write")];
    assert_refused(&app.token("legacy", &wide).await, 400, "invalid_scope", "more than the client may have");
    assert_eq!(app.rows().await["grants"], 0);
}

#[tokio::test]
async fn a_user_who_must_choose_a_new_password_gets_no_token_for_the_old_one() {
    let app = opted(&[Compat::Password], &TRUSTED).await;
    let mut alice = app.server.store.user(&user_id(&app, "alice").await).await.unwrap().unwrap();
    alice.must_change_password = true;
    let record = app.cx().record(Event::UserUpdated, Actor::Operator);
    app.server.store.update_user(&alice, None, false, &record).await.unwrap();
    let reply = password(&app, "legacy", "alice", PASSWORD).await;
    assert_refused(&reply, 400, "invalid_grant", "must change");
}

#[tokio::test]
async fn guessing_by_the_password_grant_is_slowed_down_with_the_login_page() {
    let app = opted(&[Compat::Password], &TRUSTED).await;
    for n in 0..11 {
        let reply = password(&app, "legacy", "alice", "wrong").await;
        assert_refused(&reply, 400, "invalid_grant", &format!("attempt {n}"));
    }
    let reply = password(&app, "legacy", "alice", PASSWORD).await;
    assert_refused(&reply, 429, "temporarily_unavailable", "the right one waits too");
    let mut browser = app.browser().at("127.0.0.1");
    let page = browser.get("/login").await;
    let login = browser.submit("/login", &page, &[("username", "alice"), ("password", PASSWORD)]).await;
    assert_eq!(login.status, 429, "one count for both");
    assert_eq!(password(&app, "legacy", "bob", PASSWORD).await.status, 200, "others are not slowed");
    app.clock.advance(30);
    assert_eq!(password(&app, "legacy", "alice", PASSWORD).await.status, 200);
    for n in 0..9 {
        let reply = password(&app, "legacy", "alice", "wrong").await;
        assert_refused(&reply, 400, "invalid_grant", &format!("a success begins the count anew: {n}"));
    }
}

#[tokio::test]
async fn tenant_id_says_whose_users_are_meant() {
    let app = opted(&[Compat::Password], &TRUSTED).await;
    let (cx, operator) = (app.cx(), Actor::Operator);
    let new = NewTenant { id: "viesgo".to_owned(), name: "Viesgo".to_owned(), logo: None };
    tenant::create(&cx, operator.clone(), new).await.unwrap();
    let other = "another seven garden tools";
    let new = NewUser {
        username: "alice".to_owned(),
        name: None,
        email: None,
        tenant: "viesgo".into(),
        password: Some(Secret::new(other)),
        admin: false,
    };
    let theirs = manage::user::create(&cx, operator, new).await.unwrap();
    let ours = user_id(&app, "alice").await;
    for (tenant, typed, want) in [
        ("", PASSWORD, Some(ours)),
        ("viesgo", other, Some(theirs.id)),
        ("viesgo", PASSWORD, None),
        ("default", other, None),
    ] {
        let fields = [
            ("grant_type", "password"),
            ("username", "alice"),
            ("password", typed),
            ("tenant_id", tenant),
            ("scope", "openid"),
        ];
        let reply = app.token("legacy", &fields).await;
        let Some(want) = want else {
            assert_refused(&reply, 400, "invalid_grant", tenant);
            continue;
        };
        assert_eq!(reply.status, 200, "{tenant}: {}", reply.body);
        let who = app.get_with_token("/oauth/userinfo", text(&reply.json(), "access_token")).await;
        assert_eq!(text(&who.json(), "sub"), want.as_str());
    }
    let fields =
        [("grant_type", "password"), ("username", "alice"), ("password", PASSWORD), ("tenant_id", "nowhere")];
    assert_refused(&app.token("legacy", &fields).await, 400, "invalid_request", "no such directory");
}

#[tokio::test]
async fn a_public_client_with_the_opt_in_names_itself_only() {
    let app = world().await;
    app.client(NewClient {
        id: Some("native".to_owned()),
        compat: vec![Compat::Password],
        grant_types: TRUSTED.to_vec(),
        auth_method: Some(AuthMethod::None),
        ..NewClient::default()
    })
    .await;
    let fields =
        [("grant_type", "password"), ("client_id", "native"), ("username", "alice"), ("password", PASSWORD)];
    assert_eq!(app.post("/oauth/token", None, &fields).await.status, 200);
}

const SERVICE: [GrantType; 1] = [GrantType::ClientCredentials];

async fn raw(app: &TestApp, query: &str, body: &str) -> Reply {
    let call = app.call("POST", &format!("/oauth/token?{query}"));
    let call = if body.is_empty() { call } else { call.body("application/x-www-form-urlencoded", body) };
    call.send().await
}

#[tokio::test]
async fn an_opted_client_may_send_its_parameters_in_the_query_or_split_them() {
    let app = opted(&[Compat::QueryCredentials], &SERVICE).await;
    let id = format!("client_id=legacy&client_secret={CLIENT_SECRET}");
    for (query, body) in [
        (format!("grant_type=client_credentials&{id}"), String::new()),
        (format!("grant_type=client_credentials&{id}&scope=read&unknown=1"), String::new()),
        (id.clone(), "grant_type=client_credentials".to_owned()),
        ("grant_type=client_credentials".to_owned(), id.clone()),
        ("scope=read".to_owned(), format!("grant_type=client_credentials&{id}")),
        (String::new(), format!("grant_type=client_credentials&{id}")),
    ] {
        let reply = raw(&app, &query, &body).await;
        assert_eq!(reply.status, 200, "{query} | {body}: {}", reply.body);
        assert!(text(&reply.json(), "scope").contains("read"), "{}", reply.body);
    }
    let basic = app.call("POST", "/oauth/token?grant_type=client_credentials").basic("legacy", CLIENT_SECRET);
    assert_eq!(basic.send().await.status, 200);
}

#[tokio::test]
async fn a_parameter_in_both_places_is_refused_and_a_wrong_secret_is_wrong_anywhere() {
    let app = opted(&[Compat::QueryCredentials], &SERVICE).await;
    let id = format!("client_id=legacy&client_secret={CLIENT_SECRET}");
    for (query, body) in [
        (format!("grant_type=client_credentials&{id}"), "grant_type=client_credentials".to_owned()),
        (id.clone(), format!("grant_type=client_credentials&client_secret={CLIENT_SECRET}")),
        (id.clone(), "grant_type=client_credentials&client_id=".to_owned()),
        (format!("{id}&client_id=legacy&grant_type=client_credentials"), String::new()),
    ] {
        let reply = raw(&app, &query, &body).await;
        assert_refused(&reply, 400, "invalid_request", &format!("{query} | {body}"));
    }
    let wrong = "grant_type=client_credentials&client_id=legacy&client_secret=not-the-secret";
    assert_refused(&raw(&app, wrong, "").await, 401, "invalid_client", "a wrong secret");
    let get = app.call("GET", &format!("/oauth/token?grant_type=client_credentials&{id}")).send().await;
    assert_eq!(get.status, 405, "only by POST");
    let revoke = app.call("POST", &format!("/oauth/revoke?{id}&token=x")).send().await;
    assert_refused(&revoke, 400, "invalid_request", "only at the token endpoint");
}

#[tokio::test]
async fn without_the_opt_in_parameters_in_the_query_are_refused_before_the_secret_is_looked_at() {
    let app = opted(&[Compat::QueryCredentials], &SERVICE).await;
    for client in ["service", "nobody", "legacy&client_id=service"] {
        for secret in [CLIENT_SECRET, "wrong"] {
            let query = format!("grant_type=client_credentials&client_id={client}&client_secret={secret}");
            let reply = raw(&app, &query, "").await;
            assert_refused(&reply, 400, "invalid_request", client);
        }
    }
    let fields = with(&[("grant_type", "client_credentials")], "client_id", Some("service"));
    let reply = app.post("/oauth/token?scope=read", Some(("service", CLIENT_SECRET)), &fields).await;
    assert_refused(&reply, 400, "invalid_request", "one of them");
}

#[tokio::test]
async fn an_access_token_of_an_opted_client_may_live_two_years_and_no_others() {
    let app = world().await;
    let new = |compat: &[Compat], seconds: i64| NewClient {
        id: Some(format!("c{}-{seconds}", compat.len())),
        name: "X".to_owned(),
        compat: compat.to_vec(),
        grant_types: SERVICE.to_vec(),
        access_token_lifetime: Some(valetkey_core::time::Seconds(seconds)),
        ..NewClient::default()
    };
    let two_years = 63_072_000;
    app.client(new(&[Compat::LongLivedAccessToken], two_years)).await;
    let reply = app.token("c1-63072000", &[("grant_type", "client_credentials")]).await.json();
    assert_eq!(reply["expires_in"], two_years);
    let token = text(&reply, "access_token");
    app.clock.advance(two_years.unsigned_abs() - 1);
    assert!(app.is_active("c1-63072000", token).await);
    app.clock.advance(1);
    assert!(!app.is_active("c1-63072000", token).await);
    for refused in [new(&[], two_years), new(&[], 86_401), new(&[Compat::LongLivedAccessToken], 63_158_401)] {
        assert!(manage::client::create(&app.cx(), Actor::Operator, refused).await.is_err());
    }
}
