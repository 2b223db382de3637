//! OIDC Core §2, §3.1.2.1, §5.5.1.1, RFC 9470 §4 — ways to sign in by the names that the operator gave them

use crate::support::{claims, furnish, outcome, refresh, text, with};
use serde_json::{Value, json};
use valetkey_testkit::{Browser, CLIENT_SECRET, PASSWORD, TestApp, redemption};

const SILVER: &str = "urn:mace:incommon:iap:silver";

/// `phr` is a password a moment ago, silver and `pwd` one at any time, bronze a provider elsewhere; the way in itself has
/// no name.
async fn named() -> TestApp {
    let names = |all: &[&str]| all.iter().map(|name| (*name).to_owned()).collect();
    let builder = TestApp::builder().acr(|acr| {
        acr.signed_in = Vec::new();
        acr.password = names(&[SILVER, "pwd"]);
        acr.upstream = names(&["bronze"]);
        acr.fresh = names(&["phr"]);
    });
    furnish(builder).await
}

fn essential(values: &[&str]) -> String {
    json!({"id_token": {"acr": {"essential": true, "values": values}}}).to_string()
}

/// The `acr` of the ID token that a redirect's code gives.
async fn said(app: &TestApp, code: &str) -> String {
    let tokens = app.token("app", &redemption(code)).await.json();
    text(&claims(text(&tokens, "id_token")), "acr").to_owned()
}

#[tokio::test]
async fn oidc_discovery_section_3_exactly_the_operators_names_are_promised() {
    let app = named().await;
    let promised = app.get("/.well-known/openid-configuration").await.json();
    assert_eq!(promised["acr_values_supported"], json!(["bronze", SILVER, "pwd", "phr"]));
    let plain = TestApp::start().await;
    let promised = plain.get("/.well-known/openid-configuration").await.json();
    let usual = ["signed-in", "password", "fresh"].map(|name| format!("urn:valetkey:acr:{name}"));
    assert_eq!(promised["acr_values_supported"], json!(usual));
}

#[tokio::test]
async fn oidc_core_section_3_1_2_1_acr_values_count_in_their_order() {
    let app = named().await;
    let mut browser = app.browser();
    browser.code("app", "openid", "alice").await;
    for (asked, want) in [
        (None, SILVER),
        (Some("phr"), "phr"),
        (Some("pwd phr"), "pwd"),
        (Some("urn:nobody phr pwd"), "phr"),
        (Some("bronze"), SILVER),
        (Some("urn:valetkey:acr:password"), SILVER),
    ] {
        let request = with(&Browser::request("app", "openid"), "acr_values", asked);
        let done = browser.authorize(&with(&request, "prompt", Some("none"))).await.redirected();
        assert_eq!(said(&app, &done["code"]).await, want, "{asked:?}");
    }
}

#[tokio::test]
async fn rfc9470_section_4_a_name_that_time_took_away_is_earned_anew() {
    let app = named().await;
    let mut browser = app.browser();
    browser.code("app", "openid", "alice").await;
    app.clock.advance(3_600);
    for (values, quiet, want) in [
        (&["phr"][..], true, "login_required"),
        (&["phr", "pwd"], true, "code"),
        (&["urn:valetkey:acr:fresh"], false, "unmet_authentication_requirements"),
        (&["urn:valetkey:acr:signed-in"], false, "unmet_authentication_requirements"),
    ] {
        let asked = essential(values);
        let request = with(&Browser::request("app", "openid"), "claims", Some(&asked));
        let request = with(&request, "prompt", quiet.then_some("none"));
        assert_eq!(outcome(&browser.authorize(&request).await), want, "{values:?}");
    }
    let asked = essential(&["phr"]);
    let request = with(&Browser::request("app", "openid"), "claims", Some(&asked));
    let page = browser.authorize(&request).await;
    assert_eq!(outcome(&page), "Confirm it is you");
    let done = browser.log_in(&page, "alice", PASSWORD).await.redirected();
    assert_eq!(said(&app, &done["code"]).await, "phr");
    // A provider's way cannot be had by a password.
    let asked = essential(&["bronze"]);
    let request = with(&Browser::request("app", "openid"), "claims", Some(&asked));
    let page = browser.authorize(&request).await;
    let refused = browser.log_in(&page, "alice", PASSWORD).await;
    assert_eq!(outcome(&refused), "unmet_authentication_requirements");
}

/// What an ID token says.
fn acr_of(tokens: &Value) -> Value {
    claims(text(tokens, "id_token"))["acr"].clone()
}

/// What introspection tells of a token's `acr`.
async fn told(app: &TestApp, token: &str) -> Value {
    let answer =
        app.post("/oauth/introspect", Some(("app", CLIENT_SECRET)), &[("token", token)]).await.json();
    assert_eq!(answer["active"], true, "{answer}");
    answer["acr"].clone()
}

#[tokio::test]
async fn rfc9470_section_6_2_tokens_say_that_a_sign_in_is_fresh_while_it_is_and_any_other_way_for_good() {
    let app = named().await;
    for (asked, later) in [("phr", json!(SILVER)), ("pwd", json!("pwd"))] {
        let mut browser = app.browser();
        let request = with(&Browser::request("app", "openid"), "acr_values", Some(asked));
        browser.code("app", "openid", "alice").await;
        let done = browser.authorize(&with(&request, "prompt", Some("none"))).await.redirected();
        let tokens = app.token("app", &redemption(&done["code"])).await.json();
        let first = text(&tokens, "access_token");
        app.clock.advance(299);
        assert_eq!(told(&app, first).await, asked);
        let tokens = refresh(&app, "app", text(&tokens, "refresh_token")).await.json();
        let second = text(&tokens, "access_token");
        assert_eq!((told(&app, second).await, acr_of(&tokens)), (json!(asked), json!(asked)));
        // The tokens live on; the five minutes are over. What they said holds no longer; what else does they do not know.
        app.clock.advance(2);
        let still = if asked == "phr" { Value::Null } else { later.clone() };
        assert_eq!((told(&app, first).await, told(&app, second).await), (still.clone(), still));
        let tokens = refresh(&app, "app", text(&tokens, "refresh_token")).await.json();
        let third = text(&tokens, "access_token");
        assert_eq!((told(&app, third).await, acr_of(&tokens)), (later.clone(), later), "{asked}");
    }
}
