//! What this machine commits durably: one-row updates, grouped by one writer thread, as many callers waiting as
//! the server has connections. SQLite, WAL, synchronous=FULL. Goals on refresh are ratios to this.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

/// What else stands in a row beside the counter: about the size of a grant.
const REST_OF_ROW: usize = 200;

/// Acknowledged updates per second, and how many shared a commit.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct CommitRate {
    pub(crate) per_second: f64,
    pub(crate) per_commit: f64,
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
pub(crate) fn print_rate(dir: &Path, callers: usize, seconds: f64) -> Result<()> {
    let rows: Vec<[u8; 16]> = (0..callers as u128).map(|row| (row + (1 << 120)).to_be_bytes()).collect();
    let database = create(&dir.join("probe.db"), &rows)?;
    let (ask, asked) = channel();
    let writer = std::thread::spawn(move || write(database, &asked));
    let length = Duration::from_secs_f64(seconds);
    let begin = Instant::now();
    let updates = wait_in_turn(ask, &rows, length)?;
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
fn wait_in_turn(ask: Sender<Update>, rows: &[[u8; 16]], length: Duration) -> Result<u64> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let end = Instant::now() + length;
    runtime.block_on(async {
        let callers: Vec<_> = rows.iter().map(|row| tokio::spawn(call(ask.clone(), *row, end))).collect();
        drop(ask);
        let mut updates = 0;
        for caller in callers {
            updates += caller.await??;
        }
        Ok(updates)
    })
}

async fn call(ask: Sender<Update>, row: [u8; 16], end: Instant) -> Result<u64> {
    let mut updates = 0;
    while Instant::now() < end {
        let (done, durable) = oneshot::channel();
        ask.send(Update { row, done }).ok().context("the writer has ended")?;
        durable.await.context("the writer dropped an update")?;
        updates += 1;
    }
    Ok(updates)
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
        let dir = tempfile::tempdir().expect("a directory");
        let rows: Vec<[u8; 16]> = (0..4_u128).map(u128::to_be_bytes).collect();
        let database = create(&dir.path().join("probe.db"), &rows).expect("created");
        let (ask, asked) = channel();
        let writer = std::thread::spawn(move || write(database, &asked));
        let updates = wait_in_turn(ask, &rows, Duration::from_millis(30)).expect("runs");
        let written = writer.join().expect("no panic").expect("no error");
        let again = Connection::open(dir.path().join("probe.db")).expect("opens");
        let sum: i64 =
            again.query_row("SELECT sum(generation) FROM probe", [], |row| row.get(0)).expect("a row");
        assert_eq!(u64::try_from(sum), Ok(updates));
        assert!(updates > 0 && written.commits <= updates);
    }
}
