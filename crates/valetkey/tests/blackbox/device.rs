//! RFC 8628 — a device without a browser: it asks, a person types its code, it fetches the answer

use crate::support::{ISSUER, assert_page, assert_refused, outcome, text, with, world};
use serde_json::Value;
use valetkey_core::client::AuthMethod;
use valetkey_core::grant::GrantType;
use valetkey_core::manage::client::NewClient;
use valetkey_testkit::{Browser, CLIENT_SECRET, PASSWORD, Reply, TestApp};

pub(crate) const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
pub(crate) const ENDPOINT: &str = "/oauth/device_authorization";
pub(crate) const TV: [GrantType; 2] = [GrantType::DeviceCode, GrantType::RefreshToken];

/// A public client `tv` without a redirect URI.
pub(crate) async fn tv(app: &TestApp) {
    app.client(NewClient {
        id: Some("tv".to_owned()),
        name: "Living Room".to_owned(),
        auth_method: Some(AuthMethod::None),
        grant_types: TV.to_vec(),
        ..NewClient::default()
    })
    .await;
}

pub(crate) async fn device_world() -> TestApp {
    let app = world().await;
    tv(&app).await;
    app
}

pub(crate) async fn ask(app: &TestApp, fields: &[(&str, &str)]) -> Reply {
    app.call("POST", ENDPOINT).form(fields).send().await
}

pub(crate) async fn begin(app: &TestApp, scope: &str) -> Value {
    let reply = ask(app, &[("client_id", "tv"), ("scope", scope)]).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.json()
}

pub(crate) async fn poll(app: &TestApp, device_code: &str) -> Reply {
    let fields = [("grant_type", GRANT), ("client_id", "tv"), ("device_code", device_code)];
    app.post("/oauth/token", None, &fields).await
}

/// Types a code on the page; follows to the next one.
pub(crate) async fn type_code(browser: &mut Browser<'_>, code: &str) -> Reply {
    let page = browser.get("/device").await;
    assert_eq!(page.status, 200, "{}", page.body);
    let reply = browser.submit("/device", &page, &[("user_code", code)]).await;
    browser.follow(reply).await
}

/// Types the code, signs alice in where that is asked, and stands on the consent page.
pub(crate) async fn consent_page(browser: &mut Browser<'_>, begun: &Value) -> Reply {
    let mut page = type_code(browser, text(begun, "user_code")).await;
    if page.body.contains("name=\"password\"") {
        page = browser.log_in(&page, "alice", PASSWORD).await;
    }
    page
}

#[tokio::test]
async fn rfc8628_section_3_2_the_answer_has_all_that_the_device_needs() {
    let app = device_world().await;
    let reply = ask(&app, &[("client_id", "tv"), ("scope", "read")]).await;
    assert_eq!((reply.status.as_u16(), reply.header("cache-control")), (200, "no-store"));
    let json = reply.json();
    let code = text(&json, "user_code");
    assert!(code.len() == 9 && code.as_bytes()[4] == b'-', "{code}");
    assert!(code.bytes().all(|b| b == b'-' || b"BCDFGHJKLMNPQRSTVWXZ".contains(&b)), "{code}");
    assert_eq!(text(&json, "verification_uri"), format!("{ISSUER}/device"));
    assert_eq!(text(&json, "verification_uri_complete"), format!("{ISSUER}/device?user_code={code}"));
    assert_eq!((json["expires_in"].as_i64(), json["interval"].as_i64()), (Some(600), Some(5)));
    let metadata = app.get("/.well-known/openid-configuration").await.json();
    assert_eq!(metadata["device_authorization_endpoint"], format!("{ISSUER}{ENDPOINT}"));
    assert!(metadata["grant_types_supported"].as_array().unwrap().iter().any(|own| own == GRANT));
}

#[tokio::test]
async fn rfc8628_section_3_5_the_device_gets_its_tokens_once_the_person_allowed_it() {
    let app = device_world().await;
    let begun = begin(&app, "openid read write").await;
    let code = text(&begun, "device_code");
    assert_refused(&poll(&app, code).await, 400, "authorization_pending", "nobody typed it yet");
    let mut browser = app.browser();
    let page = consent_page(&mut browser, &begun).await;
    assert_page(&page, 200, "Living Room wants a key to your account", "consent");
    app.clock.advance(5);
    assert_refused(&poll(&app, code).await, 400, "authorization_pending", "not decided yet");
    let done = browser.decide(&page, "allow", &["read"]).await;
    assert_page(&done, 200, "Go back to where you began", "allowed");
    let reply = poll(&app, code).await;
    assert_eq!((reply.status.as_u16(), reply.header("cache-control")), (200, "no-store"));
    let tokens = reply.json();
    assert_eq!(text(&tokens, "scope"), "openid read", "what was left ticked");
    assert!(crate::support::opens_userinfo(&app, text(&tokens, "access_token")).await);
    assert_eq!(text(&crate::support::claims(text(&tokens, "id_token")), "aud"), "tv");
    // What a device may do does not end with the browser in which somebody allowed it.
    let page = browser.get("/account").await;
    browser.press(&page, "/account/sign-out", "Sign out").await;
    assert_eq!(browser.get("/account").await.status, 303, "signed out");
    let fields = [
        ("grant_type", "refresh_token"),
        ("client_id", "tv"),
        ("refresh_token", text(&tokens, "refresh_token")),
    ];
    assert_eq!(app.post("/oauth/token", None, &fields).await.status, 200);
}

#[tokio::test]
async fn rfc8628_section_3_5_a_no_is_a_no() {
    let app = device_world().await;
    let begun = begin(&app, "read").await;
    let mut browser = app.browser();
    let page = consent_page(&mut browser, &begun).await;
    let done = browser.decide(&page, "deny", &[]).await;
    assert_page(&done, 200, "You said no to", "denied");
    for _ in 0..2 {
        assert_refused(&poll(&app, text(&begun, "device_code")).await, 400, "access_denied", "denied");
    }
    // The same page posted again changes nothing.
    let again = browser.decide(&page, "allow", &["read"]).await;
    assert_page(&again, 200, "This was denied already", "denied");
    assert_refused(&poll(&app, text(&begun, "device_code")).await, 400, "access_denied", "still");
}

#[tokio::test]
async fn rfc8628_section_3_5_who_asks_too_often_waits_five_seconds_longer_on_every_node() {
    let app = device_world().await;
    let other = app.node().await;
    let begun = begin(&app, "read").await;
    let code = text(&begun, "device_code");
    assert_refused(&poll(&app, code).await, 400, "authorization_pending", "the first");
    assert_refused(&poll(&other, code).await, 400, "slow_down", "at once, elsewhere");
    app.clock.advance(6);
    assert_refused(&poll(&app, code).await, 400, "slow_down", "five seconds do not do any more");
    app.clock.advance(15);
    assert_refused(&poll(&other, code).await, 400, "authorization_pending", "fifteen do");
}

#[tokio::test]
async fn rfc8628_section_3_5_an_answer_that_is_there_is_given_however_soon_it_is_asked_for() {
    let app = device_world().await;
    let begun = begin(&app, "read").await;
    poll(&app, text(&begun, "device_code")).await;
    let mut browser = app.browser();
    let page = consent_page(&mut browser, &begun).await;
    browser.decide(&page, "allow", &["read"]).await;
    assert_eq!(poll(&app, text(&begun, "device_code")).await.status, 200);
}

#[tokio::test]
async fn rfc8628_section_3_5_a_code_expires() {
    let app = device_world().await;
    let begun = begin(&app, "read").await;
    let mut browser = app.browser();
    let page = consent_page(&mut browser, &begun).await;
    app.clock.advance(600);
    assert_refused(&poll(&app, text(&begun, "device_code")).await, 400, "expired_token", "expired");
    let late = browser.decide(&page, "allow", &["read"]).await;
    assert_page(&late, 200, "Too late for", "the consent page was open");
    let reply = type_code(&mut browser, text(&begun, "user_code")).await;
    assert_page(&reply, 410, "This code is too old", "typed late");
    app.clock.advance(8000);
    app.server.store.sweep(app.cx().now, 100).await.unwrap();
    assert_refused(&poll(&app, text(&begun, "device_code")).await, 400, "expired_token", "swept");
    assert_page(&type_code(&mut browser, text(&begun, "user_code")).await, 400, "No device", "swept");
}

#[tokio::test]
async fn rfc8628_section_6_1_case_and_punctuation_of_the_code_do_not_matter() {
    let app = device_world().await;
    for change in [
        str::to_lowercase,
        |code: &str| code.replace('-', ""),
        |code: &str| format!(" {} ", code.replace('-', " ")),
    ] {
        let begun = begin(&app, "read").await;
        let typed = change(text(&begun, "user_code"));
        let page = type_code(&mut app.browser(), &typed).await;
        assert_eq!(outcome(&page), "Sign in", "{typed}");
        assert!(page.words().contains("Living Room"), "{typed}: who asks is said");
    }
}

#[tokio::test]
async fn rfc8628_section_3_3_1_a_link_with_the_code_shows_it_to_compare_and_approves_nothing() {
    let app = device_world().await;
    let begun = begin(&app, "read").await;
    let mut browser = app.browser();
    browser.sign_in("alice").await;
    let link = text(&begun, "verification_uri_complete");
    let page = browser.get(link).await;
    assert_page(&page, 200, "Does your device show this code?", "compare");
    assert!(page.words().contains(text(&begun, "user_code")));
    assert_refused(&poll(&app, text(&begun, "device_code")).await, 400, "authorization_pending", "looked at");
    let code = page.hidden("user_code").unwrap();
    let reply = browser.submit("/device", &page, &[("user_code", &code)]).await;
    let page = browser.follow(reply).await;
    assert_page(&page, 200, text(&begun, "user_code"), "the code is on the consent page too");
    app.clock.advance(5);
    assert_refused(&poll(&app, text(&begun, "device_code")).await, 400, "authorization_pending", "compared");
    // What is no code is not shown as one.
    let page = browser.get("/device?user_code=%3Cscript%3E").await;
    assert_page(&page, 200, "Enter the code of your device", "no code");
}

#[tokio::test]
async fn rfc8628_section_5_4_the_person_sees_who_asks_from_where_and_is_warned_and_is_asked_each_time() {
    let app = device_world().await;
    let mut browser = app.browser();
    for round in 0..2 {
        let call = app.call("POST", ENDPOINT).from("203.0.113.9".parse().unwrap());
        let call = call.header("user-agent", "Mozilla/5.0 (X11; Linux x86_64) Chrome/142.0 Safari/537.36");
        let begun = call.form(&[("client_id", "tv"), ("scope", "read")]).send().await.json();
        let page = consent_page(&mut browser, &begun).await;
        let words = page.words();
        for seen in [
            "Living Room",
            text(&begun, "user_code"),
            "203.0.113.9, Chrome on Linux",
            "Another address than the one you are at now",
            "just now",
            "Go on only if you began this yourself",
            "See your things",
        ] {
            assert!(words.contains(seen), "round {round}: {seen} is not in {words}");
        }
        let scopes: &[&str] = if round == 0 { &["read"] } else { &[] };
        browser.decide(&page, "allow", scopes).await;
        assert_eq!(poll(&app, text(&begun, "device_code")).await.status, 200, "round {round}");
    }
}

#[tokio::test]
async fn rfc8628_section_3_1_a_confidential_client_proves_itself_at_both_endpoints() {
    let app = device_world().await;
    let grant_types = TV.to_vec();
    app.client(NewClient { id: Some("box".to_owned()), grant_types, ..NewClient::default() }).await;
    let fields = [("client_id", "box"), ("scope", "read")];
    assert_refused(&ask(&app, &fields).await, 401, "invalid_client", "no secret");
    let begun = app.post(ENDPOINT, Some(("box", CLIENT_SECRET)), &fields).await.json();
    let poll_fields =
        [("grant_type", GRANT), ("client_id", "box"), ("device_code", text(&begun, "device_code"))];
    assert_refused(&app.post("/oauth/token", None, &poll_fields).await, 401, "invalid_client", "no secret");
    let own = app.post("/oauth/token", Some(("box", CLIENT_SECRET)), &poll_fields).await;
    assert_refused(&own, 400, "authorization_pending", "with it");
    assert_refused(&poll(&app, text(&begun, "device_code")).await, 400, "invalid_grant", "another client");
    let altered = crate::support::altered(text(&begun, "device_code"));
    let bent = with(&poll_fields, "device_code", Some(&altered));
    assert_refused(
        &app.post("/oauth/token", Some(("box", CLIENT_SECRET)), &bent).await,
        400,
        "invalid_grant",
        "bent",
    );
    let none = with(&poll_fields, "device_code", None);
    assert_refused(
        &app.post("/oauth/token", Some(("box", CLIENT_SECRET)), &none).await,
        400,
        "invalid_request",
        "none",
    );
}
