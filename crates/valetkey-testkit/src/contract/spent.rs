//! Values that may be used once.

use super::Handle;
use super::fixtures::{CALLERS, NOW, ROUNDS, later, race};

pub async fn a_value_is_spent_once_and_again_only_after_its_end(store: Handle) {
    let spend =
        async |key: u8, until: i64, at: i64| store.spend(&[key; 32], later(until), later(at)).await.unwrap();
    assert!(spend(1, 60, 0).await);
    assert!(!spend(1, 60, 0).await);
    assert!(!spend(1, 600, 59).await, "a later end does not make it good again");
    assert!(spend(2, 60, 0).await, "another value");
    assert!(spend(1, 120, 60).await, "the first is over");
    assert!(!spend(1, 120, 61).await);
    let is_spent = async |key: u8, at: i64| store.is_spent(&[key; 32], later(at)).await.unwrap();
    assert!(is_spent(1, 119).await && !is_spent(1, 120).await, "to look uses nothing");
    assert!(!is_spent(3, 0).await && spend(3, 60, 0).await && is_spent(3, 0).await);
}

pub async fn of_all_who_spend_one_value_at_once_one_wins(store: Handle) {
    for round in 0..ROUNDS {
        let key = [u8::try_from(round).unwrap(); 32];
        let won = race(CALLERS, |_| {
            let store = store.clone();
            async move { store.spend(&key, later(60), NOW).await.unwrap() }
        });
        assert_eq!(won.await.into_iter().filter(|won| *won).count(), 1, "round {round}");
    }
}
