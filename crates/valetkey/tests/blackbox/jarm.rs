//! JWT Secured Authorization Response Mode (JARM) — answers as one signed JWT

use crate::support::{ISSUER, claims, with, world};
use serde_json::Value;
use valetkey_core::client::compat::Compat;
use valetkey_core::jose::jwk;
use valetkey_core::jose::jws::Jws;
use valetkey_core::manage::client::NewClient;
use valetkey_testkit::{Browser, Reply, TestApp, redemption};

/// The one parameter of an answer, wherever it came, and its claims, with our published key believed.
async fn enclosed(app: &TestApp, reply: &Reply, place: char) -> Value {
    let text = match place {
        'f' => {
            let names = reply.hidden_names();
            assert_eq!(names, ["response"], "{}", reply.body);
            reply.hidden("response").unwrap()
        }
        joint => {
            let (_, all) = reply.location().split_once(joint).unwrap_or_else(|| panic!("{}", reply.body));
            all.strip_prefix("response=").unwrap().to_owned()
        }
    };
    let set = jwk::read_set(&app.get("/oauth/jwks").await.json()).unwrap();
    let jws = Jws::read(&text).unwrap();
    assert!(jws.key_id().is_some() && jws.is_signed_by_one_of(&set), "{text}");
    claims(&text)
}

#[tokio::test]
async fn jarm_section_2_3_the_answer_travels_signed_in_query_fragment_or_form() {
    let app = world().await;
    let mut browser = app.browser();
    browser.code("app", "openid read", "alice").await;
    for (mode, place) in [("query.jwt", '?'), ("jwt", '?'), ("fragment.jwt", '#'), ("form_post.jwt", 'f')] {
        let asked = with(&Browser::request("app", "openid read"), "response_mode", Some(mode));
        let answer = enclosed(&app, &browser.authorize(&asked).await, place).await;
        let now = app.cx().now.0;
        assert_eq!((&answer["iss"], &answer["aud"]), (&ISSUER.into(), &"app".into()), "{mode}");
        assert_eq!(answer["state"], "the-state");
        assert!((now + 1..=now + 600).contains(&answer["exp"].as_i64().unwrap()), "{answer}");
        assert!(answer.get("sub").is_none(), "nothing takes it for an ID token");
        let reply = app.token("app", &redemption(answer["code"].as_str().unwrap())).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
    }
}

#[tokio::test]
async fn jarm_section_2_1_errors_are_enclosed_too() {
    let app = world().await;
    for (mode, place) in [("jwt", '?'), ("fragment.jwt", '#'), ("form_post.jwt", 'f')] {
        let asked = with(&Browser::request("app", "nothing"), "response_mode", Some(mode));
        let answer = enclosed(&app, &app.browser().authorize(&asked).await, place).await;
        assert_eq!((&answer["error"], &answer["state"]), (&"invalid_scope".into(), &"the-state".into()));
        assert_eq!((&answer["iss"], &answer["aud"]), (&ISSUER.into(), &"app".into()));
    }
    // A mode that there is none of is told as plainly as ever.
    for mode in ["web_message.jwt", "jwt.query", "JWT"] {
        let asked = with(&Browser::request("app", "read"), "response_mode", Some(mode));
        assert_eq!(app.browser().authorize(&asked).await.redirected()["error"], "invalid_request", "{mode}");
    }
}

#[tokio::test]
async fn jarm_section_2_3_1_a_token_never_stands_in_a_query_even_signed() {
    let app = world().await;
    app.client(NewClient {
        id: Some("legacy".to_owned()),
        compat: vec![Compat::Implicit],
        redirect_uris: vec!["https://app.example/cb".to_owned()],
        ..NewClient::default()
    })
    .await;
    let request = with(&Browser::request("legacy", "openid"), "response_type", Some("code id_token token"));
    let request = with(&request, "nonce", Some("n"));
    let mut browser = app.browser();
    let refused = browser.authorize(&with(&request, "response_mode", Some("query.jwt"))).await;
    let answer = enclosed(&app, &refused, '#').await;
    assert_eq!(answer["error"], "invalid_request", "in the fragment");
    let page = browser.authorize(&with(&request, "response_mode", Some("jwt"))).await;
    let page = browser.log_in(&page, "alice", valetkey_testkit::PASSWORD).await;
    let answer = enclosed(&app, &browser.decide(&page, "allow", &[]).await, '#').await;
    assert!(answer["code"].is_string() && answer["access_token"].is_string(), "{answer}");
    assert!(answer["id_token"].is_string() && answer["expires_in"].is_i64(), "{answer}");
}
