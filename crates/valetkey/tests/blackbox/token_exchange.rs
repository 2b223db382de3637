//! RFC 8693 — token exchange: never more than there was, and it dies with what it was made of

use crate::support::{ISSUER, assert_refused, claims, furnish};
use crate::trusted::{Other, trust};
use serde_json::{Value, json};
use valetkey_core::audit::{Actor, Event};
use valetkey_core::federation::Trust;
use valetkey_core::grant::GrantType;
use valetkey_core::ids::{ClientId, TenantId, UserId};
use valetkey_core::manage;
use valetkey_core::manage::client::NewClient;
use valetkey_core::scope::Scope;
use valetkey_core::store::{Api, TokenFormat};
use valetkey_core::time::Timestamp;
use valetkey_testkit::{Browser, CLIENT_SECRET, PASSWORD, Reply, TestApp, redemption};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS: &str = "urn:ietf:params:oauth:token-type:access_token";
const ID: &str = "urn:ietf:params:oauth:token-type:id_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
const JAG: &str = "urn:ietf:params:oauth:token-type:id-jag";
const PHOTOS: &str = "https://photos.example";
const PRINTS: &str = "https://prints.example";

/// Two APIs; `photos` stands for the first of them and may exchange what its callers bring for tokens of the second.
async fn world(federation: Value) -> TestApp {
    let app = furnish(TestApp::builder()).await;
    for (id, resource, format) in
        [("photos", PHOTOS, TokenFormat::Sealed), ("prints", PRINTS, TokenFormat::Jwt)]
    {
        let api = Api {
            scopes: Scope::parse("read write").unwrap(),
            token_format: format,
            ..Api::new(id, resource, Timestamp(0))
        };
        app.api(api).await;
    }
    exchanger(&app, "photos", federation).await;
    auditor(&app).await;
    app
}

async fn exchanger(app: &TestApp, id: &str, federation: Value) {
    let profile = federation
        .as_object()
        .unwrap()
        .iter()
        .fold(valetkey_core::client::profile::Profile::default(), |own, (name, value)| {
            own.with(name, value).unwrap()
        });
    app.client(NewClient {
        id: Some(id.to_owned()),
        grant_types: vec![GrantType::TokenExchange, GrantType::ClientCredentials],
        scope: Some(Scope::parse("read write openid").unwrap()),
        profile,
        ..NewClient::default()
    })
    .await;
}

/// What alice lets `app` do at the photos.
async fn users(app: &TestApp, scope: &str) -> Value {
    let mut browser = app.browser();
    let request = [Browser::request("app", scope), vec![("resource", PHOTOS)]].concat();
    let login = browser.authorize(&request).await;
    let after = browser.log_in(&login, "alice", PASSWORD).await;
    let scopes: Vec<&str> = scope.split(' ').collect();
    // Allowed before, nobody is asked again.
    let asked = after.location().is_empty();
    let done = if asked { browser.decide(&after, "allow", &scopes).await } else { after };
    let code = done.redirected()["code"].clone();
    app.token("app", &redemption(&code)).await.json()
}

async fn alice(app: &TestApp) -> UserId {
    manage::user::find(&app.cx(), &TenantId::default(), "alice").await.unwrap().id
}

async fn exchange(app: &TestApp, client: &str, fields: &[(&str, &str)]) -> Reply {
    let all = [&[("grant_type", GRANT)], fields].concat();
    app.post("/oauth/token", Some((client, CLIENT_SECRET)), &all).await
}

async fn active(app: &TestApp, token: &str) -> Value {
    active_by(app, "auditor", token).await
}

async fn active_by(app: &TestApp, client: &str, token: &str) -> Value {
    app.post("/oauth/introspect", Some((client, CLIENT_SECRET)), &[("token", token)]).await.json()
}

/// One that may look at every token.
async fn auditor(app: &TestApp) {
    let new = NewClient {
        id: Some("auditor".to_owned()),
        introspect: true,
        redirect_uris: vec!["https://app.example/cb".to_owned()],
        ..NewClient::default()
    };
    app.client(new).await;
}

fn delegation() -> Value {
    json!({"token_exchange": ["delegation"], "token_exchange_audiences": ["prints"]})
}

#[tokio::test]
async fn rfc8693_section_2_an_api_exchanges_its_callers_token_for_one_of_another_api() {
    let app = world(delegation()).await;
    let own = users(&app, "read write").await;
    let token = own["access_token"].as_str().unwrap();
    let fields =
        [("subject_token", token), ("subject_token_type", ACCESS), ("resource", PRINTS), ("scope", "read")];
    let reply = exchange(&app, "photos", &fields).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let made = reply.json();
    // §2.2.1.
    assert_eq!((&made["issued_token_type"], &made["token_type"]), (&json!(ACCESS), &json!("Bearer")));
    assert_eq!(made["scope"], "read");
    assert!(made.get("refresh_token").is_none() && made.get("id_token").is_none(), "{made}");
    let said = claims(made["access_token"].as_str().unwrap());
    assert_eq!((&said["aud"], &said["client_id"]), (&json!(PRINTS), &json!("photos")));
    // §4.1: who acts.
    assert_eq!(said["act"]["client_id"], "photos");
    let told = active(&app, made["access_token"].as_str().unwrap()).await;
    assert_eq!((&told["active"], &told["act"]["sub"]), (&json!(true), &json!("photos")), "{told}");
    assert!(told.get("exchanged").is_none(), "{told}");
    let before = active(&app, token).await;
    assert_eq!(said["sub"], before["sub"]);
    // Never beyond the end of what it was made of.
    assert!(said["exp"].as_i64() <= before["exp"].as_i64());
    app.clock.advance(500);
    let late = exchange(&app, "photos", &fields).await.json();
    assert!(late["expires_in"].as_i64().unwrap() <= 100, "{late}");
}

#[tokio::test]
async fn rfc8693_section_2_2_2_what_is_missing_wrong_or_too_much_is_refused() {
    let app = world(delegation()).await;
    let own = users(&app, "read").await;
    let token = own["access_token"].as_str().unwrap();
    let good = [("subject_token", token), ("subject_token_type", ACCESS), ("resource", PRINTS)];
    assert_eq!(exchange(&app, "photos", &good).await.status, 200);
    let refresh = own["refresh_token"].as_str().unwrap();
    for (name, value, error) in [
        ("subject_token", None, "invalid_request"),
        ("subject_token", Some("vk_at_x"), "invalid_request"),
        ("subject_token", Some(refresh), "invalid_request"),
        ("subject_token_type", None, "invalid_request"),
        ("subject_token_type", Some("urn:ietf:params:oauth:token-type:saml2"), "invalid_request"),
        ("subject_token_type", Some(ID), "invalid_request"),
        ("resource", Some("https://elsewhere.example"), "invalid_target"),
        ("audience", Some("elsewhere"), "invalid_target"),
        ("scope", Some("read write"), "invalid_scope"),
        ("scope", Some("openid"), "invalid_scope"),
        ("requested_token_type", Some("urn:ietf:params:oauth:token-type:refresh_token"), "invalid_request"),
        ("actor_token", Some(token), "invalid_request"),
        ("actor_token_type", Some(ACCESS), "invalid_request"),
    ] {
        let fields = crate::support::with(&good, name, value);
        let reply = exchange(&app, "photos", &fields).await;
        assert_refused(&reply, 400, error, &format!("{name} = {value:?}"));
    }
    let other = [("actor_token", token), ("actor_token_type", ACCESS)];
    let reply = exchange(&app, "photos", &[&good[..], &other].concat()).await;
    assert_refused(&reply, 400, "invalid_request", "somebody else's token as the actor's");
    // Registered for something else, or nobody at all.
    let reply = exchange(&app, "app", &good).await;
    assert_refused(&reply, 400, "unauthorized_client", "a client without the grant");
    exchanger(&app, "stranger", json!({"token_exchange": ["impersonation", "delegation"]})).await;
    let reply = exchange(&app, "stranger", &good[..2]).await;
    assert_refused(&reply, 400, "invalid_request", "a client that the token is not for");
    let reply = exchange(&app, "photos", &[good[0], good[1], ("resource", PHOTOS)]).await;
    assert_eq!(reply.status, 200, "where it could be used before: {}", reply.body);
}

#[tokio::test]
async fn rfc8693_section_1_1_impersonation_and_delegation_are_the_operators_to_allow() {
    for (federation, impersonates, delegates) in [
        (json!({"token_exchange_audiences": ["prints"]}), None, None),
        (
            json!({"token_exchange": ["delegation"], "token_exchange_audiences": [PRINTS]}),
            Some(true),
            Some(true),
        ),
        (
            json!({"token_exchange": ["impersonation"], "token_exchange_audiences": [PRINTS]}),
            Some(false),
            None,
        ),
    ] {
        let app = world(federation.clone()).await;
        let own = users(&app, "read").await;
        let token = own["access_token"].as_str().unwrap();
        let good = [("subject_token", token), ("subject_token_type", ACCESS), ("resource", PRINTS)];
        let fields = [("grant_type", "client_credentials"), ("scope", "read"), ("resource", PHOTOS)];
        let service = app.token("photos", &fields).await.json()["access_token"].as_str().unwrap().to_owned();
        let actor = [("actor_token", service.as_str()), ("actor_token_type", ACCESS)];
        for (fields, want) in [(good.to_vec(), impersonates), ([&good[..], &actor].concat(), delegates)] {
            let reply = exchange(&app, "photos", &fields).await;
            match want {
                None => assert_refused(&reply, 400, "invalid_request", &federation.to_string()),
                Some(acts) => {
                    let said = claims(reply.json()["access_token"].as_str().unwrap());
                    assert_eq!(said.get("act").is_some(), acts, "{federation}: {said}");
                }
            }
        }
    }
}

#[tokio::test]
async fn rfc8693_section_4_1_actors_stand_behind_one_another_and_4_4_only_who_is_named_may_act() {
    let app = world(delegation()).await;
    exchanger(
        &app,
        "prints",
        json!({"token_exchange": ["delegation"], "token_exchange_audiences": ["photos"]}),
    )
    .await;
    let own = users(&app, "read").await;
    let token = own["access_token"].as_str().unwrap();
    let fields = [("subject_token", token), ("subject_token_type", ACCESS), ("resource", PRINTS)];
    let first = exchange(&app, "photos", &fields).await.json();
    let fields = [
        ("subject_token", first["access_token"].as_str().unwrap()),
        ("subject_token_type", JWT),
        ("requested_token_type", JWT),
        ("audience", "photos"),
    ];
    let second = exchange(&app, "prints", &fields).await;
    assert_eq!(second.status, 200, "{}", second.body);
    let said = claims(second.json()["access_token"].as_str().unwrap());
    assert_eq!((&said["act"]["sub"], &said["act"]["act"]["sub"]), (&json!("prints"), &json!("photos")));
    assert_eq!(second.json()["issued_token_type"], JWT);
    // §4.4: from now on `app`'s tokens say who may act with them.
    for (named, good) in [(json!({"client_id": "prints"}), false), (json!({"client_id": "photos"}), true)] {
        let id = ClientId::from("app");
        let edit = |client: &mut valetkey_core::client::Client| {
            client.profile = client.profile.with("may_act", &named).unwrap();
        };
        manage::client::update(&app.cx(), &Actor::Operator, &id, Event::ClientUpdated, edit).await.unwrap();
        let own = users(&app, "read").await;
        let token = own["access_token"].as_str().unwrap();
        assert_eq!(active(&app, token).await["may_act"], named);
        let fields = [("subject_token", token), ("subject_token_type", ACCESS), ("resource", PRINTS)];
        assert_eq!(exchange(&app, "photos", &fields).await.status == 200, good, "{named}");
    }
}

#[tokio::test]
async fn what_ends_the_old_token_ends_the_new_one() {
    for how in ["token", "grant", "consent", "client", "user"] {
        let app = world(delegation()).await;
        let own = users(&app, "read").await;
        let token = own["access_token"].as_str().unwrap();
        let fields = [("subject_token", token), ("subject_token_type", ACCESS), ("resource", PRINTS)];
        let made =
            exchange(&app, "photos", &fields).await.json()["access_token"].as_str().unwrap().to_owned();
        assert_eq!(active(&app, &made).await["active"], true, "{how}");
        let (cx, user) = (app.cx(), alice(&app).await);
        match how {
            "token" => {
                app.post("/oauth/revoke", Some(("app", CLIENT_SECRET)), &[("token", token)]).await;
            }
            "grant" => {
                let refresh = own["refresh_token"].as_str().unwrap();
                app.post("/oauth/revoke", Some(("app", CLIENT_SECRET)), &[("token", refresh)]).await;
            }
            "consent" => {
                manage::consent::withdraw(&cx, Actor::Operator, &user, &"app".into()).await.unwrap();
            }
            "client" => {
                manage::client::disable(&cx, &Actor::Operator, &"app".into()).await.unwrap();
            }
            _ => {
                manage::user::disable(&cx, &Actor::Operator, &user).await.unwrap();
            }
        }
        assert_eq!(active(&app, &made).await["active"], false, "{how}");
        assert_refused(&exchange(&app, "photos", &fields).await, 400, "invalid_request", how);
    }
}

#[tokio::test]
async fn rfc7009_section_2_1_an_exchanged_token_is_taken_back_alone() {
    let app = world(delegation()).await;
    let own = users(&app, "read").await;
    let token = own["access_token"].as_str().unwrap();
    let fields = [("subject_token", token), ("subject_token_type", ACCESS), ("resource", PRINTS)];
    let [one, two] = [exchange(&app, "photos", &fields).await, exchange(&app, "photos", &fields).await];
    let [one, two] = [one.json()["access_token"].clone(), two.json()["access_token"].clone()];
    let [one, two] = [one.as_str().unwrap(), two.as_str().unwrap()];
    let reply = app.post("/oauth/revoke", Some(("photos", CLIENT_SECRET)), &[("token", one)]).await;
    assert_eq!(reply.status, 200);
    assert_eq!(active(&app, one).await["active"], false, "what was taken back");
    for alive in [token, two] {
        assert_eq!(active(&app, alive).await["active"], true, "what it was made of, and another of it");
    }
    let refresh =
        [("grant_type", "refresh_token"), ("refresh_token", own["refresh_token"].as_str().unwrap())];
    assert_eq!(app.token("app", &refresh).await.status, 200);
}

/// `app` may exchange, with these members.
async fn may_exchange(app: &TestApp, members: Value) {
    let edit = |client: &mut valetkey_core::client::Client| {
        client.grant_types.push(GrantType::TokenExchange);
        for (name, value) in members.as_object().unwrap() {
            client.profile = client.profile.with(name, value).unwrap();
        }
    };
    let id = ClientId::from("app");
    manage::client::update(&app.cx(), &Actor::Operator, &id, Event::ClientUpdated, edit).await.unwrap();
}

#[tokio::test]
async fn rfc8693_section_2_1_an_id_token_stands_for_the_grant_of_its_own_session() {
    let app = world(delegation()).await;
    may_exchange(&app, json!({})).await;
    let first = users(&app, "openid read").await;
    let second = users(&app, "openid read").await;
    let fields = [("subject_token", first["id_token"].as_str().unwrap()), ("subject_token_type", ID)];
    let reply = exchange(&app, "app", &fields).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let told = active(&app, reply.json()["access_token"].as_str().unwrap()).await;
    assert_eq!(told["aud"], json!([PHOTOS]), "where that grant is good: {told}");
    let beyond = [&fields[..], &[("resource", PRINTS)]].concat();
    assert_refused(&exchange(&app, "app", &beyond).await, 400, "invalid_target", "beyond that grant");
    let refresh = first["refresh_token"].as_str().unwrap();
    app.post("/oauth/revoke", Some(("app", CLIENT_SECRET)), &[("token", refresh)]).await;
    assert_refused(&exchange(&app, "app", &fields).await, 400, "invalid_request", "its grant has ended");
    let fields = [("subject_token", second["id_token"].as_str().unwrap()), ("subject_token_type", ID)];
    assert_eq!(exchange(&app, "app", &fields).await.status, 200, "the other session's");
}

#[tokio::test]
async fn rfc8693_section_4_4_to_be_named_is_no_permission() {
    let app = world(json!({"token_exchange_audiences": ["prints"]})).await;
    may_exchange(&app, json!({"may_act": {"client_id": "photos"}})).await;
    let own = users(&app, "read").await;
    let token = own["access_token"].as_str().unwrap();
    let fields = [("subject_token", token), ("subject_token_type", ACCESS), ("resource", PRINTS)];
    assert_refused(&exchange(&app, "photos", &fields).await, 400, "invalid_request", "the operator's");
}

#[tokio::test]
async fn rfc8693_section_2_1_a_trusted_issuers_token_gives_no_more_than_the_person_allowed() {
    let app = furnish(TestApp::builder()).await;
    let other = Other::new();
    trust(&app, &other, &[Trust::Users], json!({"match_by": "username"})).await;
    may_exchange(&app, json!({"token_exchange": ["impersonation"]})).await;
    let said = |jti: &str| other.about(&app, json!({"preferred_username": "alice", "jti": jti}));
    let ask = |text: String, scope: &'static str| {
        let app = &app;
        async move {
            let fields = [("subject_token", text.as_str()), ("subject_token_type", JWT), ("scope", scope)];
            exchange(app, "app", &fields).await
        }
    };
    assert_refused(&ask(said("1"), "read").await, 400, "invalid_grant", "nobody consented");
    app.browser().tokens("app", "read", "alice").await;
    assert_eq!(ask(said("2"), "read").await.status, 200);
    assert_refused(&ask(said("3"), "read write").await, 400, "invalid_scope", "more than was allowed");
}

#[tokio::test]
async fn oidc_core_section_8_a_pairwise_name_is_understood_and_not_given_away() {
    let app = world(delegation()).await;
    may_exchange(&app, json!({"subject_type": "pairwise", "token_exchange": ["delegation"]})).await;
    let own = users(&app, "openid read").await;
    let (id, access) = (own["id_token"].as_str().unwrap(), own["access_token"].as_str().unwrap());
    let name = claims(id)["sub"].clone();
    assert_ne!(name, alice(&app).await.as_str());
    let subject = [("subject_token", id), ("subject_token_type", ID)];
    for actor in [
        [("actor_token", access), ("actor_token_type", ACCESS)],
        [("actor_token", id), ("actor_token_type", ID)],
    ] {
        let reply = exchange(&app, "app", &[&subject[..], &actor].concat()).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        let told = active(&app, reply.json()["access_token"].as_str().unwrap()).await;
        assert_eq!(told["act"]["sub"], name, "{told}");
    }
}

#[tokio::test]
async fn the_issued_id_jag_is_of_an_id_token_and_for_whom_the_operator_names() {
    let there = "https://api.elsewhere.example";
    let app = furnish(TestApp::builder()).await;
    auditor(&app).await;
    let id = ClientId::from("app");
    let edit = |client: &mut valetkey_core::client::Client| {
        client.grant_types.push(GrantType::TokenExchange);
        let jag = json!([{"audience": there, "client_id": "we-there", "scope": "chat.read chat.write",
            "resources": ["https://chat.elsewhere.example"]}]);
        client.profile = client.profile.with("id_jag", &jag).unwrap();
    };
    manage::client::update(&app.cx(), &Actor::Operator, &id, Event::ClientUpdated, edit).await.unwrap();
    let own = app.browser().tokens("app", "openid read", "alice").await;
    let token = own["id_token"].as_str().unwrap();
    let good = [
        ("subject_token", token),
        ("subject_token_type", ID),
        ("requested_token_type", JAG),
        ("audience", there),
        ("scope", "chat.read"),
        ("resource", "https://chat.elsewhere.example"),
    ];
    let reply = exchange(&app, "app", &good).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let made = reply.json();
    assert_eq!((&made["issued_token_type"], &made["token_type"]), (&json!(JAG), &json!("N_A")));
    let text = made["access_token"].as_str().unwrap();
    let header = data_encoding::BASE64URL_NOPAD.decode(text.split('.').next().unwrap().as_bytes()).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&header).unwrap()["typ"], "oauth-id-jag+jwt");
    let said = claims(text);
    assert_eq!((&said["iss"], &said["aud"]), (&json!(ISSUER), &json!(there)));
    assert_eq!((&said["client_id"], &said["scope"]), (&json!("we-there"), &json!("chat.read")));
    assert_eq!(said["sub"], claims(token)["sub"]);
    assert!(said["exp"].as_i64().unwrap() - said["iat"].as_i64().unwrap() <= 300 && said["jti"].is_string());
    assert_eq!(active(&app, text).await, json!({"active": false}), "no access token of ours");
    let every = exchange(&app, "app", &good[..5]).await.json();
    let said = claims(every["access_token"].as_str().unwrap());
    assert_eq!(said["resource"], json!(["https://chat.elsewhere.example"]), "never without");
    let access = own["access_token"].as_str().unwrap();
    for (name, value, error) in [
        ("audience", Some("https://third.example"), "invalid_target"),
        ("audience", None, "invalid_request"),
        ("scope", Some("chat.admin"), "invalid_scope"),
        ("resource", Some("https://other.example"), "invalid_target"),
        ("subject_token", Some(access), "invalid_request"),
    ] {
        let reply = exchange(&app, "app", &crate::support::with(&good, name, value)).await;
        assert_refused(&reply, 400, error, &format!("{name} = {value:?}"));
    }
}

#[tokio::test]
async fn rfc8693_section_2_1_a_token_of_a_trusted_issuer_is_exchanged_once_and_behind_the_gate() {
    let app = furnish(TestApp::builder()).await;
    let other = Other::new();
    trust(&app, &other, &[Trust::Users], json!({"match_by": "username", "implies_consent": true})).await;
    exchanger(&app, "broker", json!({"token_exchange": ["impersonation"]})).await;
    exchanger(&app, "nobody", json!({})).await;
    let text = other.about(&app, json!({"preferred_username": "alice", "jti": "1"}));
    let fields = [("subject_token", text.as_str()), ("subject_token_type", JWT), ("scope", "read")];
    assert_refused(&exchange(&app, "nobody", &fields).await, 400, "invalid_request", "policy");
    let reply = exchange(&app, "broker", &fields).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let told = active_by(&app, "broker", reply.json()["access_token"].as_str().unwrap()).await;
    assert_eq!(told["sub"], alice(&app).await.as_str());
    assert_refused(&exchange(&app, "broker", &fields).await, 400, "invalid_grant", "a second time");
    foreign_actor_once(&app, &other).await;
    for (n, claims) in [
        json!({"preferred_username": "mallory"}),
        json!({"preferred_username": "alice", "iss": "https://third.example"}),
        json!({"preferred_username": "alice", "aud": "https://third.example"}),
        json!({"preferred_username": "alice", "exp": 1}),
    ]
    .into_iter()
    .enumerate()
    {
        let mut claims = claims;
        claims["jti"] = json!(format!("bad{n}"));
        let text = other.about(&app, claims.clone());
        let fields = [("subject_token", text.as_str()), ("subject_token_type", JWT)];
        let reply = exchange(&app, "broker", &fields).await;
        assert_eq!(reply.status, 400, "{claims}: {}", reply.body);
    }
}

/// RFC 7523 §3 (7): the word of another issuer about who acts is good once too.
async fn foreign_actor_once(app: &TestApp, other: &Other) {
    exchanger(app, "agency", json!({"token_exchange": ["delegation"]})).await;
    let about = |jti: &str| other.about(app, json!({"preferred_username": "alice", "jti": jti}));
    let actor = about("actor");
    for (jti, good) in [("2", true), ("3", false)] {
        let text = about(jti);
        let fields = [
            ("subject_token", text.as_str()),
            ("subject_token_type", JWT),
            ("actor_token", actor.as_str()),
            ("actor_token_type", JWT),
            ("scope", "read"),
        ];
        let reply = exchange(app, "agency", &fields).await;
        assert_eq!(reply.status == 200, good, "{}", reply.body);
    }
}
