//! The change feed.

use super::Handle;
use super::fixtures::{Scene, add_client, any, client, mark, user};
use valetkey_core::store::{ChangeKind, MarkKind, Write};

pub async fn the_feed_begins_at_zero_and_counts_every_change_in_order(store: Handle) {
    assert_eq!(store.latest_change().await.unwrap(), 0);
    assert_eq!(store.changes_since(0).await.unwrap(), Some(vec![]));
    add_client(&store, &client("one")).await;
    let user = user("alice");
    store.create_user(&user, &any()).await.unwrap();
    store.revoke(&mark(MarkKind::Token, b"t", 5), &any()).await.unwrap();

    let all = store.changes_since(0).await.unwrap().unwrap();
    let told: Vec<_> = all.iter().map(|change| (change.seq, change.kind, change.key.clone())).collect();
    let want = [
        (1, ChangeKind::Client, b"one".to_vec()),
        (2, ChangeKind::User, user.id.as_str().as_bytes().to_vec()),
        (3, ChangeKind::Revocation, b"\x01t".to_vec()),
    ];
    assert_eq!(told, want);
    assert_eq!(store.latest_change().await.unwrap(), 3);
    assert_eq!(store.changes_since(2).await.unwrap(), Some(vec![all[2].clone()]));
    assert_eq!(store.changes_since(3).await.unwrap(), Some(vec![]));
}

pub async fn a_reader_who_is_too_far_behind_or_ahead_is_told_to_read_everything(store: Handle) {
    add_client(&store, &client("one")).await;
    // Ahead: the database was put back to an older state.
    assert_eq!(store.changes_since(2).await.unwrap(), None);
    // Behind is tried in `upkeep`, where rows are swept.
}

pub async fn a_refused_write_announces_nothing(store: Handle) {
    let scene = Scene::new(&store).await;
    let before = (store.latest_change().await.unwrap(), store.row_counts().await.unwrap());
    assert_eq!(store.create_client(&scene.client, &any()).await.unwrap(), Write::Conflict);
    let mut old = scene.client.clone();
    old.version = 7;
    assert_eq!(store.update_client(&old, None, &any()).await.unwrap(), Write::Conflict);
    let nobody = "usr_nobody".into();
    let gone = mark(MarkKind::User, b"usr_nobody", 5);
    assert_eq!(store.delete_user(&nobody, &gone, &any()).await.unwrap(), Write::Unknown);
    assert!(!store.revoke_grant(scene.code().id, None, &gone, &any()).await.unwrap());
    assert_eq!((store.latest_change().await.unwrap(), store.row_counts().await.unwrap()), before);
}
