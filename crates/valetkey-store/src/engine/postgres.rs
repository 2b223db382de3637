//! PostgreSQL: a small pool of connections, each verb a transaction at READ COMMITTED or a single statement.

mod address;
pub(crate) mod backup;
mod connection;
mod fault;
pub(crate) mod group;
mod listen;
mod migrate;
mod nodes;
mod pool;
mod receive;
mod tls;
mod tx;
mod value;

pub(crate) use fault::overtaken;
pub(crate) use receive::Receiver;

use crate::engine::Verb;
use crate::error::OpenError;
use crate::open::PostgresOptions;
use address::Address;
use connection::{Connection, Connector};
use fault::{After, Words};
use pool::{Lease, Pool};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout_at};
use tx::PostgresTx;
use valetkey_core::error::{Fault, FaultKind};

/// Until a caller is told that the database does not answer.
const PATIENCE: Duration = Duration::from_millis(1900);
/// The same for what is known to take long: sweeps, deletions, counts.
const LONG: Duration = Duration::from_mins(1);
/// How often a verb is begun anew at most, because the database undid it on account of others.
const AGAIN: u32 = 12;

/// Whether an address can be understood.
pub(crate) fn check_address(url: &str) -> Result<(), OpenError> {
    Address::parse(url).map(drop)
}

/// A handle to a database; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Postgres(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    pool: Pool,
    /// The database can wake those who wait for changes.
    notifies: bool,
    news: Arc<Notify>,
    listening: std::sync::OnceLock<JoinHandle<()>>,
    patience: Duration,
    /// As whom this server says that it is there.
    node: tokio::sync::Mutex<Option<String>>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(listening) = self.listening.get() {
            listening.abort();
        }
    }
}

/// Why an attempt failed, and whether there may be another.
struct Failure {
    fault: Fault,
    again: bool,
    lost: bool,
}

impl Postgres {
    /// Connects, and brings the schema up to date where `create` allows it.
    pub(crate) async fn open(options: &PostgresOptions) -> Result<Self, OpenError> {
        let address = Address::parse(&options.url)?;
        // A limit that was set higher than ours is meant.
        let patience = PATIENCE.max(address.statement_timeout + Duration::from_millis(200));
        let pool = Pool::new(Connector::new(address)?);
        let notifies = migrate::prepare(&pool, options).await?;
        let news = Arc::default();
        let listening = std::sync::OnceLock::new();
        let node = tokio::sync::Mutex::default();
        Ok(Self(Arc::new(Shared { pool, notifies, news, listening, patience, node })))
    }

    /// Runs a verb that only reads. Each of its statements sees what was committed when it began.
    pub(crate) async fn read<V: Verb>(&self, verb: &V) -> Result<V::Out, Fault> {
        self.0.until_done(verb, false).await
    }

    /// Runs a verb that writes, to its end whether or not the caller stays.
    pub(crate) async fn write<V: Verb + 'static>(&self, verb: V) -> Result<V::Out, Fault> {
        let shared = Arc::clone(&self.0);
        let running = tokio::spawn(async move { shared.until_done(&verb, true).await });
        running.await.unwrap_or_else(|_| Err(Fault::bare(FaultKind::Internal, "a verb panicked")))
    }

    /// Whether the database answers and takes writes.
    pub(crate) async fn ping(&self) -> Result<(), Fault> {
        let deadline = Instant::now() + self.0.patience;
        let asked = async {
            let mut lease = self.0.pool.lease().await?;
            let answer = lease.connection()?.client.simple_query("SHOW transaction_read_only").await;
            let rows = answer.map_err(|error| {
                Fault::unavailable("the database cannot be reached now", Words::of(&error))
            })?;
            let writable = rows.iter().any(|row| match row {
                tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0) == Some("off"),
                _ => false,
            });
            lease.sound = writable;
            if writable {
                Ok(())
            } else {
                Err(Fault::bare(FaultKind::Unavailable, "the database is read-only"))
            }
        };
        timeout_at(deadline, asked).await.unwrap_or_else(|_| Err(silent()))
    }

    /// Returns when another node may have changed something. The first call begins to listen.
    pub(crate) async fn news(&self) {
        if self.0.notifies {
            self.0.listening.get_or_init(|| listen::start(&self.0));
        }
        self.0.news.notified().await;
    }

    pub(crate) fn was_lost(&self) -> bool {
        self.0.pool.was_lost()
    }

    pub(crate) fn close(&self) {
        self.0.pool.close();
        if let Some(listening) = self.0.listening.get() {
            listening.abort();
        }
    }
}

impl Shared {
    async fn until_done<V: Verb>(&self, verb: &V, writes: bool) -> Result<V::Out, Fault> {
        let patience = if verb.is_long() { LONG } else { self.patience };
        let deadline = Instant::now() + patience;
        let mut attempt = 0;
        loop {
            let leased = timeout_at(deadline, self.pool.lease()).await;
            let mut lease = leased.unwrap_or_else(|_| Err(silent()))?;
            // What only reads leaves nothing behind that the next one would meet.
            lease.sound = !writes;
            let failure = match timeout_at(deadline, self.attempt(&mut lease, verb, writes)).await {
                Ok(Ok(outcome)) => return Ok(outcome),
                Ok(Err(failure)) => failure,
                Err(_) => {
                    lease.sound = false;
                    lease.connection()?.cancel();
                    return Err(silent());
                }
            };
            drop(lease);
            if failure.lost {
                self.pool.forget();
            }
            if !failure.again || attempt == AGAIN {
                return Err(failure.fault);
            }
            attempt += 1;
            let _ = timeout_at(deadline, sleep(pause(attempt))).await;
        }
    }

    async fn attempt<V: Verb>(
        &self,
        lease: &mut Lease<'_>,
        verb: &V,
        writes: bool,
    ) -> Result<V::Out, Failure> {
        let connection = lease.connection().map_err(Failure::plain)?;
        let (outcome, sound) =
            if writes { self.write_once(connection, verb).await } else { read_once(connection, verb).await };
        lease.sound = sound;
        outcome
    }

    async fn write_once<V: Verb>(
        &self,
        connection: &Connection,
        verb: &V,
    ) -> (Result<V::Out, Failure>, bool) {
        connection.take_doubt();
        let mut tx = PostgresTx::single(connection);
        let outcome = match verb.quick(&mut tx).await {
            Ok(outcome) => tx.commit().await.map(|()| outcome),
            Err(fault) => Err(fault),
        };
        match outcome {
            Ok(None) => {}
            Ok(Some(outcome)) => return doubted(connection, outcome),
            Err(fault) => {
                // A statement that the database refused was undone whole; one whose answer is missing may have been kept.
                let (again, lost) = (tx.asks_again(&fault), tx.broken == Some(After::Lost));
                return (Err(Failure { fault, again, lost }), !lost);
            }
        }
        let limit = verb.is_long().then_some(LONG);
        let mut tx = PostgresTx::whole(connection, limit, self.notifies);
        let outcome = match verb.run(&mut tx).await {
            Ok(outcome) => tx.commit().await.map(|()| outcome),
            Err(fault) => Err(fault),
        };
        match outcome {
            Ok(outcome) => doubted(connection, outcome),
            Err(fault) => {
                let lost = tx.broken == Some(After::Lost);
                let again = tx.asks_again(&fault) || (lost && !tx.committing);
                let sound = tx.roll_back().await;
                (Err(Failure { fault, again, lost }), sound)
            }
        }
    }
}

async fn read_once<V: Verb>(connection: &Connection, verb: &V) -> (Result<V::Out, Failure>, bool) {
    let mut tx = PostgresTx::single(connection);
    match verb.run(&mut tx).await {
        Ok(outcome) => (Ok(outcome), true),
        Err(fault) => {
            let lost = tx.broken == Some(After::Lost);
            let again = lost || tx.asks_again(&fault);
            (Err(Failure { fault, again, lost }), !lost)
        }
    }
}

/// An outcome that this server alone knows of, where its standby should too, is none that anybody may rely on.
fn doubted<T>(connection: &Connection, outcome: T) -> (Result<T, Failure>, bool) {
    if !connection.take_doubt() {
        return (Ok(outcome), true);
    }
    let what = "the standby did not confirm a commit: nobody can say whether it holds";
    let fault = Fault::bare(FaultKind::Unavailable, what);
    (Err(Failure { fault, again: false, lost: true }), false)
}

impl Failure {
    fn plain(fault: Fault) -> Self {
        Self { fault, again: false, lost: false }
    }
}

fn silent() -> Fault {
    Fault::bare(FaultKind::Unavailable, "the database does not answer in time")
}

/// A little longer each time, and not the same for all that collided.
fn pause(attempt: u32) -> Duration {
    static TURN: AtomicU64 = AtomicU64::new(0);
    let turn = TURN.fetch_add(1, Ordering::Relaxed) % 7;
    Duration::from_millis(u64::from(attempt.min(6)) * 2 + turn)
}
