//! Steps on a file: once, in order, all or none of them, after a copy, and whenever the process is killed.

use super::options;
use crate::engine::sqlite::migrate::{applied, run};
use crate::engine::sqlite::{connection, open_whole};
use crate::lock::ServerLock;
use crate::migrate::{Migration, Refused};
use crate::open::beside;
use rusqlite::Connection;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const fn step(version: i64, compatible_from: i64, sql: &'static str) -> Migration {
    Migration { version, name: "step", compatible_from, sql }
}

const ONE: Migration = step(1, 1, "CREATE TABLE one (a); INSERT INTO one VALUES (1);");
const TWO: Migration = step(2, 1, "ALTER TABLE one ADD COLUMN b");

/// A file that SQLite may open, and a writer on it.
fn fresh(directory: &Path) -> (PathBuf, Connection) {
    let path = directory.join("valetkey.db");
    fs::write(&path, "").unwrap();
    let database = connection::writer(&path).unwrap();
    (path, database)
}

fn number(database: &Connection, sql: &str) -> i64 {
    database.query_row(sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn steps_are_applied_once_and_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let (path, mut db) = fresh(directory.path());
    for steps in [&[ONE][..], &[ONE, TWO], &[ONE, TWO]] {
        run(&mut db, &path, steps, true).unwrap();
    }
    assert_eq!(number(&db, "SELECT count(b IS NULL) FROM one"), 1);
}

#[test]
fn a_step_that_fails_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    let (path, mut db) = fresh(directory.path());
    run(&mut db, &path, &[ONE], true).unwrap();
    let bad = step(3, 1, "CREATE TABLE half (a); nonsense;");
    assert!(matches!(run(&mut db, &path, &[ONE, TWO, bad], true), Err(Refused::Sqlite(_))));
    assert!(!db.table_exists(None, "half").unwrap());
    assert_eq!(applied(&db).unwrap().len(), 1, "nor what went before it");
}

#[test]
fn before_a_file_is_changed_it_is_copied_and_the_last_copy_stays() {
    let directory = tempfile::tempdir().unwrap();
    let (path, mut db) = fresh(directory.path());
    run(&mut db, &path, &[ONE], true).unwrap();
    let copy = |version| beside(&path, &format!(".before-schema-{version}"));
    assert!(!copy(1).exists(), "of nothing there is no copy");
    // Of a process that was killed over it.
    fs::write(beside(&copy(2), ".partial"), "half").unwrap();
    run(&mut db, &path, &[ONE, TWO], true).unwrap();
    let old = Connection::open(copy(2)).unwrap();
    assert!(!old.column_exists(None, "one", "b").unwrap() && number(&old, "SELECT a FROM one") == 1);
    assert_eq!(fs::metadata(copy(2)).unwrap().permissions().mode() & 0o777, 0o600);
    run(&mut db, &path, &[ONE, TWO, step(5, 1, "CREATE TABLE five (a)")], true).unwrap();
    assert!(copy(5).exists() && !copy(2).exists());
    assert!(!beside(&copy(2), ".partial").exists());
}

#[test]
fn a_copy_that_cannot_be_made_stops_the_change() {
    let directory = tempfile::tempdir().unwrap();
    let (path, mut db) = fresh(directory.path());
    run(&mut db, &path, &[ONE], true).unwrap();
    fs::create_dir(beside(&path, ".before-schema-2.partial")).unwrap();
    assert!(matches!(run(&mut db, &path, &[ONE, TWO], true), Err(Refused::Copy { .. })));
    assert_eq!(applied(&db).unwrap().len(), 1);
}

#[test]
fn what_takes_something_away_waits_until_no_server_runs() {
    let directory = tempfile::tempdir().unwrap();
    let (path, mut db) = fresh(directory.path());
    run(&mut db, &path, &[ONE], true).unwrap();
    let taking = [ONE, step(2, 2, "DROP TABLE one")];
    let server = ServerLock::acquire(directory.path()).unwrap();
    assert!(matches!(run(&mut db, &path, &taking, false), Err(Refused::Behind { version: 2 })));
    run(&mut db, &path, &[ONE, TWO], false).unwrap();
    drop(server);
    let taking = [ONE, TWO, step(3, 2, "DROP TABLE one")];
    run(&mut db, &path, &taking, false).unwrap();
}

#[test]
fn an_older_version_goes_on_with_what_a_newer_one_added_and_back_again() {
    let directory = tempfile::tempdir().unwrap();
    let (path, mut db) = fresh(directory.path());
    run(&mut db, &path, &[ONE], true).unwrap();
    run(&mut db, &path, &[ONE, TWO], true).unwrap();
    for steps in [&[ONE][..], &[ONE, TWO], &[ONE]] {
        run(&mut db, &path, steps, true).unwrap();
        db.execute("INSERT INTO one (a) VALUES (2)", []).unwrap();
    }
    run(&mut db, &path, &[ONE, TWO, step(3, 3, "DROP TABLE one")], true).unwrap();
    assert!(matches!(run(&mut db, &path, &[ONE, TWO], true), Err(Refused::Newer { found: 3, known: 2 })));
}

#[test]
fn a_history_from_before_there_was_room_for_others_leaves_none() {
    let directory = tempfile::tempdir().unwrap();
    let (path, mut db) = fresh(directory.path());
    run(&mut db, &path, &[ONE, TWO], true).unwrap();
    db.execute_batch("ALTER TABLE schema_history DROP COLUMN compatible_from").unwrap();
    assert!(matches!(run(&mut db, &path, &[ONE], true), Err(Refused::Newer { .. })));
    run(&mut db, &path, &[ONE, TWO, step(3, 1, "CREATE TABLE three (a)")], true).unwrap();
    assert_eq!(applied(&db).unwrap()[2].compatible_from, 1);
}

const LONG: &str =
    "CREATE TABLE t2 AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
    SELECT i, hex(randomblob(100)) AS x FROM n; CREATE INDEX t2_by_x ON t2 (x);";
const MIGRATES: &str = "engine::sqlite::tests::migrate::migrates_until_it_is_killed";

#[test]
#[ignore = "the child of the test below: changes the file's schema until it is killed"]
fn migrates_until_it_is_killed() {
    let path = Path::new("valetkey.db");
    let mut db = connection::writer(path).unwrap();
    let _ = run(&mut db, path, &[ONE, TWO, step(3, 1, LONG)], true);
}

#[test]
fn whenever_it_is_killed_the_file_is_old_or_new_and_the_next_start_ends_the_work() {
    let directory = tempfile::tempdir().unwrap();
    let (path, mut db) = fresh(directory.path());
    run(&mut db, &path, &[ONE], true).unwrap();
    db.execute_batch("CREATE TABLE filler AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000)
        SELECT i, hex(randomblob(100)) AS x FROM n").unwrap();
    drop(db);
    let before = fs::read(&path).unwrap();
    let length = |suffix: &str| fs::metadata(beside(&path, suffix)).map_or(0, |meta| meta.len());
    let (partial, copy) = (".before-schema-3.partial", ".before-schema-3");
    let mut seen = std::collections::BTreeSet::new();
    let moments: Vec<Box<dyn Fn() -> bool>> = vec![
        Box::new(|| true),
        Box::new(|| length("-shm") > 0),
        Box::new(|| length(partial) > 0),
        Box::new(|| length(partial) > 1 << 20),
        Box::new(|| length(partial) > 4 << 20),
        Box::new(|| length(copy) > 0),
        Box::new(|| length(copy) > 0 && length("-wal") > 1 << 20),
        Box::new(|| length(copy) > 0 && length("-wal") > 8 << 20),
        Box::new(|| length(copy) > 0 && length("-wal") > 20 << 20),
        Box::new(|| false),
    ];
    for (n, is_now) in moments.iter().enumerate() {
        for suffix in ["", "-wal", "-shm", copy, partial] {
            fs::remove_file(beside(&path, suffix)).ok();
        }
        fs::write(&path, &before).unwrap();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", MIGRATES, "--ignored"]).current_dir(directory.path());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while child.try_wait().unwrap().is_none() && !is_now() {
            std::thread::yield_now();
        }
        child.kill().ok();
        child.wait().unwrap();

        let mut db = connection::writer(&path).unwrap();
        let done = applied(&db).unwrap().len();
        assert!(done == 1 || done == 3, "moment {n}: {done} steps");
        assert_eq!(db.table_exists(None, "t2").unwrap(), done == 3, "moment {n}");
        seen.insert(done);
        run(&mut db, &path, &[ONE, TWO, step(3, 1, LONG)], true).unwrap();
        assert_eq!(number(&db, "SELECT count(*) FROM t2"), 100_000, "moment {n}");
        let old = Connection::open(beside(&path, copy)).unwrap();
        let rows = number(&old, "SELECT count(*) FROM filler");
        assert!(rows == 50_000 && !old.table_exists(None, "t2").unwrap(), "moment {n}");
        let sound: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(sound, "ok", "moment {n}");
    }
    assert_eq!(seen.len(), 2, "some were killed before the end, and not all");
}

#[test]
fn a_database_of_a_newer_version_opens_while_there_is_room_for_this_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("valetkey.db");
    drop(open_whole(&options(&path)).unwrap());
    let raw = Connection::open(&path).unwrap();
    raw.execute_batch("INSERT INTO schema_history VALUES (998, 'later', 0, '9.9', 8)").unwrap();
    open_whole(&options(&path)).unwrap();
    raw.execute_batch("INSERT INTO schema_history VALUES (999, 'later still', 0, '9.9', 999)").unwrap();
    let refusal = open_whole(&options(&path)).unwrap_err().to_string();
    assert!(refusal.contains("made by a newer Valetkey (schema 999"), "{refusal}");
}
