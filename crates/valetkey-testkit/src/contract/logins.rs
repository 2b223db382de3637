//! Counters of login attempts.

use super::Handle;
use super::fixtures::{NOW, later, race};
use valetkey_core::store::{Attempt, AttemptKey, ChangeKind, Counted};
use valetkey_core::time::Seconds;

/// A counter with two free attempts; then waits of 4, 8, 16, … up to 20 seconds.
fn key(n: u8) -> AttemptKey {
    AttemptKey { key: [n; 32], free: 2, wait: Seconds(4), longest: Seconds(20), spares: 0, shared: false }
}

async fn attempt(store: &Handle, keys: &[AttemptKey], seconds: i64) -> Attempt {
    store.begin_attempt(keys, later(seconds)).await.unwrap()
}

pub async fn attempts_beyond_the_free_ones_wait_longer_each_time(store: Handle) {
    let keys = [key(1)];
    for (seconds, want) in [
        (0, Attempt::Allowed),
        (0, Attempt::Allowed),
        (0, Attempt::Allowed),
        (0, Attempt::Wait(Seconds(4))),
        (3, Attempt::Wait(Seconds(1))),
        (4, Attempt::Allowed),
        (4, Attempt::Wait(Seconds(8))),
        (12, Attempt::Allowed),
        (12, Attempt::Wait(Seconds(16))),
        (28, Attempt::Allowed),
        (28, Attempt::Wait(Seconds(20))),
        (48, Attempt::Allowed),
        (48, Attempt::Wait(Seconds(20))),
    ] {
        assert_eq!(attempt(&store, &keys, seconds).await, want, "after {seconds} s");
    }
    assert_eq!(attempt(&store, &[key(2)], 48).await, Attempt::Allowed, "another key");
}

pub async fn a_refused_attempt_is_not_counted(store: Handle) {
    let keys = [key(1)];
    for _ in 0..3 {
        assert_eq!(attempt(&store, &keys, 0).await, Attempt::Allowed);
    }
    for _ in 0..50 {
        assert_eq!(attempt(&store, &keys, 0).await, Attempt::Wait(Seconds(4)));
    }
    assert_eq!(attempt(&store, &keys, 4).await, Attempt::Allowed);
    assert_eq!(attempt(&store, &keys, 4).await, Attempt::Wait(Seconds(8)), "as after the fourth");
}

pub async fn a_sparing_counter_lets_those_through_who_have_hardly_tried(store: Handle) {
    let lane = AttemptKey { free: 0, spares: 2, ..key(200) };
    assert_eq!(attempt(&store, &[key(1), lane], 0).await, Attempt::Allowed);
    for fresh in 2..20 {
        let keys = [key(fresh), lane];
        assert_eq!(attempt(&store, &keys, 0).await, Attempt::Allowed, "the first of {fresh}");
        assert_eq!(attempt(&store, &keys, 0).await, Attempt::Allowed, "the second of {fresh}");
        assert!(matches!(attempt(&store, &keys, 0).await, Attempt::Wait(_)), "the third of {fresh}");
    }
}

pub async fn a_success_takes_back_only_its_own_attempt_from_a_shared_counter(store: Handle) {
    let shared = AttemptKey { shared: true, ..key(200) };
    for _ in 0..2 {
        assert_eq!(attempt(&store, &[shared], 0).await, Attempt::Allowed);
    }
    assert_eq!(
        attempt(&store, &[key(1), shared], 0).await,
        Attempt::Allowed,
        "the third makes the others wait"
    );
    store.clear_attempts(&[key(1), shared]).await.unwrap();
    assert_eq!(attempt(&store, &[shared], 0).await, Attempt::Allowed, "again the third");
    assert_eq!(attempt(&store, &[shared], 0).await, Attempt::Wait(Seconds(4)));
}

pub async fn if_one_counter_waits_no_other_is_raised(store: Handle) {
    let patient = AttemptKey { longest: Seconds(100), wait: Seconds(50), ..key(2) };
    for _ in 0..3 {
        attempt(&store, &[key(1)], 0).await;
        attempt(&store, &[patient], 0).await;
    }
    for _ in 0..10 {
        assert_eq!(attempt(&store, &[key(3), key(1)], 0).await, Attempt::Wait(Seconds(4)));
        assert_eq!(
            attempt(&store, &[key(3), key(1), patient], 0).await,
            Attempt::Wait(Seconds(50)),
            "the longest"
        );
    }
    for _ in 0..3 {
        assert_eq!(attempt(&store, &[key(3)], 0).await, Attempt::Allowed, "never counted before");
    }
    assert_eq!(attempt(&store, &[key(3)], 0).await, Attempt::Wait(Seconds(4)));
}

pub async fn clearing_forgets_only_the_keys_given(store: Handle) {
    for _ in 0..3 {
        attempt(&store, &[key(1), key(2)], 0).await;
    }
    store.clear_attempts(&[key(1)]).await.unwrap();
    assert_eq!(attempt(&store, &[key(1)], 0).await, Attempt::Allowed);
    assert_eq!(attempt(&store, &[key(2)], 0).await, Attempt::Wait(Seconds(4)));
}

pub async fn an_untouched_counter_starts_anew_after_a_day(store: Handle) {
    for _ in 0..3 {
        attempt(&store, &[key(1)], 0).await;
    }
    for _ in 0..3 {
        assert_eq!(attempt(&store, &[key(1)], 86_400).await, Attempt::Allowed);
    }
    assert_eq!(attempt(&store, &[key(1)], 86_400).await, Attempt::Wait(Seconds(4)));
}

pub async fn a_flood_gets_no_more_attempts_than_are_free(store: Handle) {
    for round in 0..10 {
        let keys = [key(round), AttemptKey { free: 1000, ..key(200) }];
        let outcomes = race(32, |_| {
            let store = store.clone();
            async move { store.begin_attempt(&keys, NOW).await.unwrap() }
        })
        .await;
        let allowed = outcomes.iter().filter(|outcome| **outcome == Attempt::Allowed).count();
        assert_eq!(allowed, 3, "two free ones and the one that starts the wait");
    }
}

pub async fn what_servers_counted_is_added_up_and_who_has_to_pause_is_announced(store: Handle) {
    let counted = |n: u8, by| Counted { key: [n; 32], by, free: 10, window: Seconds(60) };
    let together =
        async |counted: &[Counted], seconds| store.count_together(counted, later(seconds)).await.unwrap();
    assert_eq!(together(&[counted(1, 6), counted(2, 9)], 0).await, []);
    assert_eq!(store.latest_change().await.unwrap(), 0, "nobody need hear of it");
    assert_eq!(together(&[counted(2, 1), counted(1, 3)], 59).await, [([2; 32], Seconds(60))]);
    let told = store.changes_since(0).await.unwrap().unwrap();
    let want = [&[2; 32][..], &60_i64.to_be_bytes()].concat();
    let told: Vec<_> = told.iter().map(|one| (one.kind, one.key.clone())).collect();
    assert_eq!(told, [(ChangeKind::Pause, want)]);
    assert_eq!(together(&[counted(1, 1), counted(2, 1)], 119).await, [], "after a pause it begins anew");
    // Of those that add at once, each finds what the others added.
    let racers = race(8, |_| {
        let store = store.clone();
        let counted = [Counted { key: [3; 32], by: 2, free: 10, window: Seconds(60) }];
        async move { store.count_together(&counted, NOW).await.unwrap().len() }
    });
    assert_eq!(racers.await.into_iter().sum::<usize>(), 4);
}
