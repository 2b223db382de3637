//! Opaque tokens: asked about once, believed for a little while, and never without an answer.

use crate::issuer::{Issuer, START};
use serde_json::json;
use std::time::Duration;
use valetkey_guard::{Caller, Refusal};

fn status(result: Result<Caller, Refusal>) -> u16 {
    result.map_or_else(|refusal| refusal.status().as_u16(), |_| 200)
}

#[tokio::test]
async fn rfc7662_section_2_2_an_active_token_for_us_is_let_in_and_no_other() {
    let issuer = Issuer::start().await;
    let guard = issuer.guard().await;
    for (what, answer, want) in [
        ("active", json!({}), 200),
        ("a type in lower case", json!({"token_type": "bearer"}), 200),
        ("no type, no issuer, no expiry", json!({"token_type": null, "iss": null, "exp": null}), 200),
        ("inactive, whatever else it says", json!({"active": false}), 401),
        ("another audience", json!({"aud": ["https://mail.example"]}), 401),
        ("no audience", json!({"aud": null}), 401),
        ("another issuer", json!({"iss": "https://evil.example"}), 401),
        ("expired", json!({"exp": START - 10}), 401),
        ("bound to a key", json!({"cnf": {"x5t#S256": "abc"}}), 401),
        ("a DPoP token", json!({"token_type": "DPoP"}), 401),
        ("a refresh token", json!({"token_type": "refresh_token"}), 401),
        ("a refresh token elsewhere", json!({"token_use": "refresh_token"}), 401),
        ("an answer that is none", json!({"active": "yes"}), 503),
        ("half an answer", json!({"active": null}), 503),
    ] {
        let token = format!("vk_at_{}", what.replace(|c: char| !c.is_ascii_lowercase(), "_"));
        issuer.know(&token, &answer);
        assert_eq!(status(guard.verify_token(&token).await), want, "{what}");
    }
    issuer.know("vk_at_service", &json!({"sub": null}));
    assert_eq!(guard.verify_token("vk_at_service").await.expect("let in").subject, "app_1");
    assert_eq!(status(guard.verify_token("vk_at_unheard_of").await), 401);
}

#[tokio::test]
async fn fifty_who_ask_at_once_are_one_question() {
    let issuer = Issuer::start().await;
    let guard = issuer.guard().await;
    issuer.know("vk_at_1", &json!({}));
    for (token, want) in [("vk_at_1", 200), ("vk_at_none", 401)] {
        let before = issuer.introspections();
        let asked = (0..50).map(|_| {
            let guard = guard.clone();
            tokio::spawn(async move { status(guard.verify_token(token).await) })
        });
        let answers = futures_util::future::join_all(asked).await;
        assert!(answers.into_iter().all(|status| status.expect("no panic") == want), "{token}");
        assert_eq!(issuer.introspections() - before, 1, "{token}");
    }
}

#[tokio::test]
async fn an_answer_is_believed_for_its_time_and_no_longer_than_the_token_lives() {
    let issuer = Issuer::start().await;
    let guard = issuer.guard().await;
    issuer.know("vk_at_long", &json!({}));
    issuer.know("vk_at_short", &json!({"exp": START + 7}));
    for (advance, token, want, asked) in [
        (0, "vk_at_long", 200, 1),
        (0, "vk_at_short", 200, 2),
        (0, "vk_at_none", 401, 3),
        (4, "vk_at_none", 401, 3),
        (1, "vk_at_none", 401, 4),
        (1, "vk_at_short", 200, 4),
        (1, "vk_at_short", 200, 5),
        (22, "vk_at_long", 200, 5),
    ] {
        issuer.clock.advance(advance);
        assert_eq!(status(guard.verify_token(token).await), want, "{token} {asked}");
        assert_eq!(issuer.introspections(), asked, "{token} {asked}");
    }
    issuer.forget("vk_at_long");
    assert_eq!(status(guard.verify_token("vk_at_long").await), 200, "29 s: still believed");
    issuer.clock.advance(1);
    assert_eq!(status(guard.verify_token("vk_at_long").await), 401, "30 s: asked again");
}

#[tokio::test]
async fn while_the_issuer_is_away_nobody_new_is_let_in_and_nothing_is_remembered_of_it() {
    let issuer = Issuer::start().await;
    let guard = issuer.guard().await;
    issuer.know("vk_at_known", &json!({}));
    issuer.know("vk_at_new", &json!({}));
    assert_eq!(status(guard.verify_token("vk_at_known").await), 200);
    issuer.go_away(true);
    assert_eq!(status(guard.verify_token("vk_at_known").await), 200, "the answer is fresh");
    assert_eq!(status(guard.verify_token("vk_at_new").await), 503);
    issuer.clock.advance(30);
    assert_eq!(status(guard.verify_token("vk_at_known").await), 503, "a stale answer is none");
    issuer.go_away(false);
    assert_eq!(status(guard.verify_token("vk_at_new").await), 200);
}

#[tokio::test]
async fn an_issuer_that_does_not_answer_is_waited_for_no_longer_than_said() {
    let issuer = Issuer::start().await;
    let builder = issuer.builder().introspect_as("photos", "s3cret:%").patience(Duration::from_millis(500));
    let guard = builder.build().await.expect("a guard");
    issuer.fall_silent();
    assert_eq!(status(guard.verify_token("vk_at_1").await), 503);
}

#[tokio::test]
async fn with_wrong_credentials_nobody_is_let_in() {
    let issuer = Issuer::start().await;
    let guard = issuer.builder().introspect_as("photos", "wrong").build().await.expect("a guard");
    issuer.know("vk_at_1", &json!({}));
    assert_eq!(status(guard.verify_token("vk_at_1").await), 503);
}
