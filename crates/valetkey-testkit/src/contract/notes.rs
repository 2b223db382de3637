//! What is noted of an application.

use super::Handle;
use super::fixtures::{NOW, Scene, add_client, any, client, later, until_now};
use valetkey_core::client::noted::{Failure, SecretUse};
use valetkey_core::ids::Id;
use valetkey_core::store::{Audience, MarkKind};
use valetkey_core::time::{Seconds, Timestamp};

fn failure(client: &str, code: &str, count: u32, at: Timestamp) -> Failure {
    Failure {
        client: client.into(),
        endpoint: "token".to_owned(),
        code: code.to_owned(),
        detail: "the code was redeemed before".to_owned(),
        hint: None,
        count,
        first_at: at,
        last_at: at,
    }
}

fn used(client: &str, secret: Id, at: Timestamp) -> SecretUse {
    SecretUse { client: client.into(), secret, at }
}

pub async fn refusals_of_one_sort_are_one_row(store: Handle) {
    add_client(&store, &client("app")).await;
    let hint = |failure: Failure, text: &str| Failure { hint: Some(text.to_owned()), ..failure };
    store.write_notes(&[], &[failure("app", "a", 2, NOW), failure("app", "b", 1, NOW)]).await.unwrap();
    store.write_notes(&[], &[hint(failure("app", "a", 3, later(5)), "https://x/")]).await.unwrap();
    store.write_notes(&[], &[failure("app", "a", 1, later(6))]).await.unwrap();
    let read = store.failures(&"app".into(), 10).await.unwrap();
    let a = Failure { last_at: later(6), ..hint(failure("app", "a", 6, NOW), "https://x/") };
    assert_eq!(read, [a, failure("app", "b", 1, NOW)], "latest first");
    assert_eq!(store.failures(&"app".into(), 1).await.unwrap().len(), 1);
    assert_eq!(store.failures(&"other".into(), 10).await.unwrap(), []);
}

pub async fn the_last_use_of_a_secret_never_moves_back(store: Handle) {
    add_client(&store, &client("app")).await;
    for at in [later(5), NOW] {
        store.write_notes(&[used("app", Id([1; 16]), at), used("app", Id([2; 16]), at)], &[]).await.unwrap();
    }
    let mut read = store.secret_uses(&"app".into()).await.unwrap();
    read.sort();
    assert_eq!(read, [(Id([1; 16]), later(5)), (Id([2; 16]), later(5))]);
}

pub async fn notes_of_a_client_that_is_gone_are_left_out_and_forgotten(store: Handle) {
    add_client(&store, &client("app")).await;
    let both = [failure("app", "a", 1, NOW), failure("gone", "a", 1, NOW)];
    store.write_notes(&[used("gone", Id([1; 16]), NOW), used("app", Id([1; 16]), NOW)], &both).await.unwrap();
    assert_eq!(store.failures(&"gone".into(), 10).await.unwrap(), []);
    let mark = until_now(MarkKind::Client, "app");
    store.delete_client(&"app".into(), &mark, &any()).await.unwrap();
    add_client(&store, &client("app")).await;
    assert_eq!(store.failures(&"app".into(), 10).await.unwrap(), []);
    assert_eq!(store.secret_uses(&"app".into()).await.unwrap(), []);
}

pub async fn refusals_are_kept_for_a_month(store: Handle) {
    add_client(&store, &client("app")).await;
    let old = failure("app", "old", 1, NOW);
    store.write_notes(&[], &[old, failure("app", "new", 1, NOW + Seconds::days(2))]).await.unwrap();
    store.sweep(NOW + Seconds::days(31), 100).await.unwrap();
    let read = store.failures(&"app".into(), 10).await.unwrap();
    assert_eq!(read.iter().map(|own| own.code.as_str()).collect::<Vec<_>>(), ["new"]);
}

pub async fn the_people_and_live_grants_of_a_client_are_counted(store: Handle) {
    let scene = Scene::new(&store).await;
    let id = scene.client.id.clone();
    let before = store.audience(&id, NOW).await.unwrap();
    assert_eq!((before.users, before.grants), (1, 0), "a consent, and no grant");
    scene.granted().await;
    assert_eq!(store.audience(&id, NOW).await.unwrap(), Audience { users: 1, grants: 1 });
    assert_eq!(store.audience(&id, NOW + Seconds::days(5000)).await.unwrap().grants, 0);
}
