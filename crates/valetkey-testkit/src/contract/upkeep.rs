//! Housekeeping.

use super::Handle;
use super::fixtures::{
    NOW, Scene, add_client, add_user, any, client, grant_mark, id_at, later, mark, session_of, start, user,
};
use std::collections::BTreeMap;
use valetkey_core::client::{Client, Origin};
use valetkey_core::ids::GrantId;
use valetkey_core::store::{AttemptKey, Grant, Mark, MarkKind, Page, Redemption, Rotation, Session};
use valetkey_core::time::{Seconds, Timestamp};

const DAY: i64 = 86_400;

async fn counts(store: &Handle) -> BTreeMap<String, u64> {
    store.row_counts().await.unwrap().into_iter().collect()
}

/// Sweeps until nothing goes any more.
async fn sweep_all(store: &Handle, now: Timestamp, limit: u32) {
    for _ in 0..100 {
        store.sweep(now, limit).await.unwrap();
    }
}

pub async fn rows_are_counted_by_table(store: Handle) {
    assert!(counts(&store).await.values().all(|count| *count == 0), "an empty store");
    let scene = Scene::new(&store).await;
    scene.granted().await;
    let counts = counts(&store).await;
    for (table, want) in
        [("users", 1), ("clients", 1), ("sessions", 1), ("consents", 1), ("grants", 1), ("audit", 4)]
    {
        assert_eq!(counts.get(table), Some(&want), "{table}");
    }
}

pub async fn a_sweep_takes_what_cannot_matter_and_nothing_else(store: Handle) {
    let scene = Scene::new(&store).await;
    let long = Session { expires_at: later(10 * DAY), ..session_of(&scene.user) };
    assert!(start(&store, &long).await);
    let live = Grant { expires_at: later(10 * DAY), idle_until: later(10 * DAY), ..scene.code() };
    let token_lives = Grant { access_until: later(10 * DAY), ..scene.code() };
    let (idle, no_refresh) = (scene.code(), Grant { generation: 0, ..scene.code() });
    let revoked = Grant { id: GrantId(id_at(0)), ..live.clone() };
    for code in [&live, &token_lives, &idle, &no_refresh, &revoked] {
        assert_eq!(scene.redeem(code).await, Redemption::Redeemed);
    }
    assert!(store.revoke_grant(revoked.id, None, &grant_mark(&revoked), &any()).await.unwrap());
    let lasting = Mark { expires_at: later(10 * DAY), ..mark(MarkKind::Token, b"t", i64::MAX) };
    store.revoke(&lasting, &any()).await.unwrap();
    let key =
        AttemptKey { key: [1; 32], free: 9, wait: Seconds(1), longest: Seconds(1), spares: 0, shared: false };
    store.begin_attempt(&[key], NOW).await.unwrap();

    let before = counts(&store).await;
    sweep_all(&store, later(60), 100).await;
    assert_eq!(counts(&store).await, before, "nothing is over yet");

    sweep_all(&store, later(3 * DAY), 100).await;
    for (grant, kept) in
        [(live, true), (token_lives, true), (idle, false), (no_refresh, false), (revoked, false)]
    {
        assert_eq!(store.grant(grant.id).await.unwrap().is_some(), kept);
    }
    assert_eq!(store.revocations(NOW).await.unwrap(), [lasting]);
    let after = counts(&store).await;
    for (table, want) in [("sessions", 1), ("attempts", 0), ("users", 1), ("clients", 1), ("consents", 1)] {
        assert_eq!(after.get(table), Some(&want), "{table}");
    }
    assert_eq!(after.get("audit"), before.get("audit"), "the trail is never swept");
}

pub async fn sweeping_in_small_steps_reaches_everything(store: Handle) {
    let scene = Scene::new(&store).await;
    let mut kept = Vec::new();
    for n in 0..100_i64 {
        let stays = n % 7 == 0;
        let end = if stays { 10 * DAY } else { 100 };
        let code = Grant { idle_until: later(end), expires_at: later(end), ..scene.code() };
        assert_eq!(scene.redeem(&code).await, Redemption::Redeemed);
        kept.extend(stays.then_some(code));
    }
    assert!(store.sweep(later(3 * DAY), 3).await.unwrap() <= 15, "at most three of each kind");
    sweep_all(&store, later(3 * DAY), 3).await;
    assert_eq!(counts(&store).await.get("grants"), Some(&15));
    for grant in kept {
        assert_eq!(scene.rotate(&grant, 1, later(3 * DAY)).await, Rotation::Rotated);
    }
}

pub async fn a_client_that_registered_itself_goes_when_nobody_uses_it(store: Handle) {
    let dynamic = |id: &str| Client { origin: Origin::Dynamic, ..client(id) };
    let used = Scene::with(&store, user("alice"), dynamic("used")).await;
    add_client(&store, &dynamic("unused")).await;
    add_client(&store, &client("operators")).await;
    sweep_all(&store, later(6 * DAY), 10).await;
    assert_eq!(counts(&store).await.get("clients"), Some(&3), "not within a week");
    let before = store.latest_change().await.unwrap();
    store.sweep(later(8 * DAY), 10).await.unwrap();
    let left = store.clients(&Page::first(9)).await.unwrap();
    assert_eq!(left.iter().map(|client| client.id.as_str()).collect::<Vec<_>>(), ["operators", "used"]);
    let told = store.changes_since(before).await.unwrap().unwrap();
    assert_eq!(told.iter().map(|change| change.key.as_slice()).collect::<Vec<_>>(), [b"unused"]);
    assert_eq!(used.redeem(&Grant { session: None, ..used.code() }).await, Redemption::Redeemed);
}

pub async fn the_feed_keeps_its_numbers_when_it_is_swept(store: Handle) {
    for id in ["a", "b", "c"] {
        add_client(&store, &client(id)).await;
    }
    sweep_all(&store, later(3 * DAY), 100).await;
    assert_eq!(store.latest_change().await.unwrap(), 3);
    assert_eq!(store.changes_since(3).await.unwrap(), Some(vec![]));
    assert_eq!(store.changes_since(1).await.unwrap(), None, "the second was swept");
    assert_eq!(store.changes_since(0).await.unwrap(), None, "the first was swept");
    add_user(&store, &user("alice")).await;
    assert_eq!(store.latest_change().await.unwrap(), 4);
}

pub async fn a_healthy_store_answers_a_ping(store: Handle) {
    let before = counts(&store).await;
    store.ping().await.unwrap();
    assert_eq!(counts(&store).await, before);
}

pub async fn a_clock_that_jumps_ahead_moves_the_horizon_no_faster_than_the_server_runs(store: Handle) {
    let minute = Seconds(60);
    assert_eq!(store.move_horizon(NOW, minute).await.unwrap(), NOW, "a new store believes");
    assert_eq!(store.move_horizon(later(60), minute).await.unwrap(), later(60));
    assert_eq!(store.move_horizon(later(3650 * DAY), minute).await.unwrap(), later(180));
    assert_eq!(store.move_horizon(later(3650 * DAY), minute).await.unwrap(), later(300));
    assert_eq!(store.move_horizon(later(-DAY), minute).await.unwrap(), later(-DAY), "back is free");
}
