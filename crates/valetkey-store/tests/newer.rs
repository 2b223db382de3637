//! A newer version works on the same database: what this one does not know it passes over, and does not lose.
#![expect(clippy::expect_used, reason = "a test that cannot begin must fail")]

use rusqlite::Connection;
use std::sync::Arc;
use valetkey_core::audit::{Actor, Event};
use valetkey_core::store::{AuditFilter, ChangeKind, Page, Write};
use valetkey_core::time::Timestamp;
use valetkey_store::{Options, PostgresOptions, Store};
use valetkey_testkit::contract::{Handle, sample_client, sample_record};
use valetkey_testkit::postgres::Cluster;

const NEWER: &str = "INSERT INTO changes (seq, at, kind, key) VALUES (77, 0, 99, BYTES);
    INSERT INTO revocations (kind, key, not_after_ms, expires_at) VALUES (99, BYTES, 1, 9000000000);
    INSERT INTO keys (seq, id, purpose, algorithm, wrapped, created_at, active_at)
        VALUES (77, 'later', 9, 'ML-DSA', BYTES, 0, 0);
    INSERT INTO audit (id, at, event, actor) VALUES (ID, 0, 'something_later', 'robot:r2')";

async fn passes_over_and_keeps(store: Handle, run: impl AsyncFn(&str)) {
    let client = sample_client("app");
    store.create_client(&client, &sample_record()).await.expect("the store answers");
    let (bytes, id) = ("X'01'", format!("X'{}'", "00".repeat(16)));
    run(&NEWER.replace("BYTES", bytes).replace("(ID,", &format!("({id},"))).await;

    let changes =
        store.changes_since(0).await.expect("the store answers").expect("the feed from its beginning");
    assert_eq!(changes.last().map(|change| (change.seq, change.kind)), Some((77, ChangeKind::Other)));
    assert!(store.revocations(Timestamp(0)).await.expect("the store answers").is_empty());
    assert!(store.keys().await.expect("the store answers").is_empty());
    let trail = store.records(&AuditFilter::default(), &Page::first(9)).await.expect("the store answers");
    let last = trail.last().expect("the record of the newer version");
    assert_eq!((last.event, &last.actor), (Event::Unknown, &Actor::Anonymous));

    // What a newer version wrote into a document survives an edit here.
    run("UPDATE clients SET document = replace(document, '{\"', '{\"later_on\":{\"a\":[1]},\"') WHERE id = 'app'").await;
    let mut read = store.client(&"app".into()).await.expect("the store answers").expect("there");
    "Renamed".clone_into(&mut read.name);
    assert_eq!(
        store.update_client(&read, None, &sample_record()).await.expect("the store answers"),
        Write::Done
    );
    run("UPDATE clients SET swept_from = 1 WHERE document LIKE '%\"later_on\":{\"a\":[1]}%' AND document LIKE '%Renamed%'").await;
    run("DELETE FROM clients WHERE swept_from IS NULL").await;
    assert!(store.client(&"app".into()).await.expect("the store answers").is_some(), "both are there");
}

#[tokio::test]
async fn on_sqlite_what_a_newer_version_wrote_is_passed_over_and_kept() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("valetkey.db");
    let store = Store::open(&Options { path: path.clone(), create: true, marker: None }).expect("a store");
    let raw = Connection::open(path).expect("the same file");
    passes_over_and_keeps(Arc::new(store), async |sql: &str| raw.execute_batch(sql).expect("statements"))
        .await;
}

#[tokio::test]
async fn on_postgresql_what_a_newer_version_wrote_is_passed_over_and_kept() {
    let database = Cluster::shared().database().await;
    let options = PostgresOptions { url: database.url.clone(), create: true, marker: None };
    let store = Store::connect(&options).await.expect("a store");
    let (client, driver) = tokio_postgres::connect(
        &database.url.replace("pool_size=5&statement_timeout=15000&", ""),
        tokio_postgres::NoTls,
    )
    .await
    .expect("a server");
    tokio::spawn(driver);
    let run = async |sql: &str| {
        let spoken = sql.replace("X'01'", "'\\x01'").replace("(X'", "('\\x");
        client.batch_execute(&spoken).await.expect("statements");
    };
    passes_over_and_keeps(Arc::new(store), run).await;
}
