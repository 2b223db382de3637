//! Compatibility opt-ins at the authorization endpoint: `implicit`, `oob`, `no_pkce`, and each refused where it is off

use crate::support::{assert_error_page, assert_page, assert_refused, opens_userinfo, text, with, world};
use serde_json::Value;
use std::collections::BTreeMap;
use valetkey_core::audit::{Actor, Event};
use valetkey_core::client::compat::Compat;
use valetkey_core::client::{AuthMethod, Client};
use valetkey_core::manage;
use valetkey_core::manage::client::{NewClient, switch_opt_ins};
use valetkey_testkit::{Browser, CLIENT_SECRET, PASSWORD, Reply, TestApp, VERIFIER, redemption};

const OOB: &str = "urn:ietf:wg:oauth:2.0:oob";

/// A client with an opt-in, beside the strict ones of the world.
async fn opted(compat: &[Compat], new: NewClient) -> TestApp {
    let app = world().await;
    let redirect_uris = if new.redirect_uris.is_empty() {
        vec!["https://app.example/cb".to_owned()]
    } else {
        new.redirect_uris
    };
    app.client(NewClient { id: Some("legacy".to_owned()), compat: compat.to_vec(), redirect_uris, ..new })
        .await;
    app
}

async fn switch(app: &TestApp, compat: &[Compat]) {
    let edit = |client: &mut Client| switch_opt_ins(client, compat.to_vec());
    let (cx, operator) = (app.cx(), Actor::Operator);
    manage::client::update(&cx, &operator, &"legacy".into(), Event::ClientUpdated, edit).await.unwrap();
}

fn implicit_request<'a>(client: &'a str, scope: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("client_id", client),
        ("redirect_uri", "https://app.example/cb"),
        ("response_type", "token"),
        ("scope", scope),
        ("state", "the-state"),
    ]
}

/// Signs alice in and answers the consent page with yes.
async fn allow(browser: &mut Browser<'_>, request: &[(&str, &str)], scopes: &[&str]) -> Reply {
    let mut reply = browser.authorize(request).await;
    if reply.body.contains("name=\"password\"") {
        reply = browser.log_in(&reply, "alice", PASSWORD).await;
    }
    if reply.body.contains("name=\"decision\"") {
        reply = browser.decide(&reply, "allow", scopes).await;
    }
    reply
}

/// What came in the fragment; nothing may have come in the query.
#[track_caller]
fn fragment(reply: &Reply) -> BTreeMap<String, String> {
    assert_eq!(reply.status, 303, "{}", reply.body);
    let (address, fragment) =
        reply.location().split_once('#').unwrap_or_else(|| panic!("{}", reply.location()));
    assert_eq!(address, "https://app.example/cb");
    form_urlencoded::parse(fragment.as_bytes()).into_owned().collect()
}

#[tokio::test]
async fn rfc6749_section_4_2_2_an_opted_client_gets_its_token_in_the_fragment_and_never_a_refresh_token() {
    let app = opted(&[Compat::Implicit], NewClient::default()).await;
    let mut browser = app.browser();
    let request = implicit_request("legacy", "openid read write");
    let page = browser.authorize(&request).await;
    let consent = browser.log_in(&page, "alice", PASSWORD).await;
    assert!(consent.words().contains("this time only"), "{}", consent.words());
    let came = fragment(&browser.decide(&consent, "allow", &["read"]).await);
    let names: Vec<_> = came.keys().map(String::as_str).collect();
    assert_eq!(names, ["access_token", "expires_in", "iss", "scope", "state", "token_type"]);
    assert_eq!((came["token_type"].as_str(), came["expires_in"].as_str()), ("Bearer", "600"));
    assert_eq!((came["scope"].as_str(), came["state"].as_str()), ("openid read", "the-state"));
    assert_eq!(came["iss"], "https://id.example");
    assert!(opens_userinfo(&app, &came["access_token"]).await);
    assert!(app.is_active("legacy", &came["access_token"]).await);
    // A second time nobody is asked, and another token comes.
    let again = fragment(&browser.authorize(&with(&request, "scope", Some("openid read"))).await);
    assert_ne!(again["access_token"], came["access_token"]);
    app.clock.advance(601);
    assert!(!opens_userinfo(&app, &again["access_token"]).await);
}

#[tokio::test]
async fn an_implicit_token_stands_as_a_grant_and_dies_with_it() {
    for how in ["revoked by the client", "consent withdrawn", "user disabled", "client disabled"] {
        let app = opted(&[Compat::Implicit], NewClient::default()).await;
        let mut browser = app.browser();
        let reply = allow(&mut browser, &implicit_request("legacy", "openid read"), &["read"]).await;
        let token = fragment(&reply).remove("access_token").unwrap();
        assert_eq!(app.rows().await["grants"], 1);
        let (cx, operator) = (app.cx(), Actor::Operator);
        let alice = crate::support::user_id(&app, "alice").await;
        match how {
            "revoked by the client" => {
                let basic = Some(("legacy", CLIENT_SECRET));
                assert_eq!(app.post("/oauth/revoke", basic, &[("token", &token)]).await.status, 200);
            }
            "consent withdrawn" => {
                manage::consent::withdraw(&cx, operator, &alice, &"legacy".into()).await.unwrap();
            }
            "user disabled" => drop(manage::user::disable(&cx, &operator, &alice).await.unwrap()),
            _ => crate::support::disable_client(&app, "legacy").await,
        }
        assert!(!opens_userinfo(&app, &token).await, "{how}");
    }
}

#[tokio::test]
async fn without_the_opt_in_response_type_token_is_unsupported_also_after_it_was_taken_back() {
    let app = opted(&[Compat::Implicit], NewClient::default()).await;
    let refused = |reply: &Reply| {
        let answer = reply.redirected();
        assert_eq!(answer.get("error").map(String::as_str), Some("unsupported_response_type"), "{answer:?}");
        assert!(!reply.location().contains('#'), "{}", reply.location());
    };
    refused(&app.browser().authorize(&implicit_request("app", "read")).await);
    let mut browser = app.browser();
    let page = browser.authorize(&implicit_request("legacy", "read")).await;
    switch(&app, &[]).await;
    refused(&app.browser().authorize(&implicit_request("legacy", "read")).await);
    // Also where the person was on the way.
    let consent = browser.log_in(&page, "alice", PASSWORD).await;
    let came = fragment(&browser.decide(&consent, "allow", &["read"]).await);
    assert_eq!(came["error"], "unauthorized_client");
    assert!(!came.contains_key("access_token"));
    assert_eq!(app.rows().await["grants"], 0);
}

#[tokio::test]
async fn rfc6749_section_4_2_2_1_errors_of_an_implicit_request_come_in_the_fragment_too() {
    let app = opted(&[Compat::Implicit], NewClient::default()).await;
    let request = implicit_request("legacy", "read");
    for (name, value, error) in [
        ("scope", "nothing", "invalid_scope"),
        ("response_mode", "query", "invalid_request"),
        ("prompt", "none", "login_required"),
        ("resource", "https://nowhere.example", "invalid_target"),
    ] {
        let came = fragment(&app.browser().authorize(&with(&request, name, Some(value))).await);
        assert_eq!(came["error"], error, "{name}={value}");
        assert_eq!((came["state"].as_str(), came["iss"].as_str()), ("the-state", "https://id.example"));
    }
    let mut browser = app.browser();
    let page = browser.authorize(&request).await;
    let consent = browser.log_in(&page, "alice", PASSWORD).await;
    let came = fragment(&browser.decide(&consent, "deny", &[]).await);
    assert_eq!(came["error"], "access_denied");
    for kind in ["none", "token token", "TOKEN"] {
        let reply = app.browser().authorize(&with(&request, "response_type", Some(kind))).await;
        assert_eq!(reply.redirected()["error"], "unsupported_response_type", "{kind}");
    }
}

#[tokio::test]
async fn a_token_goes_to_the_very_address_that_was_registered_or_nowhere() {
    let redirect_uris = vec!["http://127.0.0.1:5000/cb".to_owned(), "https://app.example/cb".to_owned()];
    let app = opted(&[Compat::Implicit], NewClient { redirect_uris, ..NewClient::default() }).await;
    for uri in [
        "http://127.0.0.1:5001/cb",
        "http://127.0.0.1/cb",
        "https://app.example/cb/",
        "https://app.example/cb?x=1",
        "https://app.example/cb#",
        "https://APP.example/cb",
    ] {
        let request = with(&implicit_request("legacy", "read"), "redirect_uri", Some(uri));
        let reply = app.browser().get(&format!("/oauth/authorize?{}", encode(&request))).await;
        assert_error_page(&reply, 400, "", uri);
        // A code may go to another port of the same device (RFC 8252 §7.3).
        if uri == "http://127.0.0.1:5001/cb" {
            let code = with(&Browser::request("legacy", "read"), "redirect_uri", Some(uri));
            assert_eq!(app.browser().get(&format!("/oauth/authorize?{}", encode(&code))).await.status, 303);
        }
    }
}

fn encode(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

#[tokio::test]
async fn discovery_promises_implicit_and_password_while_a_client_has_them() {
    let app = world().await;
    let promised = async |name: &str| -> Vec<String> {
        let metadata: Value = app.get("/.well-known/oauth-authorization-server").await.json();
        metadata[name].as_array().unwrap().iter().map(|v| v.as_str().unwrap().to_owned()).collect()
    };
    let strict = ["authorization_code", "client_credentials", "refresh_token"];
    assert_eq!(promised("response_types_supported").await, ["code"]);
    assert_eq!(promised("grant_types_supported").await, strict);
    app.client(NewClient {
        id: Some("legacy".to_owned()),
        compat: vec![Compat::Implicit, Compat::Password],
        redirect_uris: vec!["https://app.example/cb".to_owned()],
        ..NewClient::default()
    })
    .await;
    let all = ["code", "token", "id_token", "id_token token", "code id_token", "code token"];
    assert_eq!(promised("response_types_supported").await, [&all[..], &["code id_token token"]].concat());
    assert_eq!(promised("grant_types_supported").await, [&strict[..], &["password", "implicit"]].concat());
    switch(&app, &[Compat::Password]).await;
    assert_eq!(promised("response_types_supported").await, ["code"]);
    crate::support::disable_client(&app, "legacy").await;
    assert_eq!(promised("grant_types_supported").await, strict);
}

#[tokio::test]
async fn an_out_of_band_code_is_shown_to_be_copied_and_stands_in_no_address() {
    let redirect_uris = vec![OOB.to_owned()];
    let app = opted(&[Compat::Oob], NewClient { redirect_uris, ..NewClient::default() }).await;
    let request = with(&Browser::request("legacy", "openid read"), "redirect_uri", Some(OOB));
    let mut browser = app.browser();
    let page = browser.authorize(&request).await;
    let consent = browser.log_in(&page, "alice", PASSWORD).await;
    assert!(consent.words().contains("Give that code to this app only"), "{}", consent.words());
    let shown = browser.decide(&consent, "allow", &["read"]).await;
    assert_page(&shown, 200, "Copy this code", "allowed");
    assert!(shown.words().contains("wants your account"), "{}", shown.words());
    let code = shown.body.split("vk_ac_").nth(1).unwrap().split('<').next().unwrap();
    let code = format!("vk_ac_{code}");
    let title = shown.body.split("<title>").nth(1).unwrap().split('<').next().unwrap();
    assert!(!title.contains("vk_ac_"), "{title}");
    let redemption = with(&redemption(&code), "redirect_uri", Some(OOB));
    let reply = app.token("legacy", &redemption).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(text(&reply.json(), "scope"), "openid read");

    // Asked again, and told no: that is a page too.
    let consent = browser.authorize(&with(&request, "prompt", Some("consent"))).await;
    let denied = browser.decide(&consent, "deny", &[]).await;
    assert_page(&denied, 200, "You said no", "denied");
    assert!(!denied.body.contains("vk_ac_"));
    let wrong = app.browser().authorize(&with(&request, "scope", Some("nothing"))).await;
    assert_page(&wrong, 200, "invalid_scope", "a wrong request");
}

#[tokio::test]
async fn without_the_opt_in_the_out_of_band_address_cannot_be_registered_or_used() {
    let app = world().await;
    let new = NewClient { name: "X".to_owned(), redirect_uris: vec![OOB.to_owned()], ..NewClient::default() };
    let refused = manage::client::create(&app.cx(), Actor::Operator, new).await.unwrap_err().to_string();
    assert!(refused.contains("opt-in oob"), "{refused}");
    let request = with(&Browser::request("app", "read"), "redirect_uri", Some(OOB));
    let reply = app.browser().get(&format!("/oauth/authorize?{}", encode(&request))).await;
    assert_error_page(&reply, 400, "", "not registered");

    // Nor can the opt-in be taken back under an address that needs it, or a token be shown.
    let redirect_uris = vec![OOB.to_owned()];
    let both = &[Compat::Oob, Compat::Implicit];
    let app = opted(both, NewClient { redirect_uris, ..NewClient::default() }).await;
    let edit = |client: &mut Client| switch_opt_ins(client, Vec::new());
    let (cx, operator) = (app.cx(), Actor::Operator);
    let refused = manage::client::update(&cx, &operator, &"legacy".into(), Event::ClientUpdated, edit).await;
    assert!(refused.unwrap_err().to_string().contains("opt-in oob"));
    let token = with(&implicit_request("legacy", "read"), "redirect_uri", Some(OOB));
    let page = app.browser().authorize(&token).await;
    assert_page(&page, 200, "invalid_request", "a token");
    assert!(!page.body.contains("vk_at_"));
}

#[tokio::test]
async fn an_opted_confidential_client_may_leave_pkce_out_but_not_half_of_it() {
    let app = opted(&[Compat::NoPkce], NewClient::default()).await;
    let whole = Browser::request("legacy", "read");
    let bare = with(&with(&whole, "code_challenge", None), "code_challenge_method", None);
    let mut browser = app.browser();
    let mut code = async |request: &[(&str, &str)]| {
        allow(&mut browser, request, &["read"]).await.redirected().remove("code").unwrap()
    };
    // Without a challenge: no verifier; the redirect_uri may be left out, and must fit where it is sent (ADR 0012).
    let one = code(&bare).await;
    let exchange = with(&redemption(&one), "code_verifier", None);
    assert_eq!(app.token("legacy", &exchange).await.status, 200);
    let two = code(&bare).await;
    assert_refused(&app.token("legacy", &redemption(&two)).await, 400, "invalid_grant", "a verifier");
    let exchange = with(&redemption(&two), "code_verifier", None);
    let wrong = with(&exchange, "redirect_uri", Some("https://app.example/other"));
    assert_refused(&app.token("legacy", &wrong).await, 400, "invalid_grant", "another address");
    assert_eq!(app.token("legacy", &with(&exchange, "redirect_uri", None)).await.status, 200);
    // With one: as strict as ever.
    let three = code(&whole).await;
    let exchange = with(&redemption(&three), "code_verifier", None);
    assert_refused(&app.token("legacy", &exchange).await, 400, "invalid_grant", "no verifier");
    assert_eq!(app.token("legacy", &with(&exchange, "code_verifier", Some(VERIFIER))).await.status, 200);
    let half = with(&whole, "code_challenge", None);
    let refused = app.browser().authorize(&half).await.redirected();
    assert_eq!(refused["error"], "invalid_request");
    // The opt-in gone, so is the code that was made without a challenge.
    let four = code(&bare).await;
    switch(&app, &[]).await;
    let exchange = with(&redemption(&four), "code_verifier", None);
    assert_refused(&app.token("legacy", &exchange).await, 400, "invalid_grant", "switched off");
}

#[tokio::test]
async fn without_the_opt_in_pkce_is_required_and_a_public_client_cannot_have_it() {
    let app = opted(&[Compat::NoPkce], NewClient::default()).await;
    let request = Browser::request("app", "read");
    let bare = with(&with(&request, "code_challenge", None), "code_challenge_method", None);
    assert_eq!(app.browser().authorize(&bare).await.redirected()["error"], "invalid_request");
    for compat in [Compat::NoPkce, Compat::CodeAsRefreshToken] {
        let new = NewClient {
            name: "X".to_owned(),
            redirect_uris: vec!["https://spa.example/cb".to_owned()],
            auth_method: Some(AuthMethod::None),
            compat: vec![compat],
            ..NewClient::default()
        };
        let refused = manage::client::create(&app.cx(), Actor::Operator, new).await.unwrap_err().to_string();
        assert!(refused.contains("confidential clients only"), "{refused}");
    }
}

#[tokio::test]
async fn every_switching_of_an_opt_in_stands_in_the_audit_trail() {
    let app = opted(&[Compat::Implicit, Compat::NoPkce], NewClient::default()).await;
    switch(&app, &[Compat::NoPkce, Compat::Password]).await;
    switch(&app, &[]).await;
    let told: Vec<_> = app.records().await.into_iter().filter_map(|record| record.object).collect();
    assert!(told.contains(&"+implicit +no_pkce".to_owned()), "{told:?}");
    assert!(told.contains(&"+password -implicit".to_owned()), "{told:?}");
    assert!(told.contains(&"-password -no_pkce".to_owned()), "{told:?}");
}
