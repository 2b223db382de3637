//! A request for a code by somebody who is signed in and has allowed it already, answered from memory: never for longer
//! than that holds

use crate::support::{assert_refused, user_id, world};
use valetkey_core::audit::{Actor, Event, Record};
use valetkey_core::context::Context;
use valetkey_core::manage;
use valetkey_testkit::{Browser, TestApp, redemption};

const OPERATOR: Actor = Actor::Operator;

/// What ends a session, a consent or the right to either, beside the browser's own page.
const ENDS: [&str; 6] = [
    "session ended",
    "all sessions ended",
    "consent withdrawn",
    "user disabled",
    "user deleted",
    "client disabled",
];

/// Somebody who was just waved through twice, so that it is in memory.
async fn known(app: &TestApp) -> Browser<'_> {
    let mut browser = app.browser();
    browser.code("app", "openid read", "alice").await;
    for _ in 0..2 {
        assert!(code(&mut browser).await.is_some(), "a session is live and consent stands");
    }
    browser
}

/// The same browser at another node, where it was just waved through too.
async fn known_at<'a>(node: &'a TestApp, browser: &Browser<'_>) -> Browser<'a> {
    let mut elsewhere = node.browser();
    elsewhere.cookies.clone_from(&browser.cookies);
    assert!(code(&mut elsewhere).await.is_some(), "the session and the consent are the same");
    elsewhere
}

/// The code that comes without a question.
async fn code(browser: &mut Browser<'_>) -> Option<String> {
    let reply = browser.clone().authorize(&Browser::request("app", "openid read")).await;
    if reply.status == 303 { reply.redirected().remove("code") } else { None }
}

/// Sessions by the store's port itself, so that no feed is looked at after it.
async fn end(app: &TestApp, how: &str) {
    let (cx, alice) = (app.cx(), user_id(app, "alice").await);
    match how {
        "session ended" => {
            let session = cx.store.sessions(&alice, cx.now).await.unwrap()[0].id;
            assert!(cx.store.end_session(session, &ended(&cx)).await.unwrap());
        }
        "all sessions ended" => {
            assert_eq!(cx.store.end_sessions(&alice, None, &ended(&cx)).await.unwrap(), 1);
        }
        "consent withdrawn" => manage::consent::withdraw(&cx, OPERATOR, &alice, &"app".into()).await.unwrap(),
        "user disabled" => drop(manage::user::disable(&cx, &OPERATOR, &alice).await.unwrap()),
        "user deleted" => manage::user::delete(&cx, OPERATOR, &alice).await.unwrap(),
        _ => manage::client::disable(&cx, &OPERATOR, &"app".into()).await.map(drop).unwrap(),
    }
}

fn ended(cx: &Context) -> Record {
    cx.record(Event::SessionEnded, OPERATOR)
}

#[tokio::test]
async fn what_ended_gives_no_code_any_more_at_once_where_it_was_ended() {
    for how in ENDS {
        let app = world().await;
        let mut browser = known(&app).await;
        end(&app, how).await;
        assert_eq!(code(&mut browser).await, None, "{how}");
    }
}

#[tokio::test]
async fn asvs_7_4_1_who_signed_out_gets_no_code_with_the_old_cookie() {
    let app = world().await;
    let mut browser = known(&app).await;
    let mut stolen = browser.clone();
    let account = browser.get("/account").await;
    assert_eq!(browser.press(&account, "/account/sign-out", "Sign out").await.status, 200);
    assert_eq!(code(&mut stolen).await, None);
}

#[tokio::test]
async fn what_ended_on_another_node_gives_no_code_once_this_one_has_looked_at_the_feed() {
    for how in ENDS {
        let first = world().await;
        let second = first.node().await;
        let mut browser = known(&first).await;
        let mut elsewhere = known_at(&second, &browser).await;
        end(&first, how).await;
        // Until it looks, it may say yes; the write that redeems the code says no.
        if let Some(late) = code(&mut elsewhere).await {
            let reply = second.token("app", &redemption(&late)).await;
            assert!(!reply.status.is_success(), "{how}: {}", reply.body);
        }
        second.server.follow_changes().await.unwrap();
        assert_eq!(code(&mut elsewhere).await, None, "{how}");
        assert_eq!(code(&mut browser).await, None, "{how}");
    }
}

#[tokio::test]
async fn a_node_that_cannot_hear_asks_the_database_who_is_signed_in() {
    let first = world().await;
    let second = first.node().await;
    let browser = known(&first).await;
    let mut elsewhere = known_at(&second, &browser).await;
    second.server.set_hearing(false);
    end(&first, "all sessions ended").await;
    assert_eq!(code(&mut elsewhere).await, None);
}

#[tokio::test]
async fn memory_is_not_believed_for_longer_than_a_second_by_the_clock() {
    let first = world().await;
    let second = first.node().await;
    let browser = known(&first).await;
    let mut elsewhere = known_at(&second, &browser).await;
    end(&first, "all sessions ended").await;
    first.clock.advance(2);
    assert_eq!(code(&mut elsewhere).await, None, "though nobody looked at the feed");
}

#[tokio::test]
async fn rfc6749_section_4_1_2_a_code_from_before_a_withdrawal_gives_nothing_after_it() {
    let app = world().await;
    let mut browser = known(&app).await;
    let early = code(&mut browser).await.unwrap();
    end(&app, "consent withdrawn").await;
    assert_refused(&app.token("app", &redemption(&early)).await, 400, "invalid_grant", "withdrawn");
}

#[tokio::test]
async fn memory_gives_one_client_nothing_that_another_was_allowed() {
    let app = world().await;
    let mut browser = known(&app).await;
    let reply = browser.authorize(&Browser::request("other", "openid read")).await;
    assert_eq!(reply.checkboxes("scope"), ["read"], "it is asked for");
    let more = browser.authorize(&Browser::request("app", "openid read write")).await;
    assert_eq!(more.checkboxes("scope"), ["write"], "and so is more");
}
