//! Keys at rest.

use super::Handle;
use super::fixtures::{CALLERS, NOW, ROUNDS, any, later, race, record, told};
use valetkey_core::audit::Event;
use valetkey_core::ids::KeyId;
use valetkey_core::store::{ChangeKind, KeyPurpose, StoredKey};
use valetkey_core::time::Timestamp;

fn key(id: &str, purpose: KeyPurpose, algorithm: &str) -> StoredKey {
    StoredKey {
        id: id.into(),
        purpose,
        algorithm: algorithm.to_owned(),
        wrapped: vec![0, 1, 255],
        created_at: NOW,
        active_at: later(60),
        retired_at: None,
    }
}

fn sealing(id: &str) -> StoredKey {
    key(id, KeyPurpose::Sealing, "A256GCMSIV")
}

fn signing(id: &str) -> StoredKey {
    key(id, KeyPurpose::Signing, "EdDSA")
}

async fn add(store: &Handle, keys: &[StoredKey], seen: Option<&str>) -> bool {
    let seen = seen.map(KeyId::from);
    store.add_keys(keys, &[], seen.as_ref(), &record(Event::KeyCreated)).await.unwrap()
}

async fn names(store: &Handle) -> Vec<String> {
    store.keys().await.unwrap().into_iter().map(|key| key.id.to_string()).collect()
}

pub async fn keys_read_back_oldest_first(store: Handle) {
    let keys = [sealing("z"), signing("m"), key("a", KeyPurpose::Signing, "RS256")];
    assert!(add(&store, &keys, None).await);
    assert_eq!(store.keys().await.unwrap(), keys);
    let changes = store.changes_since(0).await.unwrap().unwrap();
    assert!(changes.iter().all(|change| change.kind == ChangeKind::Key));
    assert_eq!((changes.len(), told(&store, Event::KeyCreated).await), (3, 1));
}

pub async fn a_key_is_added_only_by_who_has_seen_the_newest_of_its_kind(store: Handle) {
    assert!(add(&store, &[sealing("s1")], None).await);
    assert!(!add(&store, &[sealing("s2")], None).await, "there is one already");
    assert!(add(&store, &[signing("e1")], None).await, "of another kind there is none");
    assert!(add(&store, &[sealing("s2")], Some("s1")).await);
    assert!(!add(&store, &[sealing("s3")], Some("s1")).await, "s2 came after");
    assert!(!add(&store, &[sealing("s3")], Some("gone")).await, "a key that never was");
    assert!(add(&store, &[key("r1", KeyPurpose::Signing, "RS256")], Some("s1")).await);
    assert_eq!(names(&store).await, ["s1", "e1", "s2", "r1"]);
}

pub async fn keys_are_added_all_or_none(store: Handle) {
    assert!(add(&store, &[sealing("s1")], None).await);
    let before = store.row_counts().await.unwrap();
    let retire = [("s1".into(), NOW)];
    let both = [signing("e1"), sealing("s2")];
    assert!(!store.add_keys(&both, &retire, None, &any()).await.unwrap());
    assert_eq!(store.row_counts().await.unwrap(), before);
    assert_eq!(store.keys().await.unwrap(), [sealing("s1")]);
}

pub async fn a_key_is_retired_once(store: Handle) {
    assert!(add(&store, &[signing("e1")], None).await);
    let retire = |at: Timestamp| [("e1".into(), at)];
    let seen = Some(KeyId::from("e1"));
    assert!(store.add_keys(&[signing("e2")], &retire(later(5)), seen.as_ref(), &any()).await.unwrap());
    assert!(store.add_keys(&[], &retire(later(9)), None, &any()).await.unwrap());
    let retired = StoredKey { retired_at: Some(later(5)), ..signing("e1") };
    assert_eq!(store.keys().await.unwrap(), [retired, signing("e2")]);
}

pub async fn of_many_rotators_one_wins(store: Handle) {
    let mut newest: Option<String> = None;
    for round in 0..ROUNDS {
        let outcomes = race(CALLERS, |n| {
            let (store, seen) = (store.clone(), newest.clone());
            async move {
                let id = format!("{round}-{n}");
                (add(&store, &[signing(&id)], seen.as_deref()).await, id)
            }
        })
        .await;
        let winners: Vec<_> = outcomes.into_iter().filter(|(won, _)| *won).collect();
        assert_eq!(winners.len(), 1, "round {round}");
        newest = winners.into_iter().next().map(|(_, id)| id);
        assert_eq!(names(&store).await.len(), round + 1);
    }
}
