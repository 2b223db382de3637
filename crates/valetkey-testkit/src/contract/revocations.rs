//! What was taken back.

use super::Handle;
use super::fixtures::{
    NOW, Scene, any, client, grant_mark, later, mark, pair_mark, record, told, until_now, user, user_in,
};
use valetkey_core::audit::Event;
use valetkey_core::store::{ChangeKind, Mark, MarkKind, Rotation};

pub async fn a_mark_reads_back_until_it_expires(store: Handle) {
    let one = mark(MarkKind::Token, &[0, 255, 1], i64::MAX);
    let two = Mark { expires_at: later(9), ..mark(MarkKind::Grant, &[7; 16], i64::MAX) };
    for mark in [&one, &two] {
        store.revoke(mark, &record(Event::TokenRevoked)).await.unwrap();
    }
    let all = store.revocations(NOW).await.unwrap();
    assert!(all.len() == 2 && all.contains(&one) && all.contains(&two), "{all:?}");
    assert_eq!(store.revocations(later(9)).await.unwrap(), [one]);
    assert_eq!(store.revocation(MarkKind::Grant, &[7; 16]).await.unwrap(), Some(two));
    assert_eq!(store.revocation(MarkKind::Token, &[7; 16]).await.unwrap(), None, "another kind");
    assert_eq!(told(&store, Event::TokenRevoked).await, 2);
}

pub async fn of_two_marks_on_one_thing_the_later_ends_count(store: Handle) {
    let at = |not_after_ms, seconds| Mark {
        expires_at: later(seconds),
        ..mark(MarkKind::User, b"usr_1", not_after_ms)
    };
    for (given, want) in [(at(50, 10), at(50, 10)), (at(40, 20), at(50, 20)), (at(60, 5), at(60, 20))] {
        store.revoke(&given, &any()).await.unwrap();
        assert_eq!(store.revocation(MarkKind::User, b"usr_1").await.unwrap(), Some(want));
    }
    assert_eq!(store.latest_change().await.unwrap(), 3, "each is announced");
}

pub async fn a_mark_on_a_grant_ends_its_refresh_token(store: Handle) {
    let scene = Scene::new(&store).await;
    let (grant, other) = (scene.granted().await, scene.granted().await);
    store.revoke(&grant_mark(&grant), &any()).await.unwrap();
    assert_eq!(scene.rotate(&grant, 1, NOW).await, Rotation::Unknown);
    assert_eq!(scene.rotate(&other, 1, NOW).await, Rotation::Rotated);
    let token = mark(MarkKind::Token, b"one access token", i64::MAX);
    store.revoke(&token, &any()).await.unwrap();
    assert_eq!(scene.rotate(&other, 2, NOW).await, Rotation::Rotated);
}

pub async fn a_mark_on_a_tenant_spares_the_other_tenant(store: Handle) {
    let alice = Scene::with(&store, user("alice"), client("app")).await;
    let wile = Scene::with(&store, user_in("acme", "alice"), client("app")).await;
    let (first, second) = (alice.granted().await, wile.granted().await);
    store.revoke(&until_now(MarkKind::Tenant, "acme"), &any()).await.unwrap();
    assert_eq!(wile.rotate(&second, 1, NOW).await, Rotation::Unknown);
    assert_eq!(alice.rotate(&first, 1, NOW).await, Rotation::Rotated);
}

pub async fn a_mark_on_a_consent_spares_other_pairs(store: Handle) {
    let scene = Scene::new(&store).await;
    let other = scene.at(client("other")).await;
    let bob = Scene::with(&store, user("bob"), client("app")).await;
    let (first, second, third) = (scene.granted().await, other.granted().await, bob.granted().await);
    let mark = pair_mark(&scene.user.id, &scene.client.id, NOW.0 * 1000);
    store.revoke(&mark, &any()).await.unwrap();
    assert_eq!(scene.rotate(&first, 1, NOW).await, Rotation::Unknown);
    assert_eq!(other.rotate(&second, 1, NOW).await, Rotation::Rotated);
    assert_eq!(bob.rotate(&third, 1, NOW).await, Rotation::Rotated);
}

pub async fn a_mark_made_stronger_is_told_apart_and_ends_what_came_between(store: Handle) {
    let scene = Scene::new(&store).await;
    let grant = scene.granted().await;
    let id = scene.client.id.as_str();
    store.revoke(&mark(MarkKind::Client, id.as_bytes(), 1), &any()).await.unwrap();
    assert_eq!(scene.rotate(&grant, 1, NOW).await, Rotation::Rotated, "it was made after that");
    let before = store.latest_change().await.unwrap();
    store.strengthen(&until_now(MarkKind::Client, id), NOW).await.unwrap();
    let told = store.changes_since(before).await.unwrap().unwrap();
    assert_eq!(told.iter().map(|change| change.kind).collect::<Vec<_>>(), [ChangeKind::Stronger]);
    assert_eq!(scene.rotate(&grant, 2, NOW).await, Rotation::Unknown);
}
