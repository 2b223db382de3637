//! A small, fixed number of connections. Whoever finds none free waits, and not for long.

use super::connection::{Connection, Connector};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use valetkey_core::error::{Fault, FaultKind};

/// How many may wait. Beyond it, saying no at once serves people better than a queue.
const QUEUE: usize = 4096;

/// The connections that nobody uses now, and the right to one.
#[derive(Debug)]
pub(super) struct Pool {
    pub(super) connector: Connector,
    free: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    /// A connection broke since somebody asked.
    lost: AtomicBool,
}

/// A connection on loan. It comes back only if told that it is sound; otherwise it is closed.
#[derive(Debug)]
pub(super) struct Lease<'p> {
    pool: &'p Pool,
    connection: Option<Connection>,
    pub(super) sound: bool,
    _permit: OwnedSemaphorePermit,
}

impl Pool {
    pub(super) fn new(connector: Connector) -> Self {
        let permits = Arc::new(Semaphore::new(connector.address.pool));
        let waiting = Arc::new(Semaphore::new(QUEUE));
        Self { connector, free: Mutex::default(), permits, waiting, lost: AtomicBool::new(false) }
    }

    pub(super) async fn lease(&self) -> Result<Lease<'_>, Fault> {
        let Ok(_place) = self.waiting.try_acquire() else {
            return Err(Fault::bare(FaultKind::Unavailable, "too many wait for the database already"));
        };
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(|_| Fault::bare(FaultKind::Unavailable, "the store is closed"))?;
        let connection = match self.take() {
            Some(connection) => connection,
            None => self.connector.connect(None).await?,
        };
        Ok(Lease { pool: self, connection: Some(connection), sound: false, _permit: permit })
    }

    /// The one used last, whose caches are warm; closed ones are let go.
    fn take(&self) -> Option<Connection> {
        let mut free = self.free();
        let sound = |connection: &Connection| {
            let closed = connection.is_closed();
            if closed {
                self.lost.store(true, Ordering::Release);
            }
            !closed
        };
        std::iter::from_fn(|| free.pop()).find(sound)
    }

    /// After a failover all of them lead to the wrong place.
    pub(super) fn forget(&self) {
        self.lost.store(true, Ordering::Release);
        self.free().clear();
        self.connector.doubt_all();
    }

    pub(super) fn was_lost(&self) -> bool {
        self.lost.swap(false, Ordering::AcqRel)
    }

    pub(super) fn close(&self) {
        self.permits.close();
        self.forget();
    }

    fn free(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease<'_> {
    pub(super) fn connection(&self) -> Result<&Connection, Fault> {
        self.connection.as_ref().ok_or(Fault::bare(FaultKind::Internal, "a connection was given back"))
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take()
            && self.sound
            && !connection.is_closed()
            && !self.pool.permits.is_closed()
        {
            self.pool.free().push(connection);
        }
    }
}
