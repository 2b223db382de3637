//! The audit trail.

use super::Handle;
use super::fixtures::{id_at, record};
use valetkey_core::audit::{Actor, Event, Record};
use valetkey_core::ids::Id;
use valetkey_core::store::{AuditFilter, Page};

pub async fn a_record_reads_back_as_it_was_written(store: Handle) {
    let full = Record {
        actor: Actor::User("usr_1".into()),
        client: Some("app".into()),
        user: Some("usr_1".into()),
        tenant: Some("default".into()),
        address: Some("2001:db8::1".parse().unwrap()),
        request: Some("req-1".to_owned()),
        object: Some("read:things".to_owned()),
        browser: Some("Firefox on Windows".to_owned()),
        ..record(Event::ConsentGiven)
    };
    let actors = [Actor::Operator, Actor::Client("app:with:colons".into()), Actor::Anonymous, Actor::System];
    let mut written = vec![full];
    written.extend(actors.into_iter().map(|actor| Record { actor, ..record(Event::LoginFailed) }));
    for record in &written {
        store.record(record).await.unwrap();
    }
    assert_eq!(store.records_since(None, 100).await.unwrap(), written);
}

pub async fn records_come_newest_first_in_pages_and_by_whom_they_concern(store: Handle) {
    let mut ids: Vec<Id> = Vec::new();
    for n in 0..6 {
        let user = (n % 2 == 0).then(|| "usr_1".into());
        let client = (n % 3 == 0).then(|| "app".into());
        let record = Record { user, client, ..record(Event::LoginSucceeded) };
        ids.push(record.id);
        store.record(&record).await.unwrap();
    }
    let list = async |user: Option<&str>, client: Option<&str>, page: Page| -> Vec<Id> {
        let filter = AuditFilter { user: user.map(Into::into), client: client.map(Into::into) };
        store.records(&filter, &page).await.unwrap().into_iter().map(|record| record.id).collect()
    };
    assert_eq!(list(None, None, Page::first(4)).await, [ids[5], ids[4], ids[3], ids[2]]);
    let next = Page { after: Some(ids[2].to_string()), limit: 4 };
    assert_eq!(list(None, None, next).await, [ids[1], ids[0]]);
    assert_eq!(list(Some("usr_1"), None, Page::first(9)).await, [ids[4], ids[2], ids[0]]);
    assert_eq!(list(None, Some("app"), Page::first(9)).await, [ids[3], ids[0]]);
    assert_eq!(list(Some("usr_1"), Some("app"), Page::first(9)).await, [ids[0]]);
    let nonsense = Page { after: Some("no id".to_owned()), limit: 9 };
    assert_eq!(list(None, None, nonsense).await, []);
}

pub async fn following_the_trail_gives_what_came_after_oldest_first(store: Handle) {
    let mut ids = Vec::new();
    for seconds in 0..5 {
        let record = Record { id: id_at(seconds), ..record(Event::KeyRotated) };
        ids.push(record.id);
        store.record(&record).await.unwrap();
    }
    let after: Vec<Id> =
        store.records_since(Some(ids[1]), 2).await.unwrap().into_iter().map(|record| record.id).collect();
    assert_eq!(after, [ids[2], ids[3]]);
    assert_eq!(store.records_since(Some(ids[4]), 10).await.unwrap(), []);
}
