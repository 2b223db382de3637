//! The engine under load, under faults, and with verbs that misbehave.

mod faults;
mod migrate;

use super::{QUEUE, Sqlite};
use crate::Options;
use crate::engine::{Row, Tx, Verb, params};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::task::{Context, Poll, Waker};
use tempfile::TempDir;
use valetkey_core::error::{Fault, FaultKind};

/// A fresh database in a directory that goes with it.
struct Fresh {
    directory: TempDir,
    db: Sqlite,
}

impl Fresh {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let db = Sqlite::open(&options(&directory.path().join("valetkey.db"))).unwrap();
        Self { directory, db }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("valetkey.db")
    }
}

fn options(path: &Path) -> Options {
    Options { path: path.to_owned(), create: true, marker: None }
}

/// Writes one row; `then` may spoil it.
struct Put {
    key: String,
    then: Then,
}

#[derive(Clone)]
enum Then {
    Done,
    Fail,
    Panic,
    Wait,
    /// Breaks a rule that is asked at the commit only.
    SpoilCommit,
    /// Holds the writer: arrives once to say that it runs, and once more to go on.
    Hold(Arc<Barrier>),
}

impl Verb for Put {
    type Out = ();
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<(), Fault> {
        let sql = "INSERT INTO upkeep (task, cursor) VALUES ($1, $2)";
        tx.execute(sql, params![&self.key, &[7_u8; 32]]).await?;
        match &self.then {
            Then::Done => {}
            Then::Fail => return Err(Fault::internal("asked to fail", "x")),
            Then::Panic => panic!("asked to panic"),
            Then::Wait => std::future::pending().await,
            Then::SpoilCommit => {
                tx.query("PRAGMA defer_foreign_keys = ON", &[]).await?;
                let sql = "INSERT INTO consents (user_id, client_id, scope, granted_at, updated_at)
                           VALUES ('nobody', 'nothing', '', 0, 0)";
                tx.execute(sql, &[]).await?;
            }
            Then::Hold(barrier) => {
                barrier.wait();
                barrier.wait();
            }
        }
        Ok(())
    }
}

fn put(key: impl Into<String>) -> Put {
    Put { key: key.into(), then: Then::Done }
}

struct Keys;

impl Verb for Keys {
    type Out = Vec<String>;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Vec<String>, Fault> {
        let rows: Vec<Row> = tx.query("SELECT task FROM upkeep ORDER BY task", &[]).await?;
        rows.iter().map(|row| Ok(row.text(0)?.to_owned())).collect()
    }
}

/// How many rows somebody outside the transaction sees.
struct SeenOutside {
    path: PathBuf,
}

impl Verb for SeenOutside {
    type Out = i64;
    async fn run<T: Tx>(&self, _tx: &mut T) -> Result<i64, Fault> {
        let other = rusqlite::Connection::open(&self.path).unwrap();
        Ok(other.query_row("SELECT count(*) FROM upkeep", [], |row| row.get(0)).unwrap())
    }
}

/// Stops the writer inside a verb; what is written until `release` waits together.
struct Held {
    barrier: Arc<Barrier>,
    holder: tokio::task::JoinHandle<Result<(), Fault>>,
}

impl Held {
    fn new(db: &Sqlite) -> Self {
        let barrier = Arc::new(Barrier::new(2));
        let (db, hold) = (db.clone(), Put { key: "held".to_owned(), then: Then::Hold(barrier.clone()) });
        let holder = tokio::spawn(async move { db.write(hold).await });
        let arrived = barrier.clone();
        // The runtime has a second worker for the writer's caller.
        arrived.wait();
        Self { barrier, holder }
    }

    async fn release(self) -> Result<(), Fault> {
        self.barrier.wait();
        self.holder.await.unwrap()
    }
}

/// A future whose first poll is done: a write that stands in the queue.
struct Started<O> {
    future: Pin<Box<dyn Future<Output = O> + Send>>,
    early: Option<O>,
}

impl<O> Started<O> {
    fn new(future: impl Future<Output = O> + Send + 'static) -> Self {
        let mut future: Pin<Box<dyn Future<Output = O> + Send>> = Box::pin(future);
        let mut context = Context::from_waker(Waker::noop());
        let early = match future.as_mut().poll(&mut context) {
            Poll::Ready(outcome) => Some(outcome),
            Poll::Pending => None,
        };
        Self { future, early }
    }

    async fn end(self) -> O {
        match self.early {
            Some(outcome) => outcome,
            None => self.future.await,
        }
    }
}

/// Puts a verb into the queue now; its answer comes later.
fn start<V: Verb + 'static>(db: &Sqlite, verb: V) -> Started<Result<V::Out, Fault>> {
    let db = db.clone();
    Started::new(async move { db.write(verb).await })
}

async fn ended(waiting: Vec<Started<Result<(), Fault>>>) -> Vec<Option<FaultKind>> {
    let mut kinds = Vec::new();
    for one in waiting {
        kinds.push(one.end().await.err().map(|fault| fault.kind));
    }
    kinds
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_write_that_was_answered_is_there_after_reopening() {
    let fresh = Fresh::new();
    let writes: Vec<_> = (0..500)
        .map(|n| {
            let db = fresh.db.clone();
            tokio::spawn(async move { db.write(put(n.to_string())).await })
        })
        .collect();
    for write in writes {
        write.await.unwrap().unwrap();
    }
    let path = fresh.path();
    drop(fresh.db);
    let again = Sqlite::open(&options(&path)).unwrap();
    assert_eq!(again.read(&Keys).unwrap().len(), 500);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_that_wait_together_share_one_transaction() {
    let fresh = Fresh::new();
    let held = Held::new(&fresh.db);
    let waiting = (0..50).map(|n| start(&fresh.db, put(n.to_string()))).collect();
    let outside = start(&fresh.db, SeenOutside { path: fresh.path() });
    held.release().await.unwrap();
    assert!(ended(waiting).await.iter().all(Option::is_none));
    // Only the holder's batch was committed before: the fifty ran, and nobody outside saw one of them yet.
    assert_eq!(outside.end().await.unwrap(), 1);
    assert_eq!(fresh.db.read(&Keys).unwrap().len(), 51);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_verb_that_fails_in_a_batch_hurts_nobody_else_and_leaves_nothing() {
    for then in [Then::Fail, Then::Panic, Then::Wait] {
        let fresh = Fresh::new();
        let held = Held::new(&fresh.db);
        let bad = Put { key: "bad".to_owned(), then };
        let verbs = [put("a"), bad, put("b"), put("a"), put("c")];
        let waiting = verbs.into_iter().map(|verb| start(&fresh.db, verb)).collect();
        held.release().await.unwrap();
        // The second "a" breaks the primary key before it writes anything.
        let internal = Some(FaultKind::Internal);
        assert_eq!(ended(waiting).await, [None, internal, None, internal, None]);
        assert_eq!(fresh.db.read(&Keys).unwrap(), ["a", "b", "c", "held"]);
        assert!(!fresh.db.is_ailing());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_told_of_success_when_the_commit_fails() {
    let fresh = Fresh::new();
    let held = Held::new(&fresh.db);
    let bad = Put { key: "bad".to_owned(), then: Then::SpoilCommit };
    let waiting = [put("a"), bad, put("b")].into_iter().map(|verb| start(&fresh.db, verb)).collect();
    held.release().await.unwrap();
    assert!(ended(waiting).await.iter().all(Option::is_some));
    assert_eq!(fresh.db.read(&Keys).unwrap(), ["held"]);
    fresh.db.write(put("after")).await.unwrap();
    assert_eq!(fresh.db.read(&Keys).unwrap(), ["after", "held"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_says_no_at_once() {
    let fresh = Fresh::new();
    let held = Held::new(&fresh.db);
    let waiting = (0..QUEUE).map(|n| start(&fresh.db, put(n.to_string()))).collect();
    let refused = fresh.db.write(put("one too many"));
    assert_eq!(refused.await.err().map(|fault| fault.kind), Some(FaultKind::Unavailable));
    held.release().await.unwrap();
    assert!(ended(waiting).await.iter().all(Option::is_none));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_answers_what_waits_and_refuses_what_comes() {
    let fresh = Fresh::new();
    let held = Held::new(&fresh.db);
    let waiting = (0..300).map(|n| start(&fresh.db, put(n.to_string()))).collect();
    let db = fresh.db.clone();
    let closing = Started::new(async move { db.close().await });
    assert!(closing.early.is_none());
    held.release().await.unwrap();
    closing.end().await;
    assert!(ended(waiting).await.iter().all(Option::is_none));
    assert_eq!(fresh.db.write(put("late")).await.err().map(|f| f.kind), Some(FaultKind::Unavailable));
    assert_eq!(fresh.db.read(&Keys).err().map(|f| f.kind), Some(FaultKind::Unavailable));
    let log = std::fs::metadata(fresh.directory.path().join("valetkey.db-wal"));
    assert_eq!(log.map_or(0, |meta| meta.len()), 0, "the log was copied back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_sees_one_state_though_writes_go_on() {
    struct Twice {
        writer: Sqlite,
        raced: AtomicBool,
    }
    impl Verb for Twice {
        type Out = (usize, usize);
        async fn run<T: Tx>(&self, tx: &mut T) -> Result<Self::Out, Fault> {
            let before = tx.query("SELECT task FROM upkeep", &[]).await?.len();
            let db = self.writer.clone();
            let wrote = std::thread::spawn(move || to_end(db.write(put("meanwhile"))));
            self.raced.store(wrote.join().unwrap().is_ok(), Ordering::Relaxed);
            Ok((before, tx.query("SELECT task FROM upkeep", &[]).await?.len()))
        }
    }
    let fresh = Fresh::new();
    let verb = Twice { writer: fresh.db.clone(), raced: AtomicBool::new(false) };
    assert_eq!(fresh.db.read(&verb).unwrap(), (0, 0));
    assert!(verb.raced.load(Ordering::Relaxed));
    assert_eq!(fresh.db.read(&Keys).unwrap(), ["meanwhile"]);
}

/// Runs a future to its end on this thread.
fn to_end<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

#[test]
fn a_read_cannot_write() {
    let fresh = Fresh::new();
    assert_eq!(fresh.db.read(&put("x")).err().map(|fault| fault.kind), Some(FaultKind::Unavailable));
    assert!(fresh.db.read(&Keys).unwrap().is_empty());
}
