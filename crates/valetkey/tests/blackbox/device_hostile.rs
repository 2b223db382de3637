//! RFC 8628 §5, RFC 10027 — what goes wrong with a device code, and does not

use crate::device::{ENDPOINT, GRANT, ask, begin, consent_page, device_world, poll, tv, type_code};
use crate::support::{
    assert_error_page, assert_page, assert_refused, disable_client, opens_userinfo, text, user_id, world,
};
use valetkey_core::audit::Actor;
use valetkey_core::ids::TenantId;
use valetkey_core::manage;
use valetkey_core::manage::tenant::NewTenant;
use valetkey_testkit::{Browser, PASSWORD, Reply, TestApp};

/// A device code that alice allowed.
async fn allowed(app: &TestApp) -> (Browser<'_>, String) {
    let begun = begin(app, "openid read").await;
    let mut browser = app.browser();
    let page = consent_page(&mut browser, &begun).await;
    browser.decide(&page, "allow", &["read"]).await;
    (browser, text(&begun, "device_code").to_owned())
}

#[tokio::test]
async fn without_a_client_that_is_registered_for_it_there_is_no_such_endpoint_page_or_grant() {
    let app = world().await;
    assert_refused(&ask(&app, &[("client_id", "spa")]).await, 404, "invalid_request", "off");
    assert_error_page(&app.get("/device").await, 404, "There is no page here", "off");
    let fields = [("grant_type", GRANT), ("client_id", "spa"), ("device_code", "x")];
    assert_refused(&app.post("/oauth/token", None, &fields).await, 400, "unsupported_grant_type", "off");
    let metadata = app.get("/.well-known/openid-configuration").await.json();
    assert!(metadata.get("device_authorization_endpoint").is_none());
    tv(&app).await;
    assert_refused(&ask(&app, &[("client_id", "spa")]).await, 400, "unauthorized_client", "not this one");
    assert_refused(
        &app.post("/oauth/token", None, &fields).await,
        400,
        "unauthorized_client",
        "not this one",
    );
    assert_eq!(ask(&app, &[("client_id", "tv")]).await.status, 200);
}

#[tokio::test]
async fn rfc8628_section_3_1_a_bad_request_is_refused_and_leaves_nothing() {
    let app = device_world().await;
    let before = app.rows().await;
    for (fields, error) in [
        (vec![("client_id", "tv"), ("scope", "nonsense")], "invalid_scope"),
        (vec![("client_id", "tv"), ("scope", "read"), ("scope", "write")], "invalid_request"),
        (vec![("client_id", "tv"), ("resource", "https://nowhere.example")], "invalid_target"),
        (vec![("client_id", "tv"), ("tenant_id", "nowhere")], "invalid_request"),
    ] {
        assert_refused(&ask(&app, &fields).await, 400, error, &format!("{fields:?}"));
    }
    let reply = app.call("POST", &format!("{ENDPOINT}?client_id=tv")).form(&[("scope", "read")]).send().await;
    assert_refused(&reply, 400, "invalid_request", "in the query");
    assert_refused(&ask(&app, &[("client_id", "nobody")]).await, 401, "invalid_client", "nobody");
    assert_eq!(app.rows().await, before);
}

#[tokio::test]
async fn a_device_code_works_once_on_whichever_node() {
    let app = device_world().await;
    let other = app.node().await;
    let (_, code) = allowed(&app).await;
    let (one, two) = tokio::join!(poll(&app, &code), poll(&other, &code));
    let (won, lost): (Vec<Reply>, Vec<Reply>) = [one, two].into_iter().partition(|reply| reply.status == 200);
    assert_eq!((won.len(), lost.len()), (1, 1));
    assert_refused(&lost[0], 400, "invalid_grant", "the slower one");
    let tokens = won[0].json();
    assert!(opens_userinfo(&app, text(&tokens, "access_token")).await, "two at once are no theft");
    app.clock.advance(30);
    assert_refused(&poll(&other, &code).await, 400, "invalid_grant", "much later");
    app.server.follow_changes().await.unwrap();
    assert!(!opens_userinfo(&app, text(&tokens, "access_token")).await, "somebody found it: taken back");
}

#[tokio::test]
async fn what_holds_no_more_between_the_answer_and_its_fetching_gives_nothing() {
    for case in
        ["user disabled", "must change password", "consent withdrawn", "user deleted", "tokens taken back"]
    {
        let app = device_world().await;
        let (_, code) = allowed(&app).await;
        app.clock.advance(1);
        let (cx, alice) = (app.cx(), user_id(&app, "alice").await);
        match case {
            "user disabled" => drop(manage::user::disable(&cx, &Actor::Operator, &alice).await.unwrap()),
            "must change password" => require_change(&app).await,
            "user deleted" => manage::user::delete(&cx, Actor::Operator, &alice).await.unwrap(),
            _ => manage::consent::withdraw(&cx, Actor::Operator, &alice, &"tv".into()).await.unwrap(),
        }
        assert_refused(&poll(&app, &code).await, 400, "invalid_grant", case);
    }
    let app = device_world().await;
    let (_, code) = allowed(&app).await;
    disable_client(&app, "tv").await;
    tv_twin(&app).await;
    assert_refused(&poll(&app, &code).await, 401, "invalid_client", "client disabled");
}

/// So that the grant is offered still.
async fn tv_twin(app: &TestApp) {
    app.client(valetkey_core::manage::client::NewClient {
        id: Some("twin".to_owned()),
        grant_types: crate::device::TV.to_vec(),
        ..Default::default()
    })
    .await;
}

async fn require_change(app: &TestApp) {
    let mut alice = app.server.store.user(&user_id(app, "alice").await).await.unwrap().unwrap();
    alice.must_change_password = true;
    let record = app.cx().record(valetkey_core::audit::Event::PasswordChangeRequired, Actor::Operator);
    app.server.store.update_user(&alice, None, false, &record).await.unwrap();
}

#[tokio::test]
async fn rfc8628_section_5_1_guessing_codes_is_slowed_down_and_a_good_code_of_ones_own_does_not_help() {
    let app = device_world().await;
    let mut browser = app.browser();
    let mut statuses = Vec::new();
    for n in 0..14 {
        if n == 5 {
            let begun = begin(&app, "read").await;
            type_code(&mut browser, text(&begun, "user_code")).await;
        }
        statuses.push(type_code(&mut browser, "BCDF-GHJK").await.status.as_u16());
    }
    assert_eq!(statuses.iter().filter(|status| **status == 400).count(), 11, "{statuses:?}");
    let begun = begin(&app, "read").await;
    let reply = type_code(&mut browser, text(&begun, "user_code")).await;
    assert_page(&reply, 429, "Too many codes", "even the right one");
    assert!(!reply.header("retry-after").is_empty());
    // Somebody else is not held up.
    let reply = type_code(&mut app.browser().at("198.51.100.4"), text(&begun, "user_code")).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
}

#[tokio::test]
async fn rfc8628_section_5_1_guessing_with_fresh_browsers_is_slowed_down_by_address() {
    let app = device_world().await;
    let mut statuses = Vec::new();
    for _ in 0..55 {
        statuses.push(type_code(&mut app.browser(), "BCDF-GHJK").await.status.as_u16());
    }
    assert!(statuses[..50].iter().all(|status| *status == 400), "{statuses:?}");
    assert!(statuses[51..].iter().all(|status| *status == 429), "{statuses:?}");
}

#[tokio::test]
async fn wrong_used_and_missing_codes_are_told_apart_and_lead_nowhere() {
    let app = device_world().await;
    let mut browser = app.browser();
    assert_page(&type_code(&mut browser, "").await, 400, "Enter the code that your device shows", "none");
    assert_page(&type_code(&mut browser, "BCDF-GHJK").await, 400, "No device of this place", "wrong");
    assert_page(
        &type_code(&mut browser, "AEIOU-12345").await,
        400,
        "No device of this place",
        "none of ours",
    );
    let begun = begin(&app, "read").await;
    let page = consent_page(&mut browser, &begun).await;
    browser.decide(&page, "allow", &["read"]).await;
    let reply = type_code(&mut browser, text(&begun, "user_code")).await;
    assert_page(&reply, 410, "This code was used already", "used");
}

#[tokio::test]
async fn the_form_of_the_code_is_bound_to_the_browser_and_the_answer_to_the_session() {
    let app = device_world().await;
    let begun = begin(&app, "read").await;
    let (mut alice, mut mallory) = (app.browser(), app.browser());
    let page = alice.get("/device").await;
    mallory.get("/device").await;
    let code = text(&begun, "user_code");
    let reply = mallory.submit("/device", &page, &[("user_code", code)]).await;
    assert_page(&reply, 400, "This page was open for too long", "another browser's form");
    let csrf = page.hidden("csrf").unwrap();
    let fields = [("csrf", csrf.as_str()), ("user_code", code)];
    assert_error_page(
        &alice.post_from("cross-site", "/device", &fields).await,
        403,
        "We cannot tell",
        "another site",
    );
    let consent = consent_page(&mut alice, &begun).await;
    let i = consent.hidden("i").unwrap();
    let csrf = consent.hidden("csrf").unwrap();
    let fields = [("i", i.as_str()), ("csrf", csrf.as_str()), ("scope", "read"), ("decision", "allow")];
    let reply = mallory.post("/consent", &fields).await;
    assert_error_page(&reply, 400, "Your browser came without our cookie", "another browser's answer");
    app.clock.advance(5);
    assert_refused(
        &poll(&app, text(&begun, "device_code")).await,
        400,
        "authorization_pending",
        "nothing came of it",
    );
}

#[tokio::test]
async fn of_two_people_who_answer_one_code_the_first_decides() {
    let app = device_world().await;
    let begun = begin(&app, "openid read").await;
    let (mut alice, mut bob) = (app.browser(), app.browser());
    let first = consent_page(&mut alice, &begun).await;
    let page = type_code(&mut bob, text(&begun, "user_code")).await;
    let second = bob.log_in(&page, "bob", PASSWORD).await;
    assert_page(&alice.decide(&first, "allow", &["read"]).await, 200, "Go back", "alice");
    let late = bob.decide(&second, "allow", &["read"]).await;
    assert_page(&late, 200, "This is not for your account", "bob");
    let tokens = poll(&app, text(&begun, "device_code")).await.json();
    let sub = crate::support::claims(text(&tokens, "id_token"))["sub"].clone();
    assert_eq!(sub, user_id(&app, "alice").await.as_str());
}

#[tokio::test]
async fn a_tenant_that_is_switched_off_meanwhile_gives_nothing() {
    let app = device_world().await;
    let new = NewTenant { id: "corp".to_owned(), name: "Corp".to_owned(), logo: None };
    manage::tenant::create(&app.cx(), Actor::Operator, new).await.unwrap();
    let begun = ask(&app, &[("client_id", "tv"), ("scope", "read"), ("tenant_id", "corp")]).await.json();
    let page = type_code(&mut app.browser(), text(&begun, "user_code")).await;
    assert!(page.words().contains("Sign in to Corp"), "{}", page.words());
    manage::tenant::disable(&app.cx(), &Actor::Operator, &TenantId::from("corp")).await.unwrap();
    let page = type_code(&mut app.browser(), text(&begun, "user_code")).await;
    assert!(page.words().contains("the user directory was switched off"), "{}", page.words());
}
