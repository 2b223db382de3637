//! Several servers on one database: what one of them does holds at every other

use crate::support::{introspected, opens_userinfo, refresh, service_token, text, world};
use std::sync::Arc;
use tokio::task::JoinSet;
use valetkey_core::audit::Actor;
use valetkey_core::ids::ClientId;
use valetkey_core::jose::SigningAlgorithm;
use valetkey_core::manage;
use valetkey_core::manage::key::Rotate;
use valetkey_core::store::ScopeWords;
use valetkey_testkit::{Browser, CLIENT_SECRET, PASSWORD, TestApp, redemption};

async fn two_nodes() -> [Arc<TestApp>; 2] {
    let first = world().await;
    let second = first.node().await;
    [Arc::new(first), Arc::new(second)]
}

/// What a running server does several times a second.
async fn hears(node: &TestApp) {
    node.server.follow_changes().await.unwrap();
}

#[tokio::test]
async fn what_one_node_gave_every_node_takes() {
    let [first, second] = two_nodes().await;
    let mut browser = first.browser();
    let code = browser.code("app", "openid read", "alice").await;
    let tokens = second.token("app", &redemption(&code)).await.json();
    assert!(opens_userinfo(&first, text(&tokens, "access_token")).await);
    let next = refresh(&first, "app", text(&tokens, "refresh_token")).await.json();
    assert!(opens_userinfo(&second, text(&next, "access_token")).await);
    let mut elsewhere = second.browser();
    elsewhere.cookies.clone_from(&browser.cookies);
    assert_eq!(elsewhere.get("/account").await.status, 200, "the session too");
}

#[tokio::test]
async fn a_token_revoked_on_one_node_is_dead_on_the_other_once_it_hears() {
    let [first, second] = two_nodes().await;
    let token = service_token(&first, &[]).await.json();
    let token = text(&token, "access_token");
    assert_eq!(introspected(&second, token).await["active"], true);
    let reply = first.post("/oauth/revoke", Some(("service", CLIENT_SECRET)), &[("token", token)]).await;
    assert_eq!(reply.status, 200);
    assert_eq!(introspected(&first, token).await["active"], false, "at once where it was revoked");
    hears(&second).await;
    assert_eq!(introspected(&second, token).await["active"], false);
}

#[tokio::test]
async fn a_node_that_cannot_hear_asks_the_database_and_never_guesses() {
    let [first, second] = two_nodes().await;
    let token = service_token(&first, &[]).await.json();
    let token = text(&token, "access_token");
    second.server.set_hearing(false);
    assert_eq!(introspected(&second, token).await["active"], true, "a live one is live");
    first.post("/oauth/revoke", Some(("service", CLIENT_SECRET)), &[("token", token)]).await;
    assert_eq!(introspected(&second, token).await["active"], false, "without a look at the feed by itself");
    // With the database away as well, it says that it cannot tell.
    second.store.close().await;
    let reply = second.post("/oauth/introspect", Some(("service", CLIENT_SECRET)), &[("token", token)]).await;
    assert_eq!(reply.refusal(), (503, "temporarily_unavailable".to_owned()));
    assert_eq!(reply.header("retry-after"), "2");
}

#[tokio::test]
async fn a_node_that_stood_still_asks_before_it_trusts_what_it_knew() {
    let [first, second] = two_nodes().await;
    let token = service_token(&first, &[]).await.json();
    let token = text(&token, "access_token");
    assert_eq!(introspected(&second, token).await["active"], true);
    first.post("/oauth/revoke", Some(("service", CLIENT_SECRET)), &[("token", token)]).await;
    // Nobody told it that it is deaf: it was stopped, and goes on.
    second.clock.advance(2);
    assert_eq!(introspected(&second, token).await["active"], false);
    // It has just asked, and need not again.
    second.store.close().await;
    assert_eq!(introspected(&second, token).await["active"], false);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rfc6749_section_4_1_2_of_racers_on_two_nodes_one_redeems_a_code() {
    let nodes = two_nodes().await;
    let mut browser = nodes[0].browser();
    for round in 0..8 {
        let code = browser.code("app", "openid read", "alice").await;
        let mut racers = JoinSet::new();
        for n in 0..16 {
            let (node, fields) = (Arc::clone(&nodes[n % 2]), code.clone());
            racers.spawn(async move { node.token("app", &redemption(&fields)).await });
        }
        let replies = racers.join_all().await;
        let won: Vec<_> = replies.iter().filter(|reply| reply.status == 200).collect();
        assert_eq!(won.len(), 1, "round {round}");
        for lost in replies.iter().filter(|reply| reply.status != 200) {
            assert_eq!(lost.refusal(), (400, "invalid_grant".to_owned()), "round {round}");
        }
        // RFC 9700 §4.5: and what it gave is taken back everywhere, since the code was shown again.
        let token = won[0].json();
        for node in &nodes {
            hears(node).await;
            assert!(!opens_userinfo(node, text(&token, "access_token")).await, "round {round}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rfc9700_section_4_14_2_of_racers_on_two_nodes_all_get_the_one_successor() {
    let nodes = two_nodes().await;
    let tokens = nodes[0].browser().tokens("app", "openid read", "alice").await;
    let mut token = text(&tokens, "refresh_token").to_owned();
    for round in 0..16 {
        let mut racers = JoinSet::new();
        for n in 0..16 {
            let (node, token) = (Arc::clone(&nodes[n % 2]), token.clone());
            racers.spawn(async move { refresh(&node, "app", &token).await });
        }
        let mut successors = Vec::new();
        for reply in racers.join_all().await {
            assert_eq!(reply.status, 200, "round {round}: {}", reply.body);
            successors.push(text(&reply.json(), "refresh_token").to_owned());
        }
        successors.dedup();
        assert_eq!(successors.len(), 1, "round {round}: no fork");
        token = successors.swap_remove(0);
    }
}

#[tokio::test]
async fn a_client_disabled_on_one_node_gets_nothing_on_the_other_once_it_hears() {
    let [first, second] = two_nodes().await;
    assert_eq!(service_token(&second, &[]).await.status, 200, "it is in memory there");
    manage::client::disable(&first.cx(), &Actor::Operator, &ClientId::from("service")).await.unwrap();
    hears(&second).await;
    assert_eq!(service_token(&second, &[]).await.status, 401);
}

#[tokio::test]
async fn a_scope_made_on_one_node_is_known_on_the_other_once_it_hears() {
    let [first, second] = two_nodes().await;
    let words = ScopeWords {
        name: "later".to_owned(),
        description: "See what comes later".to_owned(),
        detail: String::new(),
        default: false,
        standard: false,
    };
    manage::scope::create(&first.cx(), Actor::Operator, words).await.unwrap();
    hears(&second).await;
    let metadata = second.get("/.well-known/oauth-authorization-server").await;
    assert!(metadata.json()["scopes_supported"].as_array().unwrap().iter().any(|scope| scope == "later"));
}

#[tokio::test]
async fn a_node_that_was_away_for_longer_than_the_feed_reaches_reads_everything_anew() {
    let [first, second] = two_nodes().await;
    assert_eq!(service_token(&second, &[]).await.status, 200, "it is in memory there");
    for client in ["service", "spa"] {
        manage::client::disable(&first.cx(), &Actor::Operator, &ClientId::from(client)).await.unwrap();
    }
    let seen = second.server.store.latest_change().await.unwrap() - 2;
    let later = first.server.now() + valetkey_core::time::Seconds::days(2);
    first.server.store.sweep(later, 1000).await.unwrap();
    assert_eq!(second.server.store.changes_since(seen).await.unwrap(), None, "the feed has a gap");
    hears(&second).await;
    assert_eq!(service_token(&second, &[]).await.status, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn keys_are_rotated_by_one_node_at_a_time_and_the_new_one_is_known_to_all_before_it_is_used() {
    let nodes = two_nodes().await;
    for what in [Rotate::Sealing, Rotate::Signing(SigningAlgorithm::EdDsa)] {
        let before = nodes[0].server.store.keys().await.unwrap().len();
        let mut rotators = JoinSet::new();
        for n in 0..8 {
            let node = Arc::clone(&nodes[n % 2]);
            rotators.spawn(async move {
                manage::key::rotate(&node.cx(), Actor::Operator, what, false).await.is_ok()
            });
        }
        let won = rotators.join_all().await.into_iter().filter(|won| *won).count();
        let after = nodes[0].server.store.keys().await.unwrap();
        assert_eq!(after.len(), before + won, "{what:?}: whoever was overtaken added nothing");
        assert!(won >= 1 && after.last().unwrap().active_at > nodes[0].server.now(), "{what:?}");
    }
    for node in &nodes {
        hears(node).await;
    }
    nodes[0].clock.advance(3600);
    let token = service_token(&nodes[0], &[]).await.json();
    assert_eq!(introspected(&nodes[1], text(&token, "access_token")).await["active"], true);
    let jwks = |node: Arc<TestApp>| async move { node.get("/oauth/jwks").await.body };
    assert_eq!(jwks(Arc::clone(&nodes[0])).await, jwks(Arc::clone(&nodes[1])).await);
}

#[tokio::test]
async fn guessing_is_slowed_down_over_all_nodes_together() {
    let nodes = two_nodes().await;
    let mut statuses = Vec::new();
    for n in 0..40 {
        let mut browser = nodes[n % 2].browser();
        let page = browser.authorize(&Browser::request("app", "read")).await;
        statuses.push(browser.log_in(&page, "alice", "wrong").await.status.as_u16());
    }
    let slowed = statuses.iter().position(|status| *status == 429).unwrap();
    assert!(statuses[slowed..].iter().all(|status| *status == 429), "{statuses:?}");
    let alone = {
        let app = world().await;
        let mut count = 0;
        loop {
            let mut browser = app.browser();
            let page = browser.authorize(&Browser::request("app", "read")).await;
            if browser.log_in(&page, "alice", "wrong").await.status == 429 {
                break count;
            }
            count += 1;
        }
    };
    assert_eq!(slowed, alone, "two nodes give no more tries than one");
    let mut browser = nodes[1].browser();
    let page = browser.authorize(&Browser::request("app", "read")).await;
    assert_eq!(browser.log_in(&page, "alice", PASSWORD).await.status, 429, "not even the right one");
}
