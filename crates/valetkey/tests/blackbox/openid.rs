//! OIDC Core §3.1.2.1, §5.5, §8 — claims asked for by name, hints, pairwise subjects, signed userinfo

use crate::support::{claims, describe, outcome, text, user_id, with, world};
use serde_json::{Value, json};
use valetkey_core::client::profile::Profile;
use valetkey_core::manage::client::NewClient;
use valetkey_testkit::{Browser, Reply, TestApp, redemption};

async fn client(app: &TestApp, id: &str, members: Value) {
    let profile: Profile = serde_json::from_value(members).unwrap();
    app.client(NewClient {
        id: Some(id.to_owned()),
        redirect_uris: vec!["https://app.example/cb".to_owned()],
        profile,
        ..NewClient::default()
    })
    .await;
}

async fn userinfo(app: &TestApp, tokens: &Value) -> Reply {
    app.get_with_token("/oauth/userinfo", text(tokens, "access_token")).await
}

#[tokio::test]
async fn oidc_core_section_5_5_a_claim_asked_for_by_name_is_shown_and_can_be_declined() {
    let app = world().await;
    describe(&app, "alice").await;
    let asked =
        r#"{"userinfo":{"given_name":{"essential":true},"nickname":null},"id_token":{"birthdate":null}}"#;
    for (ticked, given, birthdate) in
        [(&["claim:given_name", "claim:birthdate"][..], true, true), (&["claim:nickname"], false, false)]
    {
        let mut browser = app.browser();
        browser.sign_in("alice").await;
        let request = with(&Browser::request("app", "openid"), "claims", Some(asked));
        let request = with(&request, "prompt", Some("consent"));
        let page = browser.authorize(&request).await;
        assert!(page.words().contains("See your given name"), "{}", page.words());
        let done = browser.decide(&page, "allow", ticked).await.redirected();
        let tokens = app.token("app", &redemption(&done["code"])).await.json();
        assert_eq!(text(&tokens, "scope"), "openid", "a claim is no scope");
        let said = userinfo(&app, &tokens).await.json();
        if ticked.len() == 2 {
            assert_eq!((said.get("given_name").is_some(), said.get("family_name")), (given, None));
        }
        let id_token = claims(text(&tokens, "id_token"));
        assert!(!birthdate || id_token.get("birthdate").is_some(), "{id_token}");
        assert!(id_token.get("given_name").is_none(), "asked for at userinfo");
    }
    let bad = with(&Browser::request("app", "openid"), "claims", Some("[]"));
    assert_eq!(app.browser().authorize(&bad).await.redirected()["error"], "invalid_request");
}

#[tokio::test]
async fn oidc_core_section_3_1_2_1_a_hint_says_whom_the_answer_must_be_about() {
    let app = world().await;
    let mut alice = app.browser();
    let own = alice.tokens("app", "openid", "alice").await;
    let others = app.browser().tokens("app", "openid", "bob").await;
    let elsewhere = alice.tokens("other", "openid", "alice").await;
    app.clock.advance(3_600);
    for (hint, want) in [
        (text(&own, "id_token").to_owned(), "code"),
        (text(&others, "id_token").to_owned(), "login_required"),
        (text(&elsewhere, "id_token").to_owned(), "invalid_request"),
        (crate::support::altered(text(&own, "id_token")), "invalid_request"),
    ] {
        let request = with(&Browser::request("app", "openid"), "id_token_hint", Some(&hint));
        let reply = alice.authorize(&with(&request, "prompt", Some("none"))).await;
        assert_eq!(outcome(&reply), want);
    }
    let bob = user_id(&app, "bob").await.to_string();
    let asked = json!({"id_token": {"sub": {"value": bob}}}).to_string();
    let request = with(&Browser::request("app", "openid"), "claims", Some(&asked));
    let reply = alice.authorize(&with(&request, "prompt", Some("none"))).await;
    assert_eq!(outcome(&reply), "login_required", "§5.5.1");
}

#[tokio::test]
async fn oidc_core_section_8_a_pairwise_subject_is_the_same_everywhere_and_another_for_others() {
    let app = world().await;
    client(&app, "pair", json!({"subject_type": "pairwise"})).await;
    let mut browser = app.browser();
    let tokens = browser.tokens("pair", "openid", "alice").await;
    let sub = claims(text(&tokens, "id_token"))["sub"].clone();
    let public = user_id(&app, "alice").await.to_string();
    assert!(sub != public.as_str() && sub.as_str().is_some_and(|sub| sub.len() <= 255));
    assert_eq!(userinfo(&app, &tokens).await.json()["sub"], sub);
    let again = browser.tokens("pair", "openid", "alice").await;
    assert_eq!(claims(text(&again, "id_token"))["sub"], sub);
    let others = browser.tokens("app", "openid", "alice").await;
    assert_eq!(claims(text(&others, "id_token"))["sub"], public.as_str());
    let hint = text(&tokens, "id_token");
    let request = with(&Browser::request("pair", "openid"), "id_token_hint", Some(hint));
    assert_eq!(outcome(&browser.authorize(&with(&request, "prompt", Some("none"))).await), "code");
}

#[tokio::test]
async fn oidc_core_section_5_3_2_userinfo_is_signed_as_the_client_registered() {
    let app = world().await;
    for algorithm in ["RS256", "PS256", "ES256", "EdDSA"] {
        let members =
            json!({"userinfo_signed_response_alg": algorithm, "id_token_signed_response_alg": algorithm});
        client(&app, algorithm, members).await;
        let tokens = app.browser().tokens(algorithm, "openid email", "alice").await;
        let reply = userinfo(&app, &tokens).await;
        assert_eq!((reply.status.as_u16(), reply.header("content-type")), (200, "application/jwt"));
        let said = claims(&reply.body);
        assert_eq!((text(&said, "iss"), text(&said, "aud")), ("https://id.example", algorithm));
        assert_eq!(said["sub"], claims(text(&tokens, "id_token"))["sub"]);
    }
}

#[tokio::test]
async fn rfc9470_section_4_what_cannot_be_met_is_said_and_what_can_is_asked_for() {
    let app = world().await;
    let mut browser = app.browser();
    browser.tokens("app", "openid", "alice").await;
    app.clock.advance(3_600);
    let essential = |acr: &str| json!({"id_token": {"acr": {"essential": true, "value": acr}}}).to_string();
    for (acr, quiet, want) in [
        ("urn:nobody", false, "unmet_authentication_requirements"),
        ("urn:valetkey:acr:password", true, "code"),
        ("urn:valetkey:acr:fresh", true, "login_required"),
        ("urn:valetkey:acr:fresh", false, "Confirm it is you"),
    ] {
        let asked = essential(acr);
        let request = with(&Browser::request("app", "openid"), "claims", Some(&asked));
        let request = with(&request, "prompt", quiet.then_some("none"));
        assert_eq!(outcome(&browser.authorize(&request).await), want, "{acr} {quiet}");
    }
}
