//! The store among processes: one of them dies at any moment, two of them want the same directory.
#![expect(clippy::expect_used, reason = "a test that cannot begin must fail")]

use rusqlite::Connection;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use valetkey_core::audit::{Actor, Event, Record};
use valetkey_core::ids::Id;
use valetkey_core::store::{AuditFilter, Audits, Page};
use valetkey_core::time::Timestamp;
use valetkey_store::{OpenError, Options, ServerLock, Store};

fn options(directory: &Path) -> Options {
    Options { path: directory.join("valetkey.db"), create: true, marker: None }
}

fn record(id: Id) -> Record {
    Record {
        id,
        at: Timestamp(0),
        event: Event::LoginSucceeded,
        actor: Actor::System,
        client: None,
        user: None,
        tenant: None,
        address: None,
        request: None,
        object: None,
        browser: None,
    }
}

/// Starts one of the ignored tests below as a process of its own, in `directory`.
fn child(test: &str, directory: &Path) -> Child {
    Command::new(std::env::current_exe().expect("this test knows where it is"))
        .args(["--exact", test, "--ignored", "--nocapture"])
        .current_dir(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("this test starts once more")
}

#[test]
#[ignore = "the child of the test below: writes until it is killed"]
fn writes_without_end() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = Store::open(&options(Path::new("."))).unwrap();
        let first = store.records(&AuditFilter::default(), &Page::first(1)).await.unwrap();
        let first = first.first().map_or(0, |record| record.id.millis().unsigned_abs()) + 1;
        let writers: Vec<_> = (0..16_u8)
            .map(|writer| {
                let store = store.clone();
                tokio::spawn(async move {
                    for n in first.. {
                        let id = Id::new(n, [writer; 10]);
                        store.record(&record(id)).await.unwrap();
                        // Told only now that it is durable.
                        let mut out = std::io::stdout().lock();
                        writeln!(out, "done {id}").and_then(|()| out.flush()).unwrap();
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.await.unwrap();
        }
    });
}

#[test]
fn nothing_acknowledged_is_lost_whenever_the_process_is_killed() {
    let directory = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut acknowledged = BTreeSet::new();
    // The first rounds end while the database is being made.
    for wanted in [0, 0, 0, 1, 3, 10, 50, 200, 500, 1000] {
        let mut process = child("writes_without_end", directory.path());
        let mut lines = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        let mut count = 0;
        while lines.read_line(&mut line).unwrap() > 0 {
            if let Some((_, id)) = line.trim_end().split_once("done ") {
                acknowledged.insert(id.to_owned());
                count += 1;
            }
            line.clear();
            if count >= wanted {
                process.kill().unwrap();
            }
        }
        process.wait().unwrap();

        let store = Store::open(&options(directory.path())).unwrap();
        let stored = runtime.block_on(store.records_since(None, u32::MAX)).unwrap();
        let stored: BTreeSet<_> = stored.into_iter().map(|record| record.id.to_string()).collect();
        assert!(acknowledged.is_subset(&stored), "after {wanted}");
        drop(store);
        let raw = Connection::open(directory.path().join("valetkey.db")).unwrap();
        let sound: String = raw.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(sound, "ok");
    }
    assert!(acknowledged.len() >= 1764);
}

#[test]
#[ignore = "the child of the test below: holds the lock until it is killed"]
fn holds_the_lock() {
    let _lock = ServerLock::acquire(Path::new(".")).unwrap();
    println!("held");
    let _ = std::io::stdin().read(&mut [0]);
}

#[test]
fn a_second_server_is_refused_until_the_first_is_gone_however_it_ends() {
    let directory = tempfile::tempdir().unwrap();
    let mut process = child("holds_the_lock", directory.path());
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("held")));

    let refused = ServerLock::acquire(directory.path()).unwrap_err();
    assert!(matches!(refused, OpenError::InUse { .. }));
    let text = refused.to_string();
    assert!(text.contains(&format!("process {}", process.id())), "{text}");
    // Management commands share the database with it.
    assert!(Store::open(&options(directory.path())).is_ok());

    process.kill().unwrap();
    process.wait().unwrap();
    let lock = ServerLock::acquire(directory.path()).unwrap();
    assert!(ServerLock::acquire(directory.path()).is_err(), "also within one process");
    drop(lock);
    // A child that another test is starting holds a copy of the lock until it has become the other program.
    let patience = Instant::now() + Duration::from_secs(20);
    while ServerLock::acquire(directory.path()).is_err() {
        assert!(Instant::now() < patience, "held though it was let go");
        std::thread::yield_now();
    }
}
