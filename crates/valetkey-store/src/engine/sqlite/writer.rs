//! The one thread that writes. It takes all waiting verbs, runs them in one transaction, commits once (one sync of the
//! disk for all), and only then answers each.

use super::fault::{Broken, Refusal};
use super::file::Files;
use super::job::{Job, Ran};
use super::tx::SqliteTx;
use super::{QUEUE, connection};
use crate::error::OpenError;
use rusqlite::{Connection, Result};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::mpsc::Receiver;
use std::time::Duration;
use tokio::sync::oneshot;
use valetkey_core::error::FaultKind;

/// How many verbs share one commit at most: bounds how long the first of them waits.
const BATCH: usize = 256;

/// The log is copied back into the database once it has this many pages (4 MiB).
const CHECKPOINT_PAGES: i32 = 1000;

type Batch = Vec<Box<dyn Job>>;

/// What the writer is sent.
#[derive(Debug)]
pub(super) enum Message {
    Work(Box<dyn Job>),
    /// Finish what waits, then end, and tell.
    Stop(Option<oneshot::Sender<()>>),
}

/// The thread's state.
#[derive(Debug)]
pub(super) struct Writer {
    path: PathBuf,
    jobs: Receiver<Message>,
    stopping: bool,
    /// Who waits for the end.
    tell: Vec<oneshot::Sender<()>>,
    /// `None` after an error that a connection does not survive, until the next batch opens it anew.
    connection: Option<Connection>,
    files: Files,
    ailing: Arc<AtomicBool>,
    /// How many pages the log has; told by SQLite at each commit.
    log_pages: Arc<AtomicI32>,
    /// How many it had when it was last copied back.
    copied_at: i32,
}

impl Writer {
    pub(super) fn new(
        path: &Path,
        connection: Connection,
        jobs: Receiver<Message>,
        ailing: Arc<AtomicBool>,
    ) -> Result<Self, OpenError> {
        let files =
            Files::of(path).map_err(|source| OpenError::File { path: path.to_owned(), error: source })?;
        let (path, log_pages) = (path.to_owned(), Arc::new(AtomicI32::new(0)));
        let mut writer = Self {
            path,
            jobs,
            stopping: false,
            tell: Vec::new(),
            connection: None,
            files,
            ailing,
            log_pages,
            copied_at: 0,
        };
        let watched = writer.watched(connection);
        writer.connection =
            Some(watched.map_err(|source| OpenError::Sqlite { path: writer.path.clone(), error: source })?);
        Ok(writer)
    }

    /// Runs until it is told to stop, or nobody is left to ask.
    pub(super) fn run(mut self) {
        let mut batch = Vec::with_capacity(BATCH);
        while !self.stopping {
            match self.jobs.recv() {
                Ok(Message::Work(job)) => batch.push(job),
                Ok(Message::Stop(tell)) => self.stop(tell),
                Err(_) => self.stop(None),
            }
            self.gather(&mut batch, BATCH);
            // While stopping, what was sent before the order may still stand behind it.
            while !batch.is_empty() {
                self.commit(&mut batch);
                self.copy_back();
                self.gather(&mut batch, BATCH);
            }
        }
        if let Some(connection) = self.connection.take() {
            // Leaves one file behind. If another process is at work, it shall not wait for that, nor we for it.
            let _ = connection
                .busy_timeout(Duration::ZERO)
                .and_then(|()| checkpoint(&connection, "PRAGMA wal_checkpoint(TRUNCATE)"));
        }
        for tell in self.tell {
            let _ = tell.send(());
        }
    }

    fn stop(&mut self, tell: Option<oneshot::Sender<()>>) {
        self.stopping = true;
        self.tell.extend(tell);
    }

    /// Takes what waits, until the batch holds `limit`.
    fn gather(&mut self, batch: &mut Batch, limit: usize) {
        while batch.len() < limit {
            match self.jobs.try_recv() {
                Ok(Message::Work(job)) => batch.push(job),
                Ok(Message::Stop(tell)) => self.stop(tell),
                Err(_) => break,
            }
        }
    }

    fn commit(&mut self, batch: &mut Batch) {
        let outcome = self.try_commit(batch);
        self.ailing.store(outcome.is_err(), Ordering::Relaxed);
        match outcome {
            Ok(()) => batch.drain(..).for_each(Job::answer),
            Err(why) => {
                // Whoever came while this batch waited in vain would wait as long, and in vain too.
                self.gather(batch, QUEUE);
                batch.drain(..).for_each(|job| job.refuse(&why));
            }
        }
    }

    /// All of the batch, durable; or nothing of it.
    fn try_commit(&mut self, batch: &mut Batch) -> Result<(), Refusal> {
        self.files.check().map_err(|detail| Refusal {
            kind: FaultKind::Corrupt,
            what: "the database was changed under the running server",
            detail: detail.into(),
        })?;
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            // Closing what could not be opened whole may have taken the log away.
            None => self.reopen().inspect_err(|_| self.files.forget_log())?,
        };
        let outcome = transact(&mut connection, batch);
        let closed = connection.is_autocommit() || step(&connection, "ROLLBACK").is_ok();
        if closed && !outcome.as_ref().is_err_and(|broken| broken.spoiled) {
            self.connection = Some(connection);
        } else {
            self.files.forget_log();
        }
        outcome.map_err(|broken| broken.why)
    }

    /// After an I/O error the log's last pages are in doubt: what was acknowledged is copied into the database and the
    /// log begun anew before anything else is written. As long as that fails, so does every write.
    fn reopen(&mut self) -> Result<Connection, Refusal> {
        let connection = connection::writer(&self.path).map_err(|error| Refusal {
            kind: if matches!(error, OpenError::Damaged { .. }) {
                FaultKind::Corrupt
            } else {
                FaultKind::Unavailable
            },
            what: "the database cannot be opened again",
            detail: error.to_string().into(),
        })?;
        let ready = checkpoint(&connection, "PRAGMA wal_checkpoint(TRUNCATE)")
            .and_then(|whole| Ok((whole, self.watched(connection)?)))
            .map_err(|error| Broken::from(error).why)?;
        match ready {
            (true, connection) => Ok(connection),
            (false, _) => Err(Refusal {
                kind: FaultKind::Unavailable,
                what: "the database cannot be written to now",
                detail: "a reader keeps the log of writes from being copied back after an error".into(),
            }),
        }
    }

    /// The connection, telling the length of its log at each commit.
    fn watched(&self, mut connection: Connection) -> Result<Connection> {
        let pages = self.log_pages.clone();
        connection.wal_hook(Some(move |_: &mut _, now| {
            pages.store(now, Ordering::Relaxed);
            Ok(())
        }))?;
        Ok(connection)
    }

    /// Copies a long log back into the database, after the callers have their answers. Failing is harmless: the log
    /// goes on growing, and the next commit or checkpoint reports what ails the disk.
    fn copy_back(&mut self) {
        let pages = self.log_pages.load(Ordering::Relaxed);
        if pages < self.copied_at {
            self.copied_at = 0;
        }
        if pages - self.copied_at >= CHECKPOINT_PAGES
            && let Some(connection) = &self.connection
        {
            self.copied_at = pages;
            if let Err(error) = checkpoint(connection, "PRAGMA wal_checkpoint(PASSIVE)") {
                tracing::warn!(%error, "the log of writes could not be copied back");
            }
        }
    }
}

/// Runs the batch and commits it. On an error the transaction may still be open.
fn transact(connection: &mut Connection, batch: &mut Batch) -> Result<(), Broken> {
    step(connection, "BEGIN IMMEDIATE")?;
    if !run_all(connection, batch)? {
        step(connection, "ROLLBACK")?;
        step(connection, "BEGIN IMMEDIATE")?;
        run_each_in_savepoint(connection, batch)?;
    }
    Ok(step(connection, "COMMIT")?)
}

/// Runs the verbs without savepoints, since faults are rare and savepoints are not free. False if one failed after it
/// had written: then the whole batch must be run again, each verb in its own savepoint.
fn run_all(connection: &mut Connection, batch: &mut Batch) -> Result<bool, Broken> {
    for job in batch {
        if run_one(connection, job)? == Ran::FailedDirty {
            return Ok(false);
        }
    }
    Ok(true)
}

fn run_each_in_savepoint(connection: &mut Connection, batch: &mut Batch) -> Result<(), Broken> {
    for job in batch {
        step(connection, "SAVEPOINT verb")?;
        if run_one(connection, job)? != Ran::Done {
            step(connection, "ROLLBACK TO verb")?;
        }
        step(connection, "RELEASE verb")?;
    }
    Ok(())
}

fn run_one(connection: &mut Connection, job: &mut Box<dyn Job>) -> Result<Ran, Broken> {
    let mut tx = SqliteTx::new(connection);
    let ran = job.run(&mut tx);
    tx.broken.map_or(Ok(ran), Err)
}

fn step(connection: &Connection, sql: &str) -> Result<()> {
    connection.prepare_cached(sql)?.raw_execute().map(|_| ())
}

/// Copies the log back into the database. False where readers stood in the way of the last of it.
fn checkpoint(connection: &Connection, sql: &str) -> Result<bool> {
    connection.query_row(sql, [], |row| {
        let (busy, log, copied): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(busy == 0 && log == copied)
    })
}
