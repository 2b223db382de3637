//! Backups of a store in use are of one moment; older ones are brought up to date, and newer ones refused.
#![expect(clippy::expect_used, reason = "a test that cannot begin must fail")]

use rusqlite::Connection;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tempfile::TempDir;
use valetkey_core::audit::Record;
use valetkey_core::backup::{About, BackupKey};
use valetkey_core::ids::Id;
use valetkey_core::seal::SealingKey;
use valetkey_core::store::{Catalog, ScopeWords, Upkeep, Write};
use valetkey_core::time::Timestamp;
use valetkey_store::{BackupError, Head, Options, Place, PostgresOptions, Report, Store, backup, restore};
use valetkey_testkit::contract::sample_record;
use valetkey_testkit::postgres::Cluster;

fn master() -> SealingKey {
    SealingKey::new("master".into(), Timestamp(0), &[5; 32]).expect("32 bytes")
}

async fn backed_up(place: &Place, file: &Path) -> Result<Report, BackupError> {
    let about = About { id: Id::new(1, [1; 10]), made_at: Timestamp(1), valetkey: "1".to_owned(), schema: 0 };
    let head = Head { about, key: BackupKey::new([9; 32]), master: &master(), nonce: [3; 12] };
    backup(place, file, true, head).await
}

fn file_in(directory: &TempDir) -> Place {
    Place::File(Options { path: directory.path().join("valetkey.db"), create: true, marker: None })
}

async fn opened(place: &Place) -> Store {
    match place {
        Place::File(options) => Store::open(options).expect("a store"),
        Place::Server(options) => Store::connect(options).await.expect("a store"),
    }
}

async fn server() -> Place {
    let database = Cluster::shared().database().await;
    Place::Server(PostgresOptions { url: database.url, create: true, marker: None })
}

/// The address without what is ours alone.
fn bare(url: &str) -> String {
    url.replace("pool_size=5&statement_timeout=15000&", "")
}

fn record(n: u64) -> Record {
    Record { id: Id::new(n + 1, [7; 10]), ..sample_record() }
}

fn scope(n: u64) -> ScopeWords {
    ScopeWords {
        name: format!("scope-{n}"),
        description: "See how many there are".to_owned(),
        detail: "x".repeat(200),
        default: false,
        standard: false,
    }
}

fn rows(report: &Report, table: &str) -> u64 {
    report.rows.iter().find(|(name, _)| name == table).map_or(0, |(_, count)| *count)
}

/// Each write makes a scope and a record: a backup that saw one without the other is of no moment that ever was.
async fn is_of_one_moment(from: Place, into: Place) {
    let directory = tempfile::tempdir().expect("a directory");
    let store = opened(&from).await;
    let (next, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let write = |store: Store, next: Arc<AtomicU64>, stop: Arc<AtomicBool>| async move {
        while !stop.load(Ordering::Relaxed) {
            let n = next.fetch_add(1, Ordering::Relaxed);
            assert_eq!(
                store.create_scope(&scope(n), &record(n)).await.expect("the store answers"),
                Write::Done
            );
        }
    };
    let writers: Vec<_> =
        (0..4).map(|_| tokio::spawn(write(store.clone(), next.clone(), stop.clone()))).collect();
    let file = directory.path().join("one.backup");
    let mut last = 0;
    for round in 0..8 {
        // Some are written between two backups.
        while next.load(Ordering::Relaxed) < last + 50 {
            tokio::task::yield_now().await;
        }
        let report = backed_up(&from, &file).await.expect("a backup");
        assert_eq!(rows(&report, "scopes"), rows(&report, "audit"), "round {round}");
        last = next.load(Ordering::Relaxed);
    }
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.expect("nobody was disturbed");
    }
    let report = backed_up(&from, &file).await.expect("a backup");
    assert_eq!(rows(&report, "scopes"), next.load(Ordering::Relaxed));
    restore(&file, &into, false, &master(), record(1_000_000)).await.expect("restored");
    let restored = opened(&into).await;
    assert_eq!(restored.scopes().await.expect("the store answers").len() as u64, rows(&report, "scopes"));
    let counts = restored.row_counts().await.expect("the store answers");
    let audited = counts.iter().find(|(table, _)| table == "audit").map_or(0, |(_, count)| *count);
    assert_eq!(audited, rows(&report, "audit") + 1, "and what tells of the restore");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_of_a_file_in_use_is_of_one_moment() {
    let (from, into) = (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory"));
    is_of_one_moment(file_in(&from), file_in(&into)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_of_a_server_in_use_is_of_one_moment() {
    let into = tempfile::tempdir().expect("a directory");
    is_of_one_moment(server().await, file_in(&into)).await;
}

/// A file as an older version would have made it: the schema without what came after a step.
fn older(directory: &TempDir, last: i64) -> Place {
    let path = directory.path().join("valetkey.db");
    let (mut steps, own) = (Vec::new(), Path::new(env!("CARGO_MANIFEST_DIR")));
    for entry in std::fs::read_dir(own.join("src/migrations/sqlite")).expect("the steps").flatten() {
        let name = entry.file_name().into_string().expect("a name");
        let (version, rest) = name.split_once('_').expect("a number");
        let version: i64 = version.parse().expect("a number");
        let sql = std::fs::read_to_string(entry.path()).expect("a step");
        steps.push((version, rest.trim_end_matches(".sql").to_owned(), sql));
    }
    steps.sort();
    let db = Connection::open(path).expect("a file");
    let history = "PRAGMA journal_mode = WAL;
        CREATE TABLE schema_history (version INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum INTEGER NOT NULL,
                                     valetkey TEXT NOT NULL) STRICT";
    db.execute_batch(history).expect("a history");
    for (version, name, sql) in steps.iter().filter(|(version, ..)| *version <= last) {
        db.execute_batch(sql).expect("a step");
        let sum = sql
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, b| (hash ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
        let note = "INSERT INTO schema_history VALUES (?1, ?2, ?3, '0.1.0')";
        db.execute(note, (version, name, sum.cast_signed())).expect("a note");
    }
    file_in(directory)
}

#[tokio::test]
async fn a_backup_of_an_older_schema_is_brought_up_to_date_and_changes_nothing_where_it_is_made() {
    let directory = tempfile::tempdir().expect("a directory");
    let place = older(&directory, 8);
    let db = Connection::open(directory.path().join("valetkey.db")).expect("the file");
    db.execute_batch("INSERT INTO scopes VALUES ('old', 'See old things', '', 0, 0)").expect("a row");
    let file = directory.path().join("one.backup");
    let report = backed_up(&place, &file).await.expect("a backup");
    assert_eq!((report.about.schema, rows(&report, "scopes")), (8, 1));
    let last: i64 =
        db.query_row("SELECT max(version) FROM schema_history", [], |row| row.get(0)).expect("one");
    assert_eq!(last, 8, "a backup brings nothing up to date");
    let elsewhere = tempfile::tempdir().expect("a directory");
    for into in [file_in(&elsewhere), server().await] {
        restore(&file, &into, false, &master(), record(1)).await.expect("restored");
        let restored = opened(&into).await;
        assert_eq!(
            restored.scopes().await.expect("the store answers").first().map(|own| own.name.clone()),
            Some("old".to_owned())
        );
    }
}

#[tokio::test]
async fn a_schema_of_a_newer_version_is_backed_up_by_that_version_alone() {
    for place in [file_in(&tempfile::tempdir().expect("a directory")), server().await] {
        let directory = tempfile::tempdir().expect("a directory");
        let place = match place {
            Place::File(_) => file_in(&directory),
            server @ Place::Server(_) => server,
        };
        drop(opened(&place).await);
        let later = "INSERT INTO schema_history (version, name, checksum, valetkey, compatible_from)
                     VALUES (998, 'later', 0, '9.9', 8)";
        match &place {
            Place::File(options) => {
                Connection::open(&options.path).expect("it").execute_batch(later).expect("a row");
            }
            Place::Server(options) => {
                let (client, driver) = tokio_postgres::connect(&bare(&options.url), tokio_postgres::NoTls)
                    .await
                    .expect("a server");
                tokio::spawn(driver);
                client.batch_execute(later).await.expect("a row");
            }
        }
        // It runs beside it …
        drop(opened(&place).await);
        // … and cannot say what all of it is.
        let file = directory.path().join("one.backup");
        let refused = backed_up(&place, &file).await.expect_err("not whole").to_string();
        assert!(refused.contains("newer Valetkey") && !file.exists(), "{refused}");
        assert_eq!(
            std::fs::read_dir(directory.path())
                .expect("it")
                .flatten()
                .filter(|entry| { entry.file_name().to_string_lossy().contains("partial") })
                .count(),
            0,
            "nothing is left of it"
        );
    }
}
