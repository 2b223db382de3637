//! RFC 6749 §6 — rotation; RFC 9700 §4.14.2 — reuse; RFC 7009 — revocation of a grant

use super::Handle;
use super::fixtures::{
    CALLERS, NOW, ROUNDS, Scene, any, client, grant_mark, later, race, record, rotate, told, user_in,
};
use std::collections::BTreeSet;
use valetkey_core::audit::Event;
use valetkey_core::store::{Grant, Limits, Mark, MarkKind, Redemption, RefreshBy, Rotation, RotationRequest};
use valetkey_core::time::Seconds;

pub async fn rotation_moves_one_generation_on(store: Handle) {
    let scene = Scene::new(&store).await;
    let grant = scene.granted().await;
    for generation in 1..5 {
        let now = later(generation * 100);
        assert_eq!(scene.rotate(&grant, generation, now).await, Rotation::Rotated);
        let want = Grant {
            generation: generation + 1,
            rotated_at: now,
            last_used_at: now,
            idle_until: later(generation * 100 + 1000),
            access_until: later(generation * 100 + 600),
            ..grant.clone()
        };
        assert_eq!(scene.stored(&grant).await, want);
    }
}

pub async fn a_retry_within_the_window_gets_the_same_successor(store: Handle) {
    let scene = Scene::new(&store).await;
    let grant = scene.granted().await;
    assert_eq!(scene.rotate(&grant, 1, NOW).await, Rotation::Rotated);
    for seconds in [0, 1, 10, -3] {
        let outcome = scene.rotate(&grant, 1, later(seconds)).await;
        assert_eq!(outcome, Rotation::Retried { rotated_at: NOW }, "after {seconds} s");
    }
    assert_eq!(scene.stored(&grant).await.generation, 2);
    assert_eq!(scene.rotate(&grant, 2, later(5)).await, Rotation::Rotated, "the successor was never hurt");
    assert_eq!(told(&store, Event::RefreshTokenReused).await, 0);
}

pub async fn an_older_token_revokes_the_grant(store: Handle) {
    let scene = Scene::new(&store).await;
    let (grant, other) = (scene.granted().await, scene.granted().await);
    assert_eq!(scene.rotate(&grant, 1, NOW).await, Rotation::Rotated);
    assert_eq!(scene.rotate(&grant, 2, NOW).await, Rotation::Rotated);
    assert_eq!(
        scene.rotate(&grant, 1, NOW).await,
        Rotation::Reused,
        "its successor was used: the window is closed"
    );
    assert_eq!(scene.rotate(&grant, 3, NOW).await, Rotation::Unknown, "the newest died too");
    assert_eq!(scene.rotate(&grant, 1, NOW).await, Rotation::Unknown);
    assert_eq!(scene.stored(&grant).await.revoked_at, Some(NOW));
    assert!(store.revocation(MarkKind::Grant, grant.id.0.as_bytes()).await.unwrap().is_some());
    assert_eq!(told(&store, Event::RefreshTokenReused).await, 1);
    assert_eq!(scene.rotate(&other, 1, NOW).await, Rotation::Rotated, "only this grant");
}

pub async fn a_retry_after_the_window_revokes_the_grant(store: Handle) {
    let scene = Scene::new(&store).await;
    let grant = scene.granted().await;
    assert_eq!(scene.rotate(&grant, 1, NOW).await, Rotation::Rotated);
    assert_eq!(scene.rotate(&grant, 1, later(11)).await, Rotation::Reused);
    assert_eq!(scene.rotate(&grant, 2, later(11)).await, Rotation::Unknown);
}

pub async fn a_foreign_unknown_or_expired_token_changes_nothing(store: Handle) {
    let scene = Scene::new(&store).await;
    let thief = Scene::with(&store, user_in("acme", "thief"), client("thief")).await;
    let grant = scene.code();
    let idle = Grant { idle_until: later(100), ..scene.code() };
    let over = Grant { expires_at: later(100), ..scene.code() };
    let mut before = Vec::new();
    for grant in [&grant, &idle, &over] {
        assert_eq!(scene.redeem(grant).await, Redemption::Redeemed);
        let request = RotationRequest {
            grant: grant.id,
            client: &grant.client,
            by: RefreshBy::Rotating(1),
            now: NOW,
            retry_window: Seconds(10),
            limits: Limits { idle_until: grant.idle_until, expires_at: grant.expires_at },
            access_until: grant.access_until,
            verified_email: false,
        };
        let rotated = store.rotate_refresh_token(&request, &|| (grant_mark(grant), any())).await.unwrap();
        assert_eq!(rotated, Rotation::Rotated);
        before.push(scene.stored(grant).await);
    }

    let stolen = Grant { client: thief.client.id.clone(), ..grant.clone() };
    for (generation, seconds) in [(1, 0), (1, 60), (2, 0), (2, 60), (3, 0)] {
        let outcome = thief.rotate(&stolen, generation, later(seconds)).await;
        assert_eq!(outcome, Rotation::Unknown, "another client's {generation} after {seconds} s");
    }
    assert_eq!(scene.rotate(&scene.code(), 1, NOW).await, Rotation::Unknown, "never issued");
    assert_eq!(scene.rotate(&grant, 3, NOW).await, Rotation::Unknown, "from the future");
    for generation in [1, 2] {
        assert_eq!(scene.rotate(&idle, generation, later(100)).await, Rotation::Unknown, "idle too long");
        assert_eq!(scene.rotate(&over, generation, later(100)).await, Rotation::Unknown, "expired");
    }
    for grant in before {
        assert_eq!(scene.stored(&grant).await, grant);
    }
    assert_eq!(told(&store, Event::RefreshTokenReused).await, 0);
}

pub async fn access_tokens_are_remembered_to_their_last_second(store: Handle) {
    let scene = Scene::new(&store).await;
    let long = Grant { access_until: later(4000), ..scene.code() };
    assert_eq!(scene.redeem(&long).await, Redemption::Redeemed);
    assert_eq!(scene.rotate(&long, 1, NOW).await, Rotation::Rotated);
    assert_eq!(scene.stored(&long).await.access_until, later(4000), "a shorter one does not shorten it");
    let grant = scene.granted().await;
    scene.rotate(&grant, 1, NOW).await;
    scene.rotate(&grant, 1, later(9)).await;
    assert_eq!(scene.stored(&grant).await.access_until, later(609), "a retry gave another access token");

    // A mark made for less lasts as long as what it kills.
    assert!(store.revoke_grant(long.id, None, &grant_mark(&long), &any()).await.unwrap());
    let mark = store.revocation(MarkKind::Grant, long.id.0.as_bytes()).await.unwrap();
    assert_eq!(mark, Some(Mark { expires_at: later(4000), ..grant_mark(&long) }));
}

pub async fn of_many_rotations_one_wins_and_the_rest_get_its_successor(store: Handle) {
    let scene = Scene::new(&store).await;
    let grant = scene.granted().await;
    for generation in 1..=i64::try_from(ROUNDS).unwrap() {
        let outcomes = race(CALLERS, |_| {
            let (store, grant) = (store.clone(), grant.clone());
            async move { rotate(&store, &grant, generation, NOW).await }
        })
        .await;
        let rotated = outcomes.iter().filter(|outcome| **outcome == Rotation::Rotated).count();
        let retried = outcomes.iter().filter(|o| **o == Rotation::Retried { rotated_at: NOW }).count();
        assert_eq!((rotated, retried), (1, CALLERS - 1), "generation {generation}");
        assert_eq!(scene.stored(&grant).await.generation, generation + 1);
    }
    assert_eq!(told(&store, Event::RefreshTokenReused).await, 0);
}

pub async fn no_generation_ever_has_two_successors(store: Handle) {
    let scene = Scene::new(&store).await;
    for round in 0..ROUNDS {
        let grant = scene.granted().await;
        // Each caller goes on from what it was given, so that old and new tokens meet.
        let steps = race(CALLERS, |n| {
            let (store, grant) = (store.clone(), grant.clone());
            async move {
                let mut given = Vec::new();
                for generation in 1..6 {
                    let now = later(i64::try_from(n).unwrap());
                    match rotate(&store, &grant, generation, now).await {
                        Rotation::Rotated => given.push((generation, now)),
                        Rotation::Retried { rotated_at } => given.push((generation, rotated_at)),
                        Rotation::Reused | Rotation::Unknown | Rotation::Kept { .. } => break,
                    }
                }
                given
            }
        })
        .await;
        // A successor is sealed from its generation and `rotated_at`: one generation, one `rotated_at`.
        let given: BTreeSet<_> = steps.into_iter().flatten().collect();
        let generations: BTreeSet<_> = given.iter().map(|(generation, _)| *generation).collect();
        assert_eq!(given.len(), generations.len(), "round {round}: {given:?}");
    }
}

pub async fn revoking_while_rotating_leaves_nothing_alive(store: Handle) {
    let scene = Scene::new(&store).await;
    for round in 0..ROUNDS {
        let grant = scene.granted().await;
        race(CALLERS, |n| {
            let (store, grant) = (store.clone(), grant.clone());
            async move {
                if n == 0 {
                    let revoked = store.revoke_grant(grant.id, None, &grant_mark(&grant), &any()).await;
                    assert!(revoked.unwrap());
                    // From the answer on, nothing.
                    assert_eq!(rotate(&store, &grant, 1, NOW).await, Rotation::Unknown);
                    assert_eq!(rotate(&store, &grant, 2, NOW).await, Rotation::Unknown);
                } else {
                    assert_ne!(rotate(&store, &grant, 1, NOW).await, Rotation::Reused);
                }
            }
        })
        .await;
        assert_eq!(scene.stored(&grant).await.revoked_at, Some(NOW), "round {round}");
    }
}

pub async fn a_grant_is_revoked_once_and_only_by_its_client(store: Handle) {
    let scene = Scene::new(&store).await;
    let grant = scene.granted().await;
    let revoke = async |client: Option<&str>| {
        let client = client.map(Into::into);
        let told = record(Event::GrantRevoked);
        store.revoke_grant(grant.id, client.as_ref(), &grant_mark(&grant), &told).await.unwrap()
    };
    assert!(!revoke(Some("thief")).await);
    assert_eq!(scene.stored(&grant).await.revoked_at, None);
    assert!(revoke(Some("app")).await);
    assert!(!revoke(Some("app")).await && !revoke(None).await);
    assert_eq!(scene.stored(&grant).await.revoked_at, Some(NOW));
    assert_eq!(told(&store, Event::GrantRevoked).await, 1);
}

pub async fn of_many_grants_refreshed_at_once_each_gets_its_own_outcome(store: Handle) {
    const GRANTS: usize = 36;
    let scene = Scene::new(&store).await;
    let (mut grants, mut wanted) = (Vec::new(), Vec::new());
    for n in 0..GRANTS {
        let grant = scene.granted().await;
        // Some were refreshed before: a moment ago, or so often that the first token is long dead.
        for generation in 1..=[0, 1, 2, 0, 0, 0][n % 6] {
            assert_eq!(scene.rotate(&grant, generation, NOW).await, Rotation::Rotated);
        }
        let thief = Grant { client: "thief".into(), ..grant.clone() };
        let (grant, generation, want) = match n % 6 {
            0 => (grant, 1, Rotation::Rotated),
            1 => (grant, 1, Rotation::Retried { rotated_at: NOW }),
            2 => (grant, 1, Rotation::Reused),
            3 => (thief, 1, Rotation::Unknown),
            4 => (scene.code(), 1, Rotation::Unknown),
            _ => (grant, 2, Rotation::Unknown),
        };
        grants.push((grant, generation));
        wanted.push(want);
    }
    let (before, asked) = (grants.clone(), std::sync::Arc::new(grants));
    let outcomes = race(GRANTS, |n| {
        let (store, asked) = (store.clone(), asked.clone());
        async move { rotate(&store, &asked[n].0, asked[n].1, later(1)).await }
    })
    .await;
    assert_eq!(outcomes, wanted);
    for (n, (grant, _)) in before.iter().enumerate().filter(|(n, _)| n % 6 != 4) {
        let stored = scene.stored(grant).await;
        assert_eq!(stored.generation, [2, 2, 3, 1, 0, 1][n % 6], "grant {n}");
        assert_eq!(stored.revoked_at.is_some(), n % 6 == 2, "grant {n}");
    }
    assert_eq!(told(&store, Event::RefreshTokenReused).await, GRANTS / 6);
}
