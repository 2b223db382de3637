//! What this machine commits durably: one-row updates, grouped by one writer thread, as many callers waiting as
//! the server has connections. SQLite, WAL, synchronous=FULL. Goals on refresh are ratios to this.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use crate::process::Pins;

/// What else stands in a row beside the counter: about the size of a grant.
const REST_OF_ROW: usize = 200;

/// Acknowledged updates per second, and how many shared a commit.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct CommitRate {
    pub(crate) per_second: f64,
    pub(crate) per_commit: f64,
}

/// How the callers wait. Threads are the plain way, and what goals are judged by; tasks cost almost nothing to
/// wake, so they show what the store alone commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Callers {
    Threads,
    Tasks,
}

struct Update {
    row: [u8; 16],
    done: oneshot::Sender<()>,
}

#[derive(Default)]
struct Written {
    commits: u64,
}

/// Runs the loop for `seconds` in a fresh database in `dir` and prints the rate as JSON.
pub(crate) fn print_rate(
    pins: Pins,
    dir: &Path,
    (callers, count): (Callers, usize),
    seconds: f64,
) -> Result<()> {
    let rows: Vec<[u8; 16]> = (0..count as u128).map(|row| (row + (1 << 120)).to_be_bytes()).collect();
    let database = create(&dir.join("probe.db"), &rows)?;
    let (ask, asked) = channel();
    // As in the rows: who writes has the server's core, and whoever asks comes from the other one.
    let writer = std::thread::spawn(move || {
        pins.pin_this_thread_as_server();
        write(database, &asked)
    });
    let begin = Instant::now();
    let updates = wait_in_turn(ask, &rows, begin + Duration::from_secs_f64(seconds), callers)?;
    let elapsed = begin.elapsed().as_secs_f64();
    let written = writer.join().ok().context("the writer thread panicked")??;
    let updates = crate::stats::real(updates);
    let per_commit = updates / crate::stats::real(written.commits.max(1));
    println!("{}", serde_json::to_string(&CommitRate { per_second: updates / elapsed, per_commit })?);
    Ok(())
}

fn create(path: &Path, rows: &[[u8; 16]]) -> Result<Connection> {
    let mut database = Connection::open(path)?;
    database.pragma_update(None, "journal_mode", "WAL")?;
    database.pragma_update(None, "synchronous", "FULL")?;
    database.execute_batch(
        "CREATE TABLE probe (id BLOB PRIMARY KEY, generation INTEGER NOT NULL, rest BLOB NOT NULL) STRICT, WITHOUT ROWID",
    )?;
    let transaction = database.transaction()?;
    for row in rows {
        transaction.execute("INSERT INTO probe VALUES ($1, 0, $2)", (row, [b'x'; REST_OF_ROW]))?;
    }
    transaction.commit()?;
    Ok(database)
}

/// Every caller asks for an update, waits until it is durable, and asks again; returns how many were acknowledged.
fn wait_in_turn(ask: Sender<Update>, rows: &[[u8; 16]], end: Instant, callers: Callers) -> Result<u64> {
    match callers {
        Callers::Threads => as_threads(ask, rows, end),
        Callers::Tasks => as_tasks(ask, rows, end),
    }
}

fn as_threads(ask: Sender<Update>, rows: &[[u8; 16]], end: Instant) -> Result<u64> {
    let start = |row: &[u8; 16]| {
        let mut caller = Caller { ask: ask.clone(), row: *row, updates: 0 };
        std::thread::spawn(move || {
            while Instant::now() < end {
                let durable = caller.ask()?;
                durable.blocking_recv().context("the writer dropped an update")?;
            }
            Ok(caller.updates)
        })
    };
    let threads: Vec<JoinHandle<Result<u64>>> = rows.iter().map(start).collect();
    drop(ask);
    threads.into_iter().map(|thread| thread.join().ok().context("a caller panicked")?).sum()
}

fn as_tasks(ask: Sender<Update>, rows: &[[u8; 16]], end: Instant) -> Result<u64> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let call = |row: &[u8; 16]| {
        let mut caller = Caller { ask: ask.clone(), row: *row, updates: 0 };
        async move {
            while Instant::now() < end {
                caller.ask()?.await.context("the writer dropped an update")?;
            }
            Ok(caller.updates)
        }
    };
    let tasks: Vec<_> = rows.iter().map(|row| runtime.spawn(call(row))).collect();
    drop(ask);
    tasks.into_iter().map(|task| runtime.block_on(task).context("a caller panicked")?).sum()
}

struct Caller {
    ask: Sender<Update>,
    row: [u8; 16],
    updates: u64,
}

impl Caller {
    fn ask(&mut self) -> Result<oneshot::Receiver<()>> {
        let (done, durable) = oneshot::channel();
        self.ask.send(Update { row: self.row, done }).ok().context("the writer has ended")?;
        self.updates += 1;
        Ok(durable)
    }
}

/// Takes all that wait into one transaction, commits, and only then answers each.
fn write(mut database: Connection, asked: &Receiver<Update>) -> Result<Written> {
    let mut written = Written::default();
    let mut waiting = Vec::new();
    while let Ok(first) = asked.recv() {
        let transaction = database.transaction()?;
        {
            let mut update =
                transaction.prepare_cached("UPDATE probe SET generation = generation + 1 WHERE id = $1")?;
            for asked in std::iter::once(first).chain(asked.try_iter()) {
                update.execute([&asked.row[..]])?;
                waiting.push(asked.done);
            }
        }
        transaction.commit()?;
        written.commits += 1;
        for done in waiting.drain(..) {
            // A caller never leaves before its answer.
            done.send(()).ok();
        }
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_acknowledged_update_is_in_the_database() {
        for callers in [Callers::Threads, Callers::Tasks] {
            let dir = tempfile::tempdir().expect("a directory");
            let path = dir.path().join("probe.db");
            let rows: Vec<[u8; 16]> = (0..4_u128).map(u128::to_be_bytes).collect();
            let database = create(&path, &rows).expect("created");
            let (ask, asked) = channel();
            let writer = std::thread::spawn(move || write(database, &asked));
            let end = Instant::now() + Duration::from_millis(30);
            let updates = wait_in_turn(ask, &rows, end, callers).expect("runs");
            let written = writer.join().expect("no panic").expect("no error");
            let again = Connection::open(&path).expect("opens");
            let sum: i64 =
                again.query_row("SELECT sum(generation) FROM probe", [], |row| row.get(0)).expect("a row");
            assert_eq!(u64::try_from(sum), Ok(updates), "{callers:?}");
            assert!(updates > 0 && written.commits <= updates);
        }
    }
}
