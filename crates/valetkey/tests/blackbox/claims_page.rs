//! OIDC Core §5.1, ASVS 7.5.1 — people see what is known of them, and change what the operator lets them

use crate::support::{
    assert_error_page, assert_page, describe, furnish, opens_userinfo, text, user_id, world,
};
use serde_json::json;
use valetkey_core::audit::{Actor, Event};
use valetkey_core::directory::User;
use valetkey_core::manage;
use valetkey_core::manage::user::Edit;
use valetkey_testkit::{Browser, PASSWORD, Reply, TestApp};

const DETAILS: &str = "/account/details";
const PROFILE: &str = "/account/profile";

async fn alice(app: &TestApp) -> User {
    app.server.store.user(&user_id(app, "alice").await).await.unwrap().unwrap()
}

async fn send(browser: &mut Browser<'_>, path: &str, fields: &[(&str, &str)]) -> Reply {
    let page = browser.get(path).await;
    let reply = browser.submit(path, &page, fields).await;
    browser.follow(reply).await
}

#[tokio::test]
async fn oidc_core_section_5_1_what_a_person_says_of_themselves_reaches_the_applications_that_may_see_it() {
    let app = world().await;
    let mut browser = app.browser();
    let tokens = browser.tokens("app", "openid profile email address phone", "alice").await;
    let token = text(&tokens, "access_token");
    assert!(opens_userinfo(&app, token).await);
    let all = [
        ("given_name", "Alice"),
        ("middle_name", "Pleasance"),
        ("family_name", "Liddell"),
        ("nickname", "Al"),
        ("birthdate", "0000-11-26"),
        ("gender", "female"),
        ("locale", "en-GB"),
        ("zoneinfo", "Europe/London"),
        ("website", "https://alice.example/"),
        ("profile", "https://people.example/alice"),
        ("picture", "https://people.example/alice.png"),
        ("phone_number", "+44 20 7946 0123"),
        ("street_address", "1 Folly Bridge\r\nLower Floor"),
        ("locality", "Oxford"),
        ("region", "Oxfordshire"),
        ("postal_code", "OX1 4LB"),
        ("country", "United Kingdom"),
        ("password", PASSWORD),
    ];
    app.clock.advance(5);
    let done = send(&mut browser, DETAILS, &all).await;
    assert_page(&done, 200, "Your profile is changed.", "all of it");
    let said = app.get_with_token("/oauth/userinfo", token).await.json();
    for (name, value) in &all[..12] {
        assert_eq!(said[*name], *value, "{name}");
    }
    assert_eq!(said["phone_number_verified"], false);
    assert_eq!(said["address"]["locality"], "Oxford");
    assert_eq!(said["updated_at"], app.cx().now.0);
    let page = browser.get(DETAILS).await;
    assert_eq!(page.field("zoneinfo").as_deref(), Some("Europe/London"));
    let told: Vec<_> =
        app.records().await.into_iter().filter(|own| own.event == Event::UserUpdated).collect();
    assert!(matches!(told[0].actor, Actor::User(_)) && told.len() == 1);
    let object = told[0].object.clone().unwrap();
    assert!(
        object.contains("given_name") && object.contains("address") && !object.contains("Alice"),
        "{object}"
    );
    let log = browser.get("/account/log").await;
    assert!(log.words().contains("You changed what apps may know of you."), "{}", log.words());
    // An empty field takes it out; one that does not come stays.
    send(&mut browser, DETAILS, &[("nickname", ""), ("locality", "")]).await;
    let own = alice(&app).await.claims;
    assert_eq!((own.get("nickname"), own.text("gender")), (None, "female"));
    let address = own.get("address").unwrap();
    assert_eq!((&address["locality"], &address["country"]), (&json!(null), &json!("United Kingdom")));
    // Nothing changed, nothing told.
    send(&mut browser, DETAILS, &[("gender", "female")]).await;
    let told = app.records().await.into_iter().filter(|own| own.event == Event::UserUpdated).count();
    assert_eq!(told, 2);
}

#[tokio::test]
async fn what_cannot_stand_is_said_beside_its_field_and_nothing_is_changed() {
    let app = world().await;
    let mut browser = app.browser();
    browser.sign_in("alice").await;
    for (name, value, words) in [
        ("birthdate", "26.11.1865", "This must look like 1865-11-26"),
        ("zoneinfo", "London time", "This must be a time zone"),
        ("zoneinfo", "Europe/Atlantis", "This must be a time zone"),
        ("locale", "<b>", "This must be a language tag"),
        ("website", "javascript:alert(1)", "This must be an http or https address"),
        ("picture", "/alice.png", "This must be an http or https address"),
        ("nickname", &*"n".repeat(201), "This must be one line of reasonable length"),
        ("nickname", "a\u{7}", "This must be one line of reasonable length"),
        ("phone_number", "call me", "This must be a phone number"),
        ("country", &*"n".repeat(501), "at most 500 characters"),
    ] {
        let fields = [(name, value), ("given_name", "Alice"), ("password", PASSWORD)];
        let reply = send(&mut browser, DETAILS, &fields).await;
        assert_page(&reply, 400, words, name);
        assert_eq!(reply.field("given_name").as_deref(), Some("Alice"), "what was typed is kept");
        assert!(!reply.body.contains("value=\"javascript") || name == "website");
        assert!(alice(&app).await.claims.is_empty(), "{name}");
    }
    // What is proven, and what the account itself holds, is not for a person to say here.
    let extra =
        [("phone_number_verified", "true"), ("email_verified", "true"), ("preferred_username", "root")];
    send(&mut browser, DETAILS, &[&[("given_name", "Alice")], &extra[..]].concat()).await;
    let own = alice(&app).await;
    assert_eq!((own.username.as_str(), own.email_verified), ("alice", false));
    assert_eq!(own.claims.to_text(), r#"{"given_name":"Alice"}"#);
}

#[tokio::test]
async fn asvs_7_5_1_a_phone_number_changes_only_with_the_password_and_is_unproven_then() {
    let app = world().await;
    describe(&app, "alice").await;
    let before = alice(&app).await.claims;
    let mut browser = app.browser();
    browser.sign_in("alice").await;
    for (password, status, words) in
        [("", 400, "Enter your password."), ("wrong wrong wrong", 401, "This is not your password.")]
    {
        let fields = [("phone_number", "+31205550999"), ("nickname", "Ally"), ("password", password)];
        let reply = send(&mut browser, DETAILS, &fields).await;
        assert_page(&reply, status, words, words);
        assert_eq!(reply.field("nickname").as_deref(), Some("Ally"));
        assert_eq!(reply.field("password").as_deref(), Some(""));
        assert_eq!(alice(&app).await.claims, before);
    }
    let fields = [("phone_number", "+31205550999"), ("password", PASSWORD)];
    assert_page(&send(&mut browser, DETAILS, &fields).await, 200, "Your profile is changed.", "changed");
    let own = alice(&app).await.claims;
    assert_eq!((own.text("phone_number"), own.get("phone_number_verified")), ("+31205550999", None));
    // What all of an address reads like goes when a part changes, and stays else.
    let formatted = |own: &User| own.claims.get("address").is_some_and(|own| own.get("formatted").is_some());
    let edit = json!({"address": {"formatted": "1 Bridge, Oxford", "locality": "Oxford"}});
    let claims = edit.as_object().unwrap().clone();
    let id = user_id(&app, "alice").await;
    let edit = Edit { claims, ..Edit::default() };
    manage::user::edit(&app.cx(), &Actor::Operator, &id, &edit).await.unwrap();
    send(&mut browser, DETAILS, &[("locality", "Oxford"), ("country", ""), ("nickname", "A")]).await;
    assert!(formatted(&alice(&app).await));
    send(&mut browser, DETAILS, &[("locality", "London")]).await;
    assert!(!formatted(&alice(&app).await));
}

#[tokio::test]
async fn what_the_operator_keeps_is_shown_and_not_changed_whatever_is_sent() {
    let app =
        furnish(TestApp::builder().accounts(|own| own.editable_claims = Some(vec!["nickname".to_owned()])))
            .await;
    describe(&app, "alice").await;
    let before = alice(&app).await;
    let mut browser = app.browser();
    browser.sign_in("alice").await;
    let page = browser.get(DETAILS).await;
    assert_eq!(page.field("given_name").as_deref(), Some("Alice"));
    assert!(page.words().contains("Those who run this server look after it."), "{}", page.words());
    let fields = [("given_name", "Eve"), ("phone_number", "1234"), ("country", "X"), ("nickname", "Ally")];
    send(&mut browser, DETAILS, &fields).await;
    let after = alice(&app).await;
    assert_eq!(after.claims.text("nickname"), "Ally");
    for name in ["given_name", "phone_number", "address"] {
        assert_eq!(after.claims.get(name), before.claims.get(name), "{name}");
    }
    let fields = [("name", "Eve"), ("email", "eve@example.org"), ("password", PASSWORD)];
    send(&mut browser, PROFILE, &fields).await;
    let after = alice(&app).await;
    assert_eq!((after.name, after.email), (before.name, before.email));

    let none = furnish(TestApp::builder().accounts(|own| own.editable_claims = Some(Vec::new()))).await;
    let mut browser = none.browser();
    browser.sign_in("alice").await;
    let page = browser.get(DETAILS).await;
    assert!(page.words().contains("Nothing more is known of you here."), "{}", page.words());
    assert!(!browser.get(PROFILE).await.words().contains("Save"));
}

#[tokio::test]
async fn the_page_wants_a_session_and_the_form_its_proof() {
    let app = world().await;
    let reply = app.browser().get(DETAILS).await;
    assert_eq!(reply.location(), "https://id.example/login?next=%2Faccount%2Fdetails");
    let mut browser = app.browser();
    browser.sign_in("alice").await;
    let own = browser.get(DETAILS).await.hidden("csrf").unwrap();
    for proof in ["", "x"] {
        let reply = browser.post(DETAILS, &[("csrf", proof), ("nickname", "M")]).await;
        assert_error_page(&reply, 403, "We cannot tell", proof);
    }
    let all = [("csrf", &*own), ("nickname", "M")];
    assert_eq!(browser.post_from("cross-site", DETAILS, &all).await.status, 403);
    let twice = [&all[..], &[("nickname", "N")]].concat();
    assert_eq!(browser.post(DETAILS, &twice).await.status, 403);
    assert!(alice(&app).await.claims.is_empty());
}
