//! Grants under compatibility opt-ins: refresh tokens that stay, codes that refresh, grants that no code leads to

use super::Handle;
use super::fixtures::{
    CALLERS, NOW, ROUNDS, Scene, client, gated, grant_mark, later, race, record, redeem_where, refresh, told,
};
use valetkey_core::audit::Event;
use valetkey_core::store::{
    Beginning, Grant, Limits, NewGrant, Redemption, RefreshBy, Rotation, RotationRequest,
};
use valetkey_core::time::{Seconds, Timestamp};

const NEVER: Limits = Limits { idle_until: Timestamp::NEVER, expires_at: Timestamp::NEVER };

pub async fn a_kept_refresh_token_stays_at_its_generation_and_has_the_limits_given(store: Handle) {
    let scene = Scene::new(&store).await;
    let grant = scene.granted().await;
    for seconds in [0, 1, 500] {
        let kept = refresh(&store, &grant, RefreshBy::Kept(1), NEVER, later(seconds)).await;
        assert_eq!(kept, Rotation::Kept { rotated_at: grant.rotated_at }, "after {seconds} s");
    }
    let stored = scene.stored(&grant).await;
    assert_eq!((stored.generation, stored.last_used_at), (1, later(500)));
    assert_eq!((stored.idle_until, stored.expires_at), (Timestamp::NEVER, Timestamp::NEVER));
    let years = later(20 * 365 * 86_400);
    assert_eq!(
        refresh(&store, &grant, RefreshBy::Kept(1), NEVER, years).await,
        Rotation::Kept { rotated_at: grant.rotated_at }
    );
}

pub async fn an_older_generation_is_reuse_also_where_the_newest_is_kept(store: Handle) {
    let scene = Scene::new(&store).await;
    let grant = scene.granted().await;
    assert_eq!(scene.rotate(&grant, 1, NOW).await, Rotation::Rotated);
    let kept = refresh(&store, &grant, RefreshBy::Kept(2), NEVER, later(20)).await;
    assert_eq!(kept, Rotation::Kept { rotated_at: NOW });
    assert_eq!(refresh(&store, &grant, RefreshBy::Kept(1), NEVER, later(20)).await, Rotation::Reused);
    assert_eq!(refresh(&store, &grant, RefreshBy::Kept(2), NEVER, later(20)).await, Rotation::Unknown);
    assert_eq!(told(&store, Event::RefreshTokenReused).await, 1);
}

pub async fn the_code_refreshes_its_grant_at_any_generation_behind_the_same_gate(store: Handle) {
    let scene = Scene::new(&store).await;
    let grant = scene.granted().await;
    let own = Limits { idle_until: later(1000), expires_at: grant.expires_at };
    let by_code = |now| refresh(&store, &grant, RefreshBy::Code, own, now);
    assert_eq!(by_code(NOW).await, Rotation::Kept { rotated_at: grant.rotated_at });
    assert_eq!(scene.rotate(&grant, 1, later(1)).await, Rotation::Rotated);
    assert_eq!(by_code(later(60)).await, Rotation::Kept { rotated_at: later(1) });
    assert_eq!(scene.rotate(&grant, 2, later(61)).await, Rotation::Rotated, "beside the true one");
    let foreign = Grant { client: scene.at(client("thief")).await.client.id.clone(), ..grant.clone() };
    assert_eq!(refresh(&store, &foreign, RefreshBy::Code, own, later(62)).await, Rotation::Unknown);
    scene.change_user(|user| user.disabled = true).await;
    assert_eq!(by_code(later(63)).await, Rotation::Unknown, "a disabled user");

    let bare = Grant { generation: 0, ..scene.code() };
    scene.change_user(|user| user.disabled = false).await;
    assert_eq!(scene.redeem(&bare).await, Redemption::Redeemed);
    let outcome = refresh(&store, &bare, RefreshBy::Code, own, later(64)).await;
    assert_eq!(outcome, Rotation::Unknown, "nothing to refresh was given");
    assert_eq!(told(&store, Event::RefreshTokenReused).await, 0);
}

pub async fn a_kept_token_of_a_revoked_grant_or_a_disabled_client_is_nothing(store: Handle) {
    let scene = Scene::new(&store).await;
    let grant = scene.granted().await;
    scene.change_client(|client| client.disabled = true).await;
    for by in [RefreshBy::Kept(1), RefreshBy::Code] {
        assert_eq!(refresh(&store, &grant, by, NEVER, NOW).await, Rotation::Unknown, "{by:?}, disabled");
    }
    scene.change_client(|client| client.disabled = false).await;
    assert_eq!(scene.redeem(&grant).await, Redemption::Replayed);
    for by in [RefreshBy::Kept(1), RefreshBy::Code] {
        assert_eq!(refresh(&store, &grant, by, NEVER, NOW).await, Rotation::Unknown, "{by:?}, revoked");
    }
}

pub async fn a_grant_without_a_code_begins_behind_the_gate_of_a_redemption(store: Handle) {
    let scene = Scene::new(&store).await;
    let grant = Grant { session: None, ..scene.code() };
    let before = told(&store, Event::LoginSucceeded).await;
    let told_of = record(Event::LoginSucceeded);
    assert_eq!(store.begin_grant(&gated(&grant), Some(&told_of)).await.unwrap(), Beginning::Begun);
    assert_eq!(store.grant(grant.id).await.unwrap(), Some(grant.clone()));
    assert_eq!(store.begin_grant(&gated(&grant), Some(&told_of)).await.unwrap(), Beginning::Known);
    assert_eq!(scene.stored(&grant).await.revoked_at, None, "no replay");
    assert_eq!(told(&store, Event::LoginSucceeded).await, before + 1);

    let never = Scene::with(&store, super::fixtures::user("nobody"), client("elsewhere")).await;
    let unasked = Grant { user: never.user.id.clone(), session: None, ..scene.code() };
    assert_eq!(store.begin_grant(&gated(&unasked), None).await.unwrap(), Beginning::Refused, "no consent");
    scene.change_user(|user| user.must_change_password = true).await;
    let late = scene.code();
    assert_eq!(
        store.begin_grant(&gated(&late), None).await.unwrap(),
        Beginning::Refused,
        "a password to change"
    );
    assert_eq!(store.grant(late.id).await.unwrap(), None);
}

/// Whether the address is proven, whether it must be, and whether anything is given then.
const PROVEN: [(bool, bool, bool); 4] =
    [(false, true, false), (false, false, true), (true, true, true), (true, false, true)];

pub async fn where_an_address_must_be_proven_no_grant_begins_before(store: Handle) {
    let scene = Scene::new(&store).await;
    for (proven, verified_email, given) in PROVEN {
        let case = format!("proven {proven}, wanted {verified_email}");
        scene.change_user(|user| user.email_verified = proven).await;
        let code = scene.code();
        let want = if given { Redemption::Redeemed } else { Redemption::Refused };
        assert_eq!(redeem_where(&store, &code, verified_email).await, want, "{case}");
        let begun = Grant { session: None, ..scene.code() };
        let want = if given { Beginning::Begun } else { Beginning::Refused };
        let new = NewGrant { grant: &begun, verified_email };
        assert_eq!(store.begin_grant(&new, None).await.unwrap(), want, "{case}");
        assert_eq!(store.grant(begun.id).await.unwrap().is_some(), given, "{case}");
    }
    assert_eq!(told(&store, Event::CodeReplayed).await, 0);
}

pub async fn where_an_address_must_be_proven_nothing_is_refreshed_before(store: Handle) {
    let scene = Scene::new(&store).await;
    let reuse = record(Event::RefreshTokenReused);
    for (proven, verified_email, given) in PROVEN {
        scene.change_user(|user| user.email_verified = true).await;
        for by in [RefreshBy::Kept(1), RefreshBy::Code, RefreshBy::Rotating(1)] {
            let case = format!("{by:?}, proven {proven}, wanted {verified_email}");
            let grant = scene.granted().await;
            scene.change_user(|user| user.email_verified = proven).await;
            let request = RotationRequest {
                grant: grant.id,
                client: &grant.client,
                by,
                now: NOW,
                retry_window: Seconds(10),
                limits: Limits { idle_until: later(1000), expires_at: grant.expires_at },
                access_until: later(600),
                verified_email,
            };
            let mark = grant_mark(&grant);
            let rotate = async || {
                store.rotate_refresh_token(&request, &|| (mark.clone(), reuse.clone())).await.unwrap()
            };
            assert_eq!(rotate().await != Rotation::Unknown, given, "{case}");
            // Nor is the retry of it, and neither is a reuse.
            assert_eq!(rotate().await != Rotation::Unknown, given, "{case}, once more");
            assert_eq!(scene.stored(&grant).await.revoked_at, None, "{case}");
            scene.change_user(|user| user.email_verified = true).await;
        }
    }
    assert_eq!(told(&store, Event::RefreshTokenReused).await, 0);
}

pub async fn of_many_who_begin_one_grant_one_begins_it_and_nobody_kills_it(store: Handle) {
    let scene = Scene::new(&store).await;
    for round in 0..ROUNDS {
        let code = scene.code();
        let outcomes = race(CALLERS, |_| {
            let (store, code) = (store.clone(), code.clone());
            async move { store.begin_grant(&gated(&code), None).await.unwrap() }
        })
        .await;
        let begun = outcomes.iter().filter(|outcome| **outcome == Beginning::Begun).count();
        assert_eq!(begun, 1, "round {round}: {outcomes:?}");
        assert!(outcomes.iter().all(|outcome| *outcome != Beginning::Refused), "round {round}: {outcomes:?}");
        assert_eq!(scene.stored(&code).await.revoked_at, None, "round {round}");
    }
}

pub async fn kept_and_rotating_tokens_are_refreshed_side_by_side(store: Handle) {
    let scene = Scene::new(&store).await;
    let mut grants = Vec::new();
    for _ in 0..CALLERS {
        grants.push(scene.granted().await);
    }
    let ways = [RefreshBy::Rotating(1), RefreshBy::Kept(1), RefreshBy::Code, RefreshBy::Kept(2)];
    let asked = std::sync::Arc::new(grants.clone());
    let outcomes = race(CALLERS, |n| {
        let (store, asked) = (store.clone(), asked.clone());
        async move { refresh(&store, &asked[n], ways[n % 4], NEVER, later(7)).await }
    })
    .await;
    for (n, (grant, outcome)) in grants.iter().zip(outcomes).enumerate() {
        let kept = Rotation::Kept { rotated_at: NOW };
        let want = [Rotation::Rotated, kept.clone(), kept, Rotation::Unknown];
        assert_eq!(outcome, want[n % 4], "caller {n}");
        let (stored, moved) = (scene.stored(grant).await, [(2, later(7)), (1, NOW), (1, NOW), (1, NOW)]);
        assert_eq!((stored.generation, stored.rotated_at), moved[n % 4], "caller {n}");
        let touched = if n % 4 == 3 { NOW } else { later(7) };
        assert_eq!(stored.last_used_at, touched, "caller {n}");
    }
}
