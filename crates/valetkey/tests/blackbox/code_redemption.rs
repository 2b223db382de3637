//! RFC 6749 §4.1.3, RFC 7636 §4.6, RFC 9700 §4.5 — redeeming a code: what is refused, and that refusing spends nothing

use crate::support::{
    OTHER_VERIFIER, altered, assert_refused, challenge_of, disable_client, opens_userinfo, refresh, text,
    user_id, with, world,
};
use std::sync::Arc;
use tokio::task::JoinSet;
use valetkey_core::audit::{Actor, Event};
use valetkey_core::ids::ClientId;
use valetkey_core::manage;
use valetkey_core::secret::Secret;
use valetkey_testkit::{Browser, CHALLENGE, CLIENT_SECRET, TestApp, VERIFIER, redemption};

#[tokio::test]
async fn rfc6749_section_5_2_a_wrong_redemption_is_refused_and_spends_nothing() {
    let app = world().await;
    let mut browser = app.browser();
    // Alice lets the other client in too, so that it is the code alone that is not its own.
    browser.code("other", "openid read", "alice").await;
    let code = browser.code("app", "openid read", "alice").await;
    let before = app.rows().await;
    let (shorter, altered, padded) = (&code[..code.len() - 2], altered(&code), format!("{code}="));
    let upper = code.to_uppercase();
    let other = challenge_of(OTHER_VERIFIER);
    for (field, value, error) in [
        ("code", None, "invalid_request"),
        ("code", Some(""), "invalid_request"),
        ("code", Some("x"), "invalid_grant"),
        ("code", Some("vk_ac_"), "invalid_grant"),
        ("code", Some(shorter), "invalid_grant"),
        ("code", Some(&*altered), "invalid_grant"),
        ("code", Some(&*padded), "invalid_grant"),
        ("code", Some(&*upper), "invalid_grant"),
        ("code_verifier", None, "invalid_grant"),
        ("code_verifier", Some(""), "invalid_grant"),
        ("code_verifier", Some(&VERIFIER[..42]), "invalid_grant"),
        ("code_verifier", Some(OTHER_VERIFIER), "invalid_grant"),
        ("code_verifier", Some(CHALLENGE), "invalid_grant"),
        ("code_verifier", Some(&*other), "invalid_grant"),
        ("redirect_uri", Some("https://app.example/cb/"), "invalid_grant"),
        ("redirect_uri", Some("https://app.example/CB"), "invalid_grant"),
        ("redirect_uri", Some("https://evil.example/cb"), "invalid_grant"),
        ("resource", Some("https://api.example/unknown"), "invalid_target"),
        ("grant_type", Some("refresh_token"), "invalid_request"),
    ] {
        let reply = app.token("app", &with(&redemption(&code), field, value)).await;
        assert_refused(&reply, 400, error, &format!("{field}={value:?}"));
    }
    let reply = app.token("other", &redemption(&code)).await;
    assert_refused(&reply, 400, "invalid_grant", "by another client");
    assert_eq!(app.rows().await, before, "a refusal writes nothing");
    let reply = app.token("app", &redemption(&code)).await;
    assert_eq!(reply.status, 200, "the code is unspent: {}", reply.body);
}

#[tokio::test]
async fn rfc7636_section_4_6_each_code_wants_its_own_verifier() {
    let app = world().await;
    let mut browser = app.browser();
    let first = browser.code("app", "read", "alice").await;
    let challenge = challenge_of(OTHER_VERIFIER);
    let request = with(&Browser::request("app", "read"), "code_challenge", Some(&challenge));
    let second = browser.authorize(&request).await.redirected()["code"].clone();
    for (code, wrong) in [(&first, OTHER_VERIFIER), (&second, VERIFIER)] {
        let reply = app.token("app", &with(&redemption(code), "code_verifier", Some(wrong))).await;
        assert_refused(&reply, 400, "invalid_grant", "the other's verifier");
    }
    for (code, right) in [(&first, VERIFIER), (&second, OTHER_VERIFIER)] {
        let reply = app.token("app", &with(&redemption(code), "code_verifier", Some(right))).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
    }
}

#[tokio::test]
async fn rfc9700_section_4_5_a_replayed_code_takes_back_what_it_gave() {
    let app = world().await;
    let mut browser = app.browser();
    let code = browser.code("app", "openid read", "alice").await;
    let tokens = app.token("app", &redemption(&code)).await.json();
    let (access, first) = (text(&tokens, "access_token"), text(&tokens, "refresh_token"));
    let another = browser.tokens("app", "openid read", "alice").await;
    let rotated = refresh(&app, "app", first).await.json();
    assert!(opens_userinfo(&app, access).await);

    // Without the proof it is no replay by the one who should hold the code: nothing is taken back.
    let reply = app.token("app", &with(&redemption(&code), "code_verifier", Some(OTHER_VERIFIER))).await;
    assert_refused(&reply, 400, "invalid_grant", "wrong verifier");
    let reply = app.token("other", &redemption(&code)).await;
    assert_refused(&reply, 400, "invalid_grant", "another client");
    assert!(opens_userinfo(&app, access).await);

    let reply = app.token("app", &redemption(&code)).await;
    assert_refused(&reply, 400, "invalid_grant", "replay");
    for dead in [access, text(&rotated, "access_token")] {
        assert!(!opens_userinfo(&app, dead).await);
        assert!(!app.is_active("app", dead).await);
    }
    for dead in [first, text(&rotated, "refresh_token")] {
        assert_refused(&refresh(&app, "app", dead).await, 400, "invalid_grant", "refresh after replay");
    }
    let records = app.records().await;
    assert_eq!(records.iter().filter(|record| record.event == Event::CodeReplayed).count(), 1);
    // Another grant of the same person and client is not the thief's.
    assert!(opens_userinfo(&app, text(&another, "access_token")).await);
    assert_eq!(refresh(&app, "app", text(&another, "refresh_token")).await.status, 200);
}

#[tokio::test]
async fn rfc9700_section_4_5_a_code_that_comes_back_after_its_minute_is_a_replay_too() {
    let app = world().await;
    let mut browser = app.browser();
    let code = browser.code("app", "openid read", "alice").await;
    let tokens = app.token("app", &redemption(&code)).await.json();
    let (access, first) = (text(&tokens, "access_token"), text(&tokens, "refresh_token"));
    app.clock.advance(120);
    let unproven = with(&redemption(&code), "code_verifier", Some(OTHER_VERIFIER));
    assert_refused(&app.token("app", &unproven).await, 400, "invalid_grant", "wrong verifier");
    assert!(opens_userinfo(&app, access).await);
    for again in ["late", "later"] {
        assert_refused(&app.token("app", &redemption(&code)).await, 400, "invalid_grant", again);
        assert!(!opens_userinfo(&app, access).await);
    }
    assert_refused(&refresh(&app, "app", first).await, 400, "invalid_grant", "refresh after replay");
    let records = app.records().await;
    assert_eq!(records.iter().filter(|record| record.event == Event::CodeReplayed).count(), 1);
}

#[tokio::test]
async fn rfc6749_section_4_1_2_a_code_lives_for_a_minute() {
    let app = world().await;
    let mut browser = app.browser();
    let codes = [browser.code("app", "read", "alice").await, browser.code("app", "read", "alice").await];
    app.clock.advance(59);
    assert_eq!(app.token("app", &redemption(&codes[0])).await.status, 200);
    app.clock.advance(1);
    let before = app.rows().await;
    assert_refused(&app.token("app", &redemption(&codes[1])).await, 400, "invalid_grant", "after 60 s");
    assert_eq!(app.rows().await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rfc6749_section_4_1_2_of_sixteen_redemptions_at_once_one_is_answered_and_what_it_gave_is_taken_back()
{
    let app = Arc::new(world().await);
    let code = app.browser().code("app", "openid read", "alice").await;
    let mut tasks = JoinSet::new();
    for _ in 0..16 {
        let (app, code) = (Arc::clone(&app), code.clone());
        tasks.spawn(async move { app.token("app", &redemption(&code)).await });
    }
    let replies = tasks.join_all().await;
    let (won, lost): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status == 200);
    assert_eq!(won.len(), 1);
    for reply in lost {
        assert_refused(reply, 400, "invalid_grant", "a parallel redemption");
    }
    let tokens = won[0].json();
    assert!(!opens_userinfo(&app, text(&tokens, "access_token")).await);
    let reply = refresh(&app, "app", text(&tokens, "refresh_token")).await;
    assert_refused(&reply, 400, "invalid_grant", "its refresh token");
    assert_eq!(app.rows().await["grants"], 1);
}

/// What can happen while a code is on its way.
#[derive(Debug, Clone, Copy)]
enum Meanwhile {
    ClientDisabled,
    ClientDisabledAndEnabled,
    ClientDeleted,
    UserDisabled,
    UserDisabledAndEnabled,
    UserDeleted,
    PasswordSet,
    ConsentWithdrawn,
    SignedOut,
    SessionEnded,
}

async fn happen(app: &TestApp, browser: &mut Browser<'_>, what: Meanwhile) {
    let (cx, operator, alice) = (app.cx(), Actor::Operator, user_id(app, "alice").await);
    let client = ClientId::from("app");
    match what {
        Meanwhile::ClientDisabled => disable_client(app, "app").await,
        Meanwhile::ClientDisabledAndEnabled => {
            disable_client(app, "app").await;
            crate::support::enable_client(app, "app").await;
        }
        Meanwhile::ClientDeleted => manage::client::delete(&cx, operator, &client).await.unwrap(),
        Meanwhile::UserDisabled => drop(manage::user::disable(&cx, &operator, &alice).await.unwrap()),
        Meanwhile::UserDisabledAndEnabled => {
            manage::user::disable(&cx, &operator, &alice).await.unwrap();
            manage::user::enable(&cx, &operator, &alice).await.unwrap();
        }
        Meanwhile::UserDeleted => manage::user::delete(&cx, operator, &alice).await.unwrap(),
        Meanwhile::PasswordSet => {
            let password = Secret::new("nine other kitchen spoons");
            manage::user::set_password(&cx, &operator, &alice, &password).await.unwrap();
        }
        Meanwhile::ConsentWithdrawn => {
            manage::consent::withdraw(&cx, operator, &alice, &client).await.unwrap();
        }
        Meanwhile::SignedOut => {
            let account = browser.get("/account").await;
            let reply = browser.submit("/account/sign-out", &account, &[]).await;
            assert_eq!(reply.status, 200, "{}", reply.body);
        }
        Meanwhile::SessionEnded => {
            manage::session::end_all(&cx, operator, &alice, None).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_code_is_worth_nothing_once_what_stood_behind_it_is_gone() {
    use Meanwhile::*;
    for (what, status, error) in [
        (ClientDisabled, 401, "invalid_client"),
        (ClientDisabledAndEnabled, 400, "invalid_grant"),
        (ClientDeleted, 401, "invalid_client"),
        (UserDisabled, 400, "invalid_grant"),
        (UserDisabledAndEnabled, 400, "invalid_grant"),
        (UserDeleted, 400, "invalid_grant"),
        (PasswordSet, 400, "invalid_grant"),
        (ConsentWithdrawn, 400, "invalid_grant"),
        (SignedOut, 400, "invalid_grant"),
        (SessionEnded, 400, "invalid_grant"),
    ] {
        let app = world().await;
        let mut browser = app.browser();
        let code = browser.code("app", "openid read", "alice").await;
        app.clock.advance(1);
        happen(&app, &mut browser, what).await;
        let before = app.rows().await;
        let reply = app.token("app", &redemption(&code)).await;
        assert_refused(&reply, status, error, &format!("{what:?}"));
        assert_eq!(app.rows().await, before, "{what:?}");
        assert_eq!(before["grants"], 0, "{what:?}");
    }
}

#[tokio::test]
async fn rfc6749_section_4_1_3_a_public_clients_code_is_not_for_a_confidential_one_and_the_other_way_round() {
    let app = world().await;
    let code = app.browser().code("app", "read", "alice").await;
    let fields = with(&redemption(&code), "client_id", Some("spa"));
    assert_refused(
        &app.post("/oauth/token", None, &fields).await,
        400,
        "invalid_grant",
        "by the public client",
    );
    let fields = with(&redemption(&code), "client_id", Some("app"));
    let reply = app.post("/oauth/token", None, &fields).await;
    assert_refused(&reply, 401, "invalid_client", "a confidential client by its id alone");
    let fields = with(&fields, "client_secret", Some(CLIENT_SECRET));
    assert_eq!(app.post("/oauth/token", None, &fields).await.status, 200);
}
