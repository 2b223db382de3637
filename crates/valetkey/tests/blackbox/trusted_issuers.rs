//! RFC 7523 §2.1, §2.2 — what the word of a trusted issuer is good for

use crate::support::{ISSUER, assert_refused, furnish};
use crate::trusted::{OTHER, Other, trust};
use serde_json::{Map, Value, json};
use valetkey_core::audit::{Actor, Event};
use valetkey_core::client::AuthMethod;
use valetkey_core::client::profile::Profile;
use valetkey_core::federation::Trust;
use valetkey_core::grant::GrantType;
use valetkey_core::ids::{ClientId, TenantId};
use valetkey_core::manage::client::NewClient;
use valetkey_core::manage::{self, issuer};
use valetkey_core::scope::Scope;
use valetkey_core::store::Consent;
use valetkey_testkit::{Browser, CLIENT_SECRET, Reply, TestApp};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

async fn world(trusts: &[Trust], more: Value) -> (TestApp, Other) {
    let (app, other) = (furnish(TestApp::builder()).await, Other::new());
    trust(&app, &other, trusts, more).await;
    let new = NewClient {
        id: Some("agent".to_owned()),
        grant_types: vec![GrantType::JwtBearer],
        scope: Some(Scope::parse("read write").unwrap()),
        ..NewClient::default()
    };
    app.client(new).await;
    (app, other)
}

async fn bear(app: &TestApp, assertion: &str, more: &[(&str, &str)]) -> Reply {
    let own = [("grant_type", GRANT), ("assertion", assertion)];
    app.post("/oauth/token", Some(("agent", CLIENT_SECRET)), &[&own, more].concat()).await
}

fn by_name() -> Value {
    json!({"match_by": "username", "implies_consent": true})
}

#[tokio::test]
async fn rfc7523_section_2_1_an_assertion_of_a_trusted_issuer_is_a_token_once() {
    let (app, other) = world(&[Trust::Users], by_name()).await;
    let text = other.about(&app, json!({"preferred_username": "alice", "jti": "a"}));
    let reply = bear(&app, &text, &[("scope", "read")]).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let json = reply.json();
    assert!(json.get("refresh_token").is_none() && json["scope"] == "read", "{json}");
    assert!(app.is_active("agent", json["access_token"].as_str().unwrap()).await);
    assert_refused(&bear(&app, &text, &[]).await, 400, "invalid_grant", "again");
    // One without a jti is named by its text.
    let text = other.about(&app, json!({"preferred_username": "alice"}));
    assert_eq!(bear(&app, &text, &[]).await.status, 200);
    assert_refused(&bear(&app, &text, &[]).await, 400, "invalid_grant", "again, without jti");
}

#[tokio::test]
async fn rfc7523_section_3_a_grant_may_name_our_token_endpoint_as_its_audience_and_an_id_jag_may_not() {
    let (app, other) = world(&[Trust::Users, Trust::IdJag], by_name()).await;
    let named = json!({"sub": "alice", "client_id": "agent", "scope": "read"});
    for (n, (typ, aud, status)) in [
        (None, "/oauth/token", 200),
        (None, "/oauth/par", 400),
        (Some("oauth-id-jag+jwt"), "", 200),
        (Some("oauth-id-jag+jwt"), "/oauth/token", 400),
    ]
    .into_iter()
    .enumerate()
    {
        let mut claims = named.clone();
        (claims["aud"], claims["jti"]) = (json!(format!("{ISSUER}{aud}")), json!(format!("a{n}")));
        let reply = bear(&app, &other.typed(&app, typ, claims), &[]).await;
        assert_eq!(reply.status, status, "{typ:?} {aud}: {}", reply.body);
    }
}

#[tokio::test]
async fn rfc7523_section_3_sub_is_the_user_name_where_the_issuer_says_no_other() {
    let (app, other) = world(&[Trust::Users], by_name()).await;
    for (n, (claims, status)) in [
        (json!({"sub": "alice"}), 200),
        (json!({"sub": "mallory"}), 400),
        // Where it says one, that one counts.
        (json!({"sub": "alice", "preferred_username": "mallory"}), 400),
        (json!({"sub": "alice", "preferred_username": ""}), 400),
        (json!({"sub": "alice", "preferred_username": 5}), 400),
        // An address is no name.
        (json!({"sub": "alice@example.org"}), 400),
    ]
    .into_iter()
    .enumerate()
    {
        let mut all = claims.clone();
        all["jti"] = json!(format!("s{n}"));
        assert_eq!(bear(&app, &other.about(&app, all), &[]).await.status, status, "{claims}");
    }
}

#[tokio::test]
async fn rfc7523_section_3_an_assertion_that_does_not_hold_is_refused() {
    let (app, other) = world(&[Trust::Users], by_name()).await;
    let now = app.cx().now.0;
    for (n, (name, value)) in [
        ("iss", json!("https://third.example")),
        ("iss", json!(format!("{OTHER}/"))),
        ("sub", Value::Null),
        ("sub", json!("")),
        ("aud", json!("https://third.example")),
        ("aud", json!(["https://third.example"])),
        ("aud", Value::Null),
        ("exp", json!(now)),
        ("exp", json!(now + 2 * 86_400)),
        ("exp", Value::Null),
        ("iat", json!(now + 120)),
        ("nbf", json!(now + 120)),
        ("preferred_username", json!("mallory")),
        ("preferred_username", Value::Null),
        ("events", json!({"https://schemas.example/event": {}})),
    ]
    .into_iter()
    .enumerate()
    {
        let mut claims = json!({"preferred_username": "alice", "jti": format!("j{n}")});
        claims[name] = value.clone();
        let reply = bear(&app, &other.about(&app, claims), &[]).await;
        assert_refused(&reply, 400, "invalid_grant", &format!("{name} = {value}"));
    }
    let good = json!({"preferred_username": "alice"});
    let stranger = Other::new().about(&app, good.clone());
    assert_refused(&bear(&app, &stranger, &[]).await, 400, "invalid_grant", "another's key");
    for typ in ["at+jwt", "oauth-id-jag+jwt", "logout+jwt", "dpop+jwt"] {
        let text = other.typed(&app, Some(typ), good.clone());
        assert_refused(&bear(&app, &text, &[]).await, 400, "invalid_grant", typ);
    }
    let reply = bear(&app, &other.about(&app, good.clone()), &[("scope", "admin")]).await;
    assert_refused(&reply, 400, "invalid_scope", "scope");
    let none = [("grant_type", GRANT)];
    let reply = app.post("/oauth/token", Some(("agent", CLIENT_SECRET)), &none).await;
    assert_refused(&reply, 400, "invalid_request", "no assertion");
    // Switched off, it is believed nothing.
    let off = Map::from_iter([("disabled".to_owned(), json!(true))]);
    issuer::update(&app.cx(), &Actor::Operator, "idp", &off).await.unwrap();
    let reply = bear(&app, &other.about(&app, good), &[]).await;
    assert_refused(&reply, 400, "invalid_grant", "a disabled issuer");
}

#[tokio::test]
async fn consent_is_the_persons_unless_the_operator_lets_the_issuer_stand_for_it() {
    let (app, other) = world(&[Trust::Users], json!({"match_by": "username"})).await;
    let text = other.about(&app, json!({"preferred_username": "alice", "jti": "a"}));
    assert_refused(&bear(&app, &text, &[]).await, 400, "invalid_grant", "nobody consented");
}

#[tokio::test]
async fn rfc7523_section_2_1_an_assertion_gives_no_more_than_the_person_allowed() {
    let (app, other) = world(&[Trust::Users], json!({"match_by": "username"})).await;
    let cx = app.cx();
    let alice = manage::user::find(&cx, &TenantId::default(), "alice").await.unwrap().id;
    let consent = Consent {
        user: alice,
        client: "agent".into(),
        scope: Scope::parse("read").unwrap(),
        granted_at: cx.now,
        updated_at: cx.now,
        implied: false,
    };
    let record = cx.record(Event::ConsentGiven, Actor::Operator);
    assert!(cx.store.record_consent(&consent, &record).await.unwrap());
    for (n, (scope, good)) in
        [(Some("read"), true), (None, true), (Some("write"), false), (Some("read write"), false)]
            .into_iter()
            .enumerate()
    {
        let text = other.about(&app, json!({"preferred_username": "alice", "jti": format!("c{n}")}));
        let more: Vec<(&str, &str)> = scope.map(|scope| ("scope", scope)).into_iter().collect();
        let reply = bear(&app, &text, &more).await;
        if good {
            assert_eq!((reply.status.as_u16(), &reply.json()["scope"]), (200, &json!("read")), "{scope:?}");
        } else {
            assert_refused(&reply, 400, "invalid_scope", &format!("{scope:?}"));
        }
    }
}

#[tokio::test]
async fn what_an_issuer_said_before_consent_was_taken_back_implies_none() {
    let (app, other) = world(&[Trust::Users], by_name()).await;
    let make = |jti: &str| other.about(&app, json!({"preferred_username": "alice", "jti": jti}));
    assert_eq!(bear(&app, &make("1"), &[]).await.status, 200);
    let before = make("2");
    app.clock.advance(1);
    let (cx, agent) = (app.cx(), ClientId::from("agent"));
    let alice = manage::user::find(&cx, &TenantId::default(), "alice").await.unwrap().id;
    manage::consent::withdraw(&cx, Actor::Operator, &alice, &agent).await.unwrap();
    app.clock.advance(2);
    assert_refused(&bear(&app, &before, &[]).await, 400, "invalid_grant", "said before");
    assert!(cx.store.consent(&alice, &agent).await.unwrap().is_none());
    assert_eq!(bear(&app, &make("3"), &[]).await.status, 200, "said anew");
}

#[tokio::test]
async fn what_an_issuer_implies_is_no_answer_and_what_a_person_takes_back_it_does_not_give_again() {
    let (app, other) = world(&[Trust::Users], by_name()).await;
    let make = |jti: &str| other.about(&app, json!({"preferred_username": "alice", "jti": jti}));
    let agent = ClientId::from("agent");
    assert_eq!(bear(&app, &make("1"), &[]).await.status, 200);
    let alice = manage::user::find(&app.cx(), &TenantId::default(), "alice").await.unwrap().id;
    assert!(app.cx().store.consent(&alice, &agent).await.unwrap().unwrap().implied);
    // In the browser she is asked like anybody: nobody asked her before.
    let edit = |client: &mut valetkey_core::client::Client| {
        client.redirect_uris = vec!["https://app.example/cb".to_owned()];
        client.grant_types.push(GrantType::AuthorizationCode);
    };
    manage::client::update(&app.cx(), &Actor::Operator, &agent, Event::ClientUpdated, edit).await.unwrap();
    let mut browser = app.browser();
    browser.sign_in("alice").await;
    let request = Browser::request("agent", "read");
    let quiet = crate::support::with(&request, "prompt", Some("none"));
    assert_eq!(crate::support::outcome(&browser.authorize(&quiet).await), "consent_required");
    let page = browser.authorize(&request).await;
    browser.decide(&page, "allow", &["read"]).await;
    assert_eq!(crate::support::outcome(&browser.authorize(&quiet).await), "code");
    // What she takes back stays taken back, whatever the issuer says from then on.
    manage::consent::withdraw(&app.cx(), Actor::User(alice.clone()), &alice, &agent).await.unwrap();
    app.clock.advance(2);
    assert_refused(&bear(&app, &make("2"), &[]).await, 400, "invalid_grant", "said after that");
    assert!(app.cx().store.consent(&alice, &agent).await.unwrap().is_none());
    let page = browser.authorize(&request).await;
    browser.decide(&page, "allow", &["read"]).await;
    assert_eq!(bear(&app, &make("3"), &[]).await.status, 200, "until she lets it again");
}

#[tokio::test]
async fn a_person_sees_who_has_a_key_that_nobody_asked_them_about_and_takes_it_back() {
    let (app, other) = world(&[Trust::Users], by_name()).await;
    let make = |jti: &str| other.about(&app, json!({"preferred_username": "alice", "jti": jti}));
    assert_eq!(bear(&app, &make("1"), &[("scope", "read")]).await.status, 200);
    let mut browser = app.browser();
    browser.sign_in("alice").await;
    let host = OTHER.strip_prefix("https://").unwrap();
    let words = format!("Nobody asked you about this. Those who run this server let {host} vouch for you.");
    for (path, later) in [("/account", 0), ("/account/apps", 0), ("/account/apps", 3600)] {
        // The token is long gone; that the issuer's word is enough is not.
        app.clock.advance(later);
        let page = browser.get(path).await;
        assert!(page.words().contains(&words), "{path}: {}", page.words());
        assert!(page.words().contains("Take this key back"), "{path}");
    }
    let log = browser.get("/account/log").await.words();
    assert!(log.contains("got a key without anybody asking you"), "{log}");
    assert!(!log.contains("You gave"), "{log}");
    let page = browser.get("/account/apps").await;
    let reply = browser.submit("/account/apps/revoke", &page, &[("client", "agent")]).await;
    assert_eq!(reply.status, 303);
    assert!(!browser.get("/account/apps").await.words().contains("Nobody asked you"));
    app.clock.advance(2);
    assert_refused(&bear(&app, &make("2"), &[]).await, 400, "invalid_grant", "it stays taken back");
    // What she allows herself is said as ever.
    let mut bob = app.browser();
    bob.code("app", "read", "bob").await;
    let page = bob.get("/account/apps").await.words();
    assert!(page.contains("Photo Printer") && !page.contains("Nobody asked you"), "{page}");
}

#[tokio::test]
async fn rfc9470_section_6_2_how_and_when_somebody_signed_in_elsewhere_is_not_made_better_here() {
    let (app, other) = world(&[Trust::Users], by_name()).await;
    let now = app.cx().now.0;
    for (n, (signed_in, made, wanted)) in [
        (json!(now - 1000), json!(now - 50), json!(now - 1000)),
        (Value::Null, json!(now - 50), json!(now - 50)),
        (Value::Null, Value::Null, Value::Null),
    ]
    .into_iter()
    .enumerate()
    {
        let claims = json!({"preferred_username": "alice", "jti": format!("t{n}"), "auth_time": signed_in,
            "iat": made, "acr": "urn:example:gold"});
        let reply = bear(&app, &other.about(&app, claims), &[]).await.json();
        let token = [("token", reply["access_token"].as_str().unwrap())];
        let told = app.post("/oauth/introspect", Some(("agent", CLIENT_SECRET)), &token).await.json();
        assert_eq!((&told["auth_time"], told.get("acr")), (&wanted, None), "{told}");
    }
}

#[tokio::test]
async fn asvs_6_8_1_a_person_is_known_by_the_linked_identity_and_gets_an_account_only_where_that_is_said() {
    for (sign_up, good) in [(false, false), (true, true)] {
        let more = json!({"sign_up": sign_up, "implies_consent": true});
        let (app, other) = world(&[Trust::Users], more).await;
        let claims = |jti: &str| json!({"preferred_username": "alice", "jti": jti, "sub": "their-alice"});
        let reply = bear(&app, &other.about(&app, claims("1")), &[]).await;
        assert_eq!(reply.status == 200, good, "{}", reply.body);
        if good {
            let cx = app.cx();
            let ours = manage::user::find(&cx, &TenantId::default(), "alice").await.unwrap();
            let known = cx.store.linked_user(&TenantId::default(), OTHER, "their-alice").await.unwrap();
            assert!(known.is_some_and(|id| id != ours.id), "never the account of the same name");
            assert_eq!(bear(&app, &other.about(&app, claims("2")), &[]).await.status, 200);
        }
    }
}

#[tokio::test]
async fn an_id_jag_is_for_its_client_and_for_what_it_says() {
    let (app, other) = world(&[Trust::IdJag], json!({"match_by": "username"})).await;
    let good = json!({"preferred_username": "alice", "client_id": "agent", "scope": "read"});
    let typ = Some("oauth-id-jag+jwt");
    let make = |name: &str, value: Value, jti: &str| {
        let mut claims = good.clone();
        claims["jti"] = json!(jti);
        claims[name] = value;
        other.typed(&app, typ, claims)
    };
    let text = make("scope", json!("read"), "ok");
    let reply = bear(&app, &text, &[]).await;
    assert_eq!((reply.status.as_u16(), &reply.json()["scope"]), (200, &json!("read")), "{}", reply.body);
    assert_refused(&bear(&app, &text, &[]).await, 400, "invalid_grant", "again");
    for (name, value) in [
        ("client_id", json!("app")),
        ("client_id", Value::Null),
        ("jti", Value::Null),
        ("iat", Value::Null),
        ("aud", json!([ISSUER, "https://third.example"])),
        ("aud", json!("https://third.example")),
        ("scope", json!(["read"])),
        ("resource", json!(5)),
        ("resource", json!([])),
        ("resource", json!(["https://a.example", 5])),
    ] {
        let text = make(name, value.clone(), "bad");
        assert_refused(&bear(&app, &text, &[]).await, 400, "invalid_grant", &format!("{name} = {value}"));
    }
    let text = make("scope", json!("read"), "more");
    assert_refused(
        &bear(&app, &text, &[("scope", "read write")]).await,
        400,
        "invalid_scope",
        "more than it says",
    );
    // No scope in it: none in the token.
    let text = make("scope", Value::Null, "none");
    assert_refused(&bear(&app, &text, &[("scope", "read")]).await, 400, "invalid_scope", "it says nothing");
    let text = make("resource", json!("https://a.example"), "elsewhere");
    let reply = bear(&app, &text, &[("resource", "https://b.example")]).await;
    assert_refused(&reply, 400, "invalid_target", "another resource");
    // Trusted for this alone: a plain assertion of the same issuer is none.
    let text = other.about(&app, json!({"preferred_username": "alice"}));
    assert_refused(&bear(&app, &text, &[]).await, 400, "invalid_grant", "plain");
    // And no public client has it.
    let id = ClientId::from("agent");
    let public = |own: &mut valetkey_core::client::Client| {
        own.auth_method = AuthMethod::None;
        own.secrets.clear();
    };
    manage::client::update(&app.cx(), &Actor::Operator, &id, Event::ClientUpdated, public).await.unwrap();
    let text = make("scope", json!("read"), "public");
    let fields = [("grant_type", GRANT), ("assertion", text.as_str()), ("client_id", "agent")];
    assert_refused(&app.post("/oauth/token", None, &fields).await, 400, "unauthorized_client", "public");
}

#[tokio::test]
async fn rfc7523_section_2_2_a_workload_is_the_client_that_the_operator_says_it_is() {
    let (app, other) = world(&[Trust::Workloads], json!({"audiences": ["https://ci.example/aud"]})).await;
    let workload = json!([{"issuer": OTHER, "claims": {"repository": "acme/app", "ref": "refs/heads/main"}}]);
    let new = NewClient {
        id: Some("deployer".to_owned()),
        grant_types: vec![GrantType::ClientCredentials],
        scope: Some(Scope::parse("read").unwrap()),
        auth_method: Some(AuthMethod::PrivateKeyJwt),
        profile: Profile::default().with("workload", &workload).unwrap(),
        ..NewClient::default()
    };
    app.client(new).await;
    let good = json!({"sub": "repo:acme/app:ref:refs/heads/main", "repository": "acme/app", "ref": "refs/heads/main"});
    let call = |id: &'static str, text: String| {
        let app = &app;
        async move {
            let fields = [
                ("grant_type", "client_credentials"),
                ("client_id", id),
                ("client_assertion_type", ASSERTION),
                ("client_assertion", text.as_str()),
            ];
            app.post("/oauth/token", None, &fields).await
        }
    };
    // A job's token may come more than once while it lives.
    let text = other.typed(&app, Some("JWT"), good.clone());
    for _ in 0..2 {
        let reply = call("deployer", text.clone()).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
    }
    let mut elsewhere = good.clone();
    elsewhere["aud"] = json!("https://ci.example/aud");
    assert_eq!(call("deployer", other.about(&app, elsewhere)).await.status, 200);
    for (name, value) in [
        ("repository", json!("acme/app2")),
        ("repository", json!("acme/ap")),
        ("ref", json!("refs/heads/main2")),
        ("ref", Value::Null),
        ("aud", json!("https://third.example")),
        ("iss", json!("https://third.example")),
        ("exp", json!(1)),
    ] {
        let mut claims = good.clone();
        claims[name] = value.clone();
        let reply = call("deployer", other.about(&app, claims)).await;
        assert_refused(&reply, 401, "invalid_client", &format!("{name} = {value}"));
    }
    assert_refused(&call("service", text.clone()).await, 401, "invalid_client", "another client");
    let stranger = Other::new().about(&app, good);
    assert_refused(&call("deployer", stranger).await, 401, "invalid_client", "another's key");
}
