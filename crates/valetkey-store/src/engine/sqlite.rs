//! SQLite in WAL mode: one writer thread that groups commits, and a read-only connection on every thread that reads.

pub(crate) mod backup;
mod connection;
mod fault;
mod file;
mod job;
pub(crate) mod migrate;
mod reader;
mod tx;
mod writer;

#[cfg(test)]
mod tests;

use crate::engine::Verb;
use crate::error::OpenError;
use crate::migrate::SQLITE;
use crate::open::{self, Options};
use job::Waiting;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use tokio::sync::oneshot;
use valetkey_core::error::{Fault, FaultKind};
use writer::{Message, Writer};

/// How many writes may wait. A server at 50,000 writes a second has this many waiting for a tenth of a second; beyond
/// it, saying no at once serves people better than a queue.
const QUEUE: usize = 4096;

/// A connection that writes, to a database whose schema is up to date.
pub(crate) fn open_whole(options: &Options) -> Result<rusqlite::Connection, OpenError> {
    connection::check_library()?;
    open::prepare(options)?;
    let mut database = connection::writer(&options.path)?;
    connection::check_identity(&database, options)?;
    crate::transfer::check_not_moved(&database, options)?;
    migrate::run(&mut database, &options.path, SQLITE, options.create)
        .map_err(|refused| refused.at(&options.path))?;
    Ok(database)
}

/// A handle to an open database; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Sqlite(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    queue: SyncSender<Message>,
    /// No new work is taken.
    closed: AtomicBool,
    /// The last write failed for a reason outside the verb.
    ailing: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Sqlite {
    /// Opens the database, brings its schema up to date and starts the writer. Blocks for some milliseconds.
    pub(crate) fn open(options: &Options) -> Result<Self, OpenError> {
        let path = &options.path;
        let database = open_whole(options)?;
        if options.create {
            connection::check_pages(&database, path)?;
        }

        let (queue, jobs) = sync_channel(QUEUE);
        let ailing = Arc::new(AtomicBool::new(false));
        let writer = Writer::new(path, database, jobs, ailing.clone())?;
        let thread = std::thread::Builder::new().name("valetkey-writer".to_owned());
        let thread = thread
            .spawn(move || writer.run())
            .map_err(|source| OpenError::File { path: path.clone(), error: source })?;
        let closed = AtomicBool::new(false);
        Ok(Self(Arc::new(Shared { path: path.clone(), queue, closed, ailing, thread: Some(thread) })))
    }

    /// Runs a verb here and now, on this thread's connection.
    pub(crate) fn read<V: Verb>(&self, verb: &V) -> Result<V::Out, Fault> {
        if self.0.closed.load(Ordering::Relaxed) {
            return Err(closed());
        }
        reader::read(&self.0, verb)
    }

    /// Hands a verb to the writer and waits until its commit is durable.
    pub(crate) async fn write<V: Verb + 'static>(&self, verb: V) -> Result<V::Out, Fault> {
        if self.0.closed.load(Ordering::Relaxed) {
            return Err(closed());
        }
        let (reply, answer) = oneshot::channel();
        match self.0.queue.try_send(Message::Work(Box::new(Waiting::new(verb, reply)))) {
            Ok(()) => answer.await.unwrap_or_else(|_| Err(closed())),
            Err(TrySendError::Full(_)) => {
                Err(Fault::bare(FaultKind::Unavailable, "too many writes are waiting already"))
            }
            Err(TrySendError::Disconnected(_)) => Err(closed()),
        }
    }

    pub(crate) fn is_ailing(&self) -> bool {
        self.0.ailing.load(Ordering::Relaxed)
    }

    pub(crate) async fn close(&self) {
        self.0.closed.store(true, Ordering::Relaxed);
        let (done, ended) = oneshot::channel();
        let mut order = Message::Stop(Some(done));
        // The queue only empties now, so there is room soon.
        while let Err(TrySendError::Full(back)) = self.0.queue.try_send(order) {
            order = back;
            tokio::task::yield_now().await;
        }
        // An error says that the writer has ended before.
        let _ = ended.await;
    }
}

impl Shared {
    fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            // Either fails only if the thread has ended already.
            let _ = self.queue.send(Message::Stop(None));
            let _ = thread.join();
        }
    }
}

fn closed() -> Fault {
    Fault::bare(FaultKind::Unavailable, "the store is closed")
}
