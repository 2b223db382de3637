//! OIDC Core §3.2, §3.3 — ID tokens and tokens through the browser, alone and beside a code

use crate::support::{
    ISSUER, assert_refused, claims, disable_client, introspected, opens_userinfo, text, with, world,
};
use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::BASE64URL_NOPAD;
use std::collections::BTreeMap;
use valetkey_core::client::compat::Compat;
use valetkey_core::grant::GrantType;
use valetkey_core::manage::client::NewClient;
use valetkey_testkit::{Browser, PASSWORD, Reply, TestApp, redemption};

const FRONT: [&str; 6] =
    ["token", "id_token", "id_token token", "code id_token", "code token", "code id_token token"];

async fn opted() -> TestApp {
    let app = world().await;
    app.client(NewClient {
        id: Some("legacy".to_owned()),
        compat: vec![Compat::Implicit],
        redirect_uris: vec!["https://app.example/cb".to_owned()],
        ..NewClient::default()
    })
    .await;
    app
}

fn request(kind: &str) -> Vec<(&str, &str)> {
    let request = with(&Browser::request("legacy", "openid read"), "response_type", Some(kind));
    with(&request, "nonce", Some("n-1"))
}

async fn allow(browser: &mut Browser<'_>, request: &[(&str, &str)]) -> Reply {
    let mut reply = browser.authorize(request).await;
    if reply.body.contains("name=\"password\"") {
        reply = browser.log_in(&reply, "alice", PASSWORD).await;
    }
    if reply.body.contains("name=\"decision\"") {
        reply = browser.decide(&reply, "allow", &["read"]).await;
    }
    reply
}

/// What came in the fragment; nothing may have come in the query.
#[track_caller]
fn fragment(reply: &Reply) -> BTreeMap<String, String> {
    let (address, fragment) =
        reply.location().split_once('#').unwrap_or_else(|| panic!("{} {}", reply.location(), reply.body));
    assert_eq!(address, "https://app.example/cb");
    form_urlencoded::parse(fragment.as_bytes()).into_owned().collect()
}

fn half(text: &str) -> String {
    BASE64URL_NOPAD.encode(&digest(&SHA256, text.as_bytes()).as_ref()[..16])
}

#[tokio::test]
async fn oidc_core_section_3_3_2_5_each_response_type_brings_what_it_names_in_the_fragment_and_no_more() {
    let app = opted().await;
    let mut browser = app.browser();
    for kind in FRONT {
        // RFC 6749 §3.1.1: in whichever order.
        let turned = kind.split(' ').rev().collect::<Vec<_>>().join(" ");
        for asked in [kind, &turned] {
            let came = fragment(&allow(&mut browser, &request(asked)).await);
            let has = |word: &str| kind.split(' ').any(|own| own == word);
            assert_eq!(came.contains_key("code"), has("code"), "{asked}: {came:?}");
            assert_eq!(came.contains_key("access_token"), has("token"), "{asked}: {came:?}");
            assert_eq!(came.contains_key("token_type"), has("token"), "{asked}: {came:?}");
            assert_eq!(came.contains_key("expires_in"), has("token"), "{asked}: {came:?}");
            assert_eq!(came.contains_key("id_token"), has("id_token"), "{asked}: {came:?}");
            assert!(!came.contains_key("refresh_token"), "{asked}");
            assert_eq!((came["state"].as_str(), came["iss"].as_str()), ("the-state", ISSUER));
        }
    }
}

#[tokio::test]
async fn oidc_core_section_3_3_2_11_the_id_token_vouches_for_code_and_token_beside_it() {
    let app = opted().await;
    let mut browser = app.browser();
    for kind in ["id_token", "id_token token", "code id_token", "code id_token token"] {
        let came = fragment(&allow(&mut browser, &request(kind)).await);
        let claims = claims(&came["id_token"]);
        assert_eq!((text(&claims, "iss"), text(&claims, "aud")), (ISSUER, "legacy"), "{kind}");
        assert_eq!((text(&claims, "nonce"), text(&claims, "s_hash")), ("n-1", half("the-state").as_str()));
        assert!(claims["auth_time"].is_i64() && claims["exp"].is_i64(), "{claims}");
        for (hash, of) in [("at_hash", "access_token"), ("c_hash", "code")] {
            let want = came.get(of).map(|value| half(value));
            assert_eq!(claims.get(hash).and_then(|own| own.as_str()), want.as_deref(), "{kind} {hash}");
        }
    }
}

#[tokio::test]
async fn oidc_core_section_3_3_3_8_a_hybrid_gives_two_access_tokens_of_one_grant() {
    let app = opted().await;
    let came = fragment(&allow(&mut app.browser(), &request("code id_token token")).await);
    let front = &came["access_token"];
    assert!(opens_userinfo(&app, front).await);
    assert_eq!(app.rows().await["grants"], 1, "begun by the token in the browser");
    let reply = app.token("legacy", &redemption(&came["code"])).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let tokens = reply.json();
    let back = text(&tokens, "access_token");
    assert_ne!(back, front);
    assert_eq!(app.rows().await["grants"], 1, "and taken over by the code");
    assert_eq!(claims(text(&tokens, "id_token"))["sub"], claims(&came["id_token"])["sub"]);
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", text(&tokens, "refresh_token"))];
    assert_eq!(app.token("legacy", &refresh).await.status, 200);
    // RFC 6749 §4.1.2: again, and everything of it is gone.
    assert!(opens_userinfo(&app, front).await && opens_userinfo(&app, back).await);
    assert_refused(&app.token("legacy", &redemption(&came["code"])).await, 400, "invalid_grant", "again");
    assert!(!opens_userinfo(&app, front).await, "the one from the browser too");
    assert!(!opens_userinfo(&app, back).await);
}

#[tokio::test]
async fn a_hybrids_code_that_comes_late_takes_nothing_back_and_one_of_a_revoked_grant_gives_nothing() {
    let app = opted().await;
    let mut browser = app.browser();
    let came = fragment(&allow(&mut browser, &request("code token")).await);
    app.clock.advance(61);
    assert_refused(&app.token("legacy", &redemption(&came["code"])).await, 400, "invalid_grant", "late");
    assert!(opens_userinfo(&app, &came["access_token"]).await);
    let came = fragment(&allow(&mut browser, &request("code token")).await);
    let basic = Some(("legacy", valetkey_testkit::CLIENT_SECRET));
    let revoked = app.post("/oauth/revoke", basic, &[("token", &came["access_token"])]).await;
    assert_eq!(revoked.status, 200);
    assert_refused(&app.token("legacy", &redemption(&came["code"])).await, 400, "invalid_grant", "revoked");
}

#[tokio::test]
async fn oidc_core_section_3_2_2_1_an_id_token_through_the_browser_needs_a_nonce_and_openid() {
    let app = opted().await;
    for kind in FRONT {
        let fails = kind.contains("id_token");
        for (name, value, error) in
            [("nonce", None, "invalid_request"), ("scope", Some("read"), "invalid_scope")]
        {
            let asked = with(&request(kind), name, value);
            let reply = app.browser().authorize(&asked).await;
            if fails {
                assert_eq!(fragment(&reply)["error"], error, "{kind} {name}");
            } else {
                assert_eq!(reply.status, 200, "{kind} {name}: {}", reply.location());
            }
        }
    }
}

#[tokio::test]
async fn multiple_response_types_section_5_a_token_never_travels_in_a_query_but_may_in_a_form() {
    let app = opted().await;
    let mut browser = app.browser();
    for kind in FRONT {
        let by = |mode| with(&request(kind), "response_mode", Some(mode));
        let refused = fragment(&browser.authorize(&by("query")).await);
        assert_eq!((refused["error"].as_str(), refused["state"].as_str()), ("invalid_request", "the-state"));
        let named = fragment(&allow(&mut browser, &by("fragment")).await);
        assert!(!named.contains_key("error"), "{kind}: {named:?}");
        let page = allow(&mut browser, &by("form_post")).await;
        assert_eq!(page.status, 200, "{kind}: {}", page.location());
        for word in kind.split(' ') {
            let name = if word == "token" { "access_token" } else { word };
            assert!(page.hidden(name).is_some(), "{kind}: {name}");
        }
        let refused = browser.authorize(&with(&by("form_post"), "scope", Some("nothing"))).await;
        assert_eq!(refused.hidden("error").as_deref(), Some("invalid_scope"), "{kind}");
    }
    // A code may come in the fragment too, where the client says so.
    let code = with(&with(&request("code"), "response_mode", Some("fragment")), "scope", Some("openid read"));
    assert!(fragment(&allow(&mut browser, &code).await).contains_key("code"));
}

#[tokio::test]
async fn without_the_opt_in_none_of_them_is_to_be_had() {
    let app = opted().await;
    for kind in FRONT {
        let reply = app.browser().authorize(&with(&request(kind), "client_id", Some("app"))).await;
        assert_eq!(reply.redirected()["error"], "unsupported_response_type", "{kind}");
        assert!(!reply.location().contains('#'));
    }
    // Nor is one that needs a grant which the client lacks.
    app.client(NewClient {
        id: Some("implicit-only".to_owned()),
        grant_types: vec![GrantType::Implicit],
        compat: vec![Compat::Implicit],
        redirect_uris: vec!["https://app.example/cb".to_owned()],
        ..NewClient::default()
    })
    .await;
    for (kind, ok) in [("id_token token", true), ("code id_token", false), ("none", false)] {
        let reply = app.browser().authorize(&with(&request(kind), "client_id", Some("implicit-only"))).await;
        assert_eq!(reply.status == 200, ok, "{kind}: {}", reply.location());
    }
}

#[tokio::test]
async fn what_comes_through_the_browser_passes_the_gate_of_every_grant() {
    let app = opted().await;
    let mut browser = app.browser();
    let came = fragment(&allow(&mut browser, &request("code id_token token")).await);
    disable_client(&app, "legacy").await;
    assert!(!opens_userinfo(&app, &came["access_token"]).await);
    assert_refused(&app.token("legacy", &redemption(&came["code"])).await, 401, "invalid_client", "off");
    assert_eq!(introspected(&app, &came["access_token"]).await["active"], false);
}

#[tokio::test]
async fn oidc_core_section_3_3_2_a_hybrids_code_needs_pkce_as_any_code_does() {
    let app = opted().await;
    for (kind, refused) in [("code id_token", true), ("code token", true), ("id_token token", false)] {
        let bare = with(&with(&request(kind), "code_challenge", None), "code_challenge_method", None);
        let reply = app.browser().authorize(&bare).await;
        assert_eq!(reply.status != 200, refused, "{kind}");
        if refused {
            assert_eq!(fragment(&reply)["error"], "invalid_request", "{kind}");
        }
    }
}
