//! Full disks, other processes, files that vanish.

use super::{Fresh, Keys, Put, Then, options, put};
use crate::OpenError;
use crate::engine::sqlite::Sqlite;
use crate::engine::{Tx, Verb, params};
use rusqlite::Connection;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use valetkey_core::error::{Fault, FaultKind};

/// A verb that needs more pages than the file may have.
struct Big;

impl Verb for Big {
    type Out = ();
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<(), Fault> {
        tx.query("PRAGMA max_page_count = 1", &[]).await?;
        let sql = "INSERT INTO upkeep (task, cursor) VALUES ('big', $1)";
        tx.execute(sql, params![&vec![1; 1 << 20]]).await?;
        Ok(())
    }
}

struct Room;

impl Verb for Room {
    type Out = ();
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<(), Fault> {
        tx.query("PRAGMA max_page_count = 1000000", &[]).await.map(|_| ())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_writes_serves_reads_and_heals_by_itself() {
    let fresh = Fresh::new();
    fresh.db.write(put("before")).await.unwrap();
    for _ in 0..3 {
        assert_eq!(fresh.db.write(Big).await.err().map(|fault| fault.kind), Some(FaultKind::Unavailable));
        assert_eq!(fresh.db.read(&Keys).unwrap(), ["before"]);
    }
    fresh.db.write(Room).await.unwrap();
    fresh.db.write(put("after")).await.unwrap();
    assert_eq!(fresh.db.read(&Keys).unwrap(), ["after", "before"]);
    assert!(!fresh.db.is_ailing());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_waits_for_another_process_but_not_for_ever() {
    let fresh = Fresh::new();
    let other = Connection::open(fresh.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = fresh.db.write(put("too early")).await;
    assert_eq!(refused.err().map(|fault| fault.kind), Some(FaultKind::Unavailable));
    assert!(fresh.db.is_ailing());

    let (sent, told) = mpsc::channel();
    let waiting = tokio::spawn({
        let db = fresh.db.clone();
        async move {
            sent.send(()).unwrap();
            db.write(put("in time")).await
        }
    });
    told.recv().unwrap();
    other.execute_batch("COMMIT").unwrap();
    waiting.await.unwrap().unwrap();
    assert_eq!(fresh.db.read(&Keys).unwrap(), ["in time"]);
    assert!(!fresh.db.is_ailing());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_management_command_gets_its_turn_while_the_server_writes_without_pause() {
    let fresh = Fresh::new();
    let done = Arc::new(AtomicBool::new(false));
    let server: Vec<_> = (0..8)
        .map(|writer| {
            let (db, done) = (fresh.db.clone(), done.clone());
            tokio::spawn(async move {
                let mut count = 0;
                while !done.load(Ordering::Relaxed) {
                    db.write(put(format!("server {writer} {count}"))).await.unwrap();
                    count += 1;
                }
                count
            })
        })
        .collect();
    for n in 0..20 {
        // Each opens the database anew, as a process would.
        let command = Sqlite::open(&options(&fresh.path())).unwrap();
        command.write(put(format!("command {n}"))).await.unwrap();
        command.close().await;
    }
    done.store(true, Ordering::Relaxed);
    let mut written = 20;
    for writer in server {
        written += writer.await.unwrap();
    }
    assert_eq!(fresh.db.read(&Keys).unwrap().len(), written);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_deleted_under_the_server_takes_no_more_writes() {
    for file in ["valetkey.db", "valetkey.db-wal"] {
        let fresh = Fresh::new();
        fresh.db.write(put("one")).await.unwrap();
        fresh.db.write(put("two")).await.unwrap();
        let (here, away) = (fresh.directory.path().join(file), fresh.directory.path().join("away"));
        fs::rename(&here, &away).unwrap();
        let refused = fresh.db.write(put("lost")).await;
        assert_eq!(refused.err().map(|fault| fault.kind), Some(FaultKind::Corrupt), "{file}");
        fs::rename(&away, &here).unwrap();
        fresh.db.write(put("three")).await.unwrap();
        assert_eq!(fresh.db.read(&Keys).unwrap(), ["one", "three", "two"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_page_is_a_fault_and_never_a_wrong_answer() {
    let fresh = Fresh::new();
    for n in 0..200 {
        fresh.db.write(put(format!("{n:0100}"))).await.unwrap();
    }
    let path = fresh.path();
    fresh.db.close().await;
    drop(fresh.db);
    // Everything but the header and the schema's first page is overwritten.
    let mut bytes = fs::read(&path).unwrap();
    bytes[4096 * 4..].fill(0xa5);
    fs::write(&path, bytes).unwrap();
    match Sqlite::open(&options(&path)) {
        Err(OpenError::Damaged { .. }) => {}
        Err(other) => panic!("{other}"),
        Ok(db) => {
            assert_eq!(db.read(&Keys).err().map(|fault| fault.kind), Some(FaultKind::Corrupt));
            assert_eq!(db.write(put("x")).await.err().map(|fault| fault.kind), Some(FaultKind::Corrupt));
        }
    }
}

#[test]
fn a_lost_database_is_never_made_anew() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("valetkey.db");
    let marker = directory.path().join("master.key");
    fs::write(&marker, "k").unwrap();
    let mut with_marker = options(&path);
    with_marker.marker = Some(marker);
    let lost = |found: Result<Sqlite, OpenError>| matches!(found, Err(OpenError::Lost { .. }));

    assert!(lost(Sqlite::open(&with_marker)), "missing");
    fs::write(&path, "").unwrap();
    assert!(lost(Sqlite::open(&with_marker)), "zero length");
    Connection::open(&path).unwrap().execute_batch("PRAGMA journal_mode = WAL").unwrap();
    assert!(fs::metadata(&path).unwrap().len() > 0);
    assert!(lost(Sqlite::open(&with_marker)), "no schema");

    fs::remove_file(&path).unwrap();
    fs::write(directory.path().join("valetkey.db-wal"), "log").unwrap();
    assert!(lost(Sqlite::open(&options(&path))), "its log remains");
    assert!(!path.exists());
}

#[test]
fn what_is_no_database_of_ours_is_refused_in_words() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("valetkey.db");
    let refusal = || Sqlite::open(&options(&path)).err().map(|error| error.to_string()).unwrap();

    fs::write(&path, "Dear diary, today I wrote no database at all. ".repeat(10)).unwrap();
    assert!(refusal().contains("is not a Valetkey database"), "{}", refusal());

    fs::remove_file(&path).unwrap();
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE other (a)").unwrap();
    assert!(refusal().contains("is not a Valetkey database"), "{}", refusal());

    fs::remove_file(&path).unwrap();
    drop(Sqlite::open(&options(&path)).unwrap());
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    assert!(refusal().contains("is damaged"), "{}", refusal());

    fs::write(&path, &bytes).unwrap();
    let raw = Connection::open(&path).unwrap();
    raw.execute_batch("INSERT INTO schema_history VALUES (999, 'later', 0, '9.9', 999)").unwrap();
    drop(raw);
    assert!(refusal().contains("made by a newer Valetkey (schema 999"), "{}", refusal());
}

#[test]
fn a_server_does_not_begin_on_pages_that_do_not_hold_together() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("valetkey.db");
    drop(Sqlite::open(&options(&path)).unwrap());
    let whole = fs::read(&path).unwrap();
    // A page that nothing of the opening itself reads.
    let far = whole.len() / 4096 - 1;
    let mut bytes = whole.clone();
    bytes[far * 4096..].fill(0xff);
    fs::write(&path, &bytes).unwrap();
    let refusal = Sqlite::open(&options(&path)).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(refusal.contains("is damaged"), "{refusal}");
    fs::write(&path, &whole).unwrap();
    assert!(Sqlite::open(&options(&path)).is_ok());
}

#[test]
fn a_database_with_a_second_name_is_refused_under_both() {
    let directory = tempfile::tempdir().unwrap();
    let (path, other) = (directory.path().join("valetkey.db"), directory.path().join("other.db"));
    drop(Sqlite::open(&options(&path)).unwrap());
    fs::hard_link(&path, &other).unwrap();
    for name in [&path, &other] {
        assert!(matches!(Sqlite::open(&options(name)), Err(OpenError::Linked { .. })));
    }
    fs::remove_file(&other).unwrap();
    assert!(Sqlite::open(&options(&path)).is_ok());
}

#[test]
fn without_leave_to_create_nothing_is_created() {
    let directory = tempfile::tempdir().unwrap();
    let mut no_create = options(&directory.path().join("data").join("valetkey.db"));
    no_create.create = false;
    assert!(matches!(Sqlite::open(&no_create), Err(OpenError::Missing { .. })));
    assert!(!directory.path().join("data").exists());
}

#[test]
fn a_new_database_is_its_owners_alone() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let db = Sqlite::open(&options(&data.join("valetkey.db"))).unwrap();
    db.read(&Keys).unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    for entry in fs::read_dir(&data).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_log_is_copied_back_while_writes_go_on() {
    let fresh = Fresh::new();
    for n in 0..1500 {
        fresh.db.write(Put { key: format!("{n}"), then: Then::Done }).await.unwrap();
    }
    let log = fs::metadata(fresh.directory.path().join("valetkey.db-wal")).unwrap().len();
    assert!(log < 8 << 20, "the log has {log} bytes");
    assert!(fs::metadata(fresh.path()).unwrap().len() > 0);
}
