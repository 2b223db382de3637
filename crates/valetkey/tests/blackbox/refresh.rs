//! RFC 6749 §6, RFC 9700 §4.14.2 — refresh: rotation, the retry after a lost answer, and what a reused token costs

use crate::support::{OTHER_VERIFIER, assert_refused, opens_userinfo, refresh, text, world};
use serde_json::Value;
use std::sync::Arc;
use tokio::task::JoinSet;
use valetkey_core::audit::{Actor, Event};
use valetkey_core::manage::{self, key::Rotate};
use valetkey_testkit::{Reply, TestApp};

const DAY: u64 = 86_400;

async fn tokens(app: &TestApp) -> Value {
    app.browser().tokens("app", "openid read write", "alice").await
}

fn next(reply: &Reply) -> String {
    assert_eq!(reply.status, 200, "{}", reply.body);
    text(&reply.json(), "refresh_token").to_owned()
}

async fn ask(app: &TestApp, token: &str, more: &[(&str, &str)]) -> Reply {
    app.token("app", &[&[("grant_type", "refresh_token"), ("refresh_token", token)], more].concat()).await
}

#[tokio::test]
async fn rfc9700_section_2_2_2_each_use_gives_a_new_refresh_token_and_a_new_access_token() {
    let app = world().await;
    let first = tokens(&app).await;
    let reply = refresh(&app, "app", text(&first, "refresh_token")).await;
    assert_eq!(
        (reply.header("cache-control"), reply.header("content-type")),
        ("no-store", "application/json")
    );
    let second = reply.json();
    for name in ["access_token", "refresh_token", "id_token"] {
        assert_ne!(first[name], second[name], "{name}");
    }
    assert_eq!((text(&second, "token_type"), text(&second, "scope")), ("Bearer", "openid read write"));
    assert_eq!(second["expires_in"], 600);
    for tokens in [&first, &second] {
        assert!(opens_userinfo(&app, text(tokens, "access_token")).await, "also the older, while it lives");
    }
    let mut token = text(&second, "refresh_token").to_owned();
    for _ in 0..20 {
        app.clock.advance(3600);
        token = next(&refresh(&app, "app", &token).await);
    }
    assert_eq!(app.rows().await["grants"], 1, "one row, however often");
}

#[tokio::test]
async fn a_retry_within_ten_seconds_gets_the_very_same_successor() {
    let app = world().await;
    let first = tokens(&app).await;
    let old = text(&first, "refresh_token");
    let answer = refresh(&app, "app", old).await;
    let successor = next(&answer);
    for wait in [0, 4, 6] {
        app.clock.advance(wait);
        let again = refresh(&app, "app", old).await;
        assert_eq!(next(&again), successor, "byte for byte");
        assert!(opens_userinfo(&app, text(&again.json(), "access_token")).await);
    }
    assert!(app.records().await.iter().all(|record| record.event != Event::RefreshTokenReused));
    assert_ne!(next(&refresh(&app, "app", &successor).await), successor, "and it works");
}

#[tokio::test]
async fn rfc9700_section_4_14_2_a_token_reused_after_the_window_costs_the_whole_grant() {
    let app = world().await;
    let (first, bystander) = (tokens(&app).await, tokens(&app).await);
    let old = text(&first, "refresh_token");
    let second = refresh(&app, "app", old).await.json();
    app.clock.advance(11);
    let reply = refresh(&app, "app", old).await;
    assert_refused(&reply, 400, "invalid_grant", "reuse");
    for dead in [text(&first, "access_token"), text(&second, "access_token")] {
        assert!(!opens_userinfo(&app, dead).await);
        assert!(!app.is_active("app", dead).await);
    }
    for dead in [old, text(&second, "refresh_token")] {
        assert_refused(&refresh(&app, "app", dead).await, 400, "invalid_grant", "afterwards");
    }
    let reused = app.records().await.into_iter().filter(|record| record.event == Event::RefreshTokenReused);
    assert_eq!(reused.count(), 1, "told once, not for each further try");
    // RFC 9700 §4.14.2: the family, not everything.
    assert!(opens_userinfo(&app, text(&bystander, "access_token")).await);
    assert_eq!(refresh(&app, "app", text(&bystander, "refresh_token")).await.status, 200);
}

#[tokio::test]
async fn once_the_successor_is_used_the_window_is_closed() {
    let app = world().await;
    let first = tokens(&app).await;
    let old = text(&first, "refresh_token");
    let second = next(&refresh(&app, "app", old).await);
    let third = next(&refresh(&app, "app", &second).await);
    assert_refused(&refresh(&app, "app", old).await, 400, "invalid_grant", "two generations back");
    assert_refused(&refresh(&app, "app", &third).await, 400, "invalid_grant", "the newest went with it");
    assert!(!opens_userinfo(&app, text(&first, "access_token")).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixteen_refreshes_of_one_token_at_once_have_one_successor() {
    let app = Arc::new(world().await);
    let mut token = text(&tokens(&app).await, "refresh_token").to_owned();
    for _ in 0..5 {
        let mut tasks = JoinSet::new();
        for _ in 0..16 {
            let (app, token) = (Arc::clone(&app), token.clone());
            tasks.spawn(async move { next(&refresh(&app, "app", &token).await) });
        }
        let mut successors = tasks.join_all().await;
        successors.dedup();
        assert_eq!(successors.len(), 1, "{successors:?}");
        token = successors.remove(0);
    }
    assert_eq!(app.rows().await["grants"], 1);
}

#[tokio::test]
async fn rfc6749_section_6_the_scope_may_shrink_for_one_token_and_never_grow() {
    let app = world().await;
    let mut token = text(&tokens(&app).await, "refresh_token").to_owned();
    for (asked, given) in [
        ("read", Some("read")),
        ("write openid", Some("write openid")),
        ("", Some("openid read write")),
        ("openid read write", Some("openid read write")),
        ("openid read write profile", None),
        ("email", None),
        ("unknown", None),
        ("re\"ad", None),
    ] {
        let rows = app.rows().await;
        let reply = ask(&app, &token, &[("scope", asked)]).await;
        if let Some(scope) = given {
            let json = reply.json();
            assert_eq!(text(&json, "scope"), scope, "{asked}");
            assert_eq!(json.get("id_token").is_some(), scope.contains("openid"), "{asked}");
            token = next(&reply);
        } else {
            assert_refused(&reply, 400, "invalid_scope", asked);
            assert_eq!(app.rows().await, rows, "{asked}");
        }
    }
    let last = refresh(&app, "app", &token).await;
    assert_eq!(
        text(&last.json(), "scope"),
        "openid read write",
        "a refusal spent nothing, shrinking lasted once"
    );
}

#[tokio::test]
async fn rfc6749_section_5_2_what_is_no_refresh_token_of_this_client_is_refused_and_kills_nothing() {
    let app = world().await;
    let own = tokens(&app).await;
    let token = text(&own, "refresh_token");
    let before = app.rows().await;
    let altered = crate::support::altered(token);
    for (case, sent, error) in [
        ("none", "", "invalid_request"),
        ("garbage", "x", "invalid_grant"),
        ("altered", &*altered, "invalid_grant"),
        ("cut", &token[..token.len() - 3], "invalid_grant"),
        ("an access token", text(&own, "access_token"), "invalid_grant"),
        ("an ID token", text(&own, "id_token"), "invalid_grant"),
        ("a verifier", OTHER_VERIFIER, "invalid_grant"),
    ] {
        assert_refused(&refresh(&app, "app", sent).await, 400, error, case);
    }
    assert_refused(&refresh(&app, "other", token).await, 400, "invalid_grant", "another client");
    let fields = [("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", "spa")];
    assert_refused(&app.post("/oauth/token", None, &fields).await, 400, "invalid_grant", "a public client");
    let second = next(&refresh(&app, "app", token).await);
    app.clock.advance(11);
    assert_refused(
        &refresh(&app, "other", token).await,
        400,
        "invalid_grant",
        "a spent one, by another client",
    );
    assert_eq!(app.rows().await, before);
    assert_eq!(refresh(&app, "app", &second).await.status, 200, "nobody else's try is a reuse");
}

#[tokio::test]
async fn asvs_10_4_8_a_refresh_token_ends_after_thirty_days_unused_and_a_year_in_all() {
    let app = world().await;
    let idle = text(&tokens(&app).await, "refresh_token").to_owned();
    app.clock.advance(30 * DAY - 1);
    let mut used = next(&refresh(&app, "app", &idle).await);
    for _ in 0..11 {
        app.clock.advance(30 * DAY - 1);
        used = next(&refresh(&app, "app", &used).await);
    }
    // 12 × (30 days − 1 s) are gone; the year has 365.
    app.clock.advance(5 * DAY + 11);
    used = next(&refresh(&app, "app", &used).await);
    let rows = app.rows().await;
    app.clock.advance(1);
    assert_refused(&refresh(&app, "app", &used).await, 400, "invalid_grant", "a year");
    assert_eq!(app.rows().await, rows);

    let idle = text(&tokens(&app).await, "refresh_token").to_owned();
    app.clock.advance(30 * DAY);
    assert_refused(&refresh(&app, "app", &idle).await, 400, "invalid_grant", "thirty days unused");
}

#[tokio::test]
async fn oidc_core_section_10_1_1_a_key_rotation_in_between_changes_nothing_for_old_tokens() {
    let app = world().await;
    for at_once in [false, true] {
        let first = tokens(&app).await;
        let spent = text(&first, "refresh_token").to_owned();
        let successor = next(&refresh(&app, "app", &spent).await);
        app.clock.advance(1);
        for what in Rotate::ALL {
            manage::key::rotate(&app.cx(), Actor::Operator, what, at_once).await.unwrap();
        }
        for _ in 0..3 {
            app.clock.advance(3);
            assert_eq!(next(&refresh(&app, "app", &spent).await), successor, "at once: {at_once}");
        }
        assert!(opens_userinfo(&app, text(&first, "access_token")).await);
        let fresh = refresh(&app, "app", &successor).await.json();
        assert!(opens_userinfo(&app, text(&fresh, "access_token")).await);
        assert_eq!(refresh(&app, "app", text(&fresh, "refresh_token")).await.status, 200);
    }
}
