//! Many callers, one commit: what is brought while a statement of its kind is under way goes along with the next.

use super::connection::Connection;
use super::fault::After;
use super::pool::Lease;
use super::tx::PostgresTx;
use super::{Failure, Postgres, Shared, doubted, silent};
use crate::engine::Grouped;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;
use tokio::task::yield_now;
use tokio::time::{Instant, timeout_at};
use valetkey_core::error::{Fault, FaultKind};

/// Statements under way at once: while one waits for the disk, the next is gathered.
const UNDER_WAY: usize = 2;
/// Callers of one statement at most: bounds what a single failure costs.
const MOST: usize = 256;
/// How many may wait. Beyond it, saying no at once serves people better than a queue.
const QUEUE: usize = 4096;

/// Verbs of one kind that wait for the next statement.
pub(crate) struct Group<V: Grouped>(Mutex<State<V>>);

struct State<V: Grouped> {
    waiting: Vec<Waiting<V>>,
    under_way: usize,
}

struct Waiting<V: Grouped> {
    verb: V,
    caller: oneshot::Sender<Result<V::Out, Fault>>,
}

impl<V: Grouped> Default for Group<V> {
    fn default() -> Self {
        Self(Mutex::new(State { waiting: Vec::new(), under_way: 0 }))
    }
}

impl<V: Grouped> std::fmt::Debug for Group<V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Group({} waiting)", self.state().waiting.len())
    }
}

impl<V: Grouped> Group<V> {
    fn state(&self) -> MutexGuard<'_, State<V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets one more wait. `true`: somebody has to set out.
    fn join(&self, waiting: Waiting<V>) -> Result<bool, Fault> {
        let mut state = self.state();
        if state.waiting.len() >= QUEUE {
            return Err(Fault::bare(FaultKind::Unavailable, "too many writes are waiting already"));
        }
        state.waiting.push(waiting);
        let sets_out = state.under_way < UNDER_WAY;
        state.under_way += usize::from(sets_out);
        Ok(sets_out)
    }
}

/// One that carries what waits, until nothing does.
struct Carrier<'g, V: Grouped> {
    group: &'g Group<V>,
    ended: bool,
}

impl<V: Grouped> Carrier<'_, V> {
    /// Who goes now. To end and to see that nobody waits are one step: whoever comes later sets out anew.
    fn next(&mut self) -> Option<Vec<Waiting<V>>> {
        let mut state = self.group.state();
        if state.waiting.is_empty() {
            state.under_way -= 1;
            self.ended = true;
            return None;
        }
        let count = state.waiting.len().min(MOST);
        Some(state.waiting.drain(..count).collect())
    }
}

impl<V: Grouped> Drop for Carrier<'_, V> {
    fn drop(&mut self) {
        // After a panic, or when the runtime ends.
        if !self.ended {
            self.group.state().under_way -= 1;
        }
    }
}

impl Postgres {
    /// Runs a verb that writes, together with those of its kind that come at the same time.
    pub(crate) async fn write_grouped<V: Grouped + 'static>(
        &self,
        verb: V,
        group: &Arc<Group<V>>,
    ) -> Result<V::Out, Fault> {
        let deadline = Instant::now() + self.0.patience;
        let (caller, answer) = oneshot::channel();
        if group.join(Waiting { verb, caller })? {
            tokio::spawn(carry(Arc::clone(&self.0), Arc::clone(group)));
        }
        match timeout_at(deadline, answer).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(Fault::bare(FaultKind::Internal, "a verb panicked")),
            Err(_) => Err(silent()),
        }
    }
}

async fn carry<V: Grouped + 'static>(shared: Arc<Shared>, group: Arc<Group<V>>) {
    let mut carrier = Carrier { group: &group, ended: false };
    // Requests that have been read already bring their verbs first.
    yield_now().await;
    while let Some(mut all) = carrier.next() {
        // Nothing has happened yet for those who are gone.
        all.retain(|waiting| !waiting.caller.is_closed());
        if !all.is_empty() {
            answer(&shared, all).await;
        }
    }
}

async fn answer<V: Grouped + 'static>(shared: &Arc<Shared>, all: Vec<Waiting<V>>) {
    match shared.all_at_once(&all).await {
        Ok(outcomes) => {
            let outcomes = outcomes.into_iter().chain(std::iter::repeat_with(|| None));
            for (waiting, outcome) in all.into_iter().zip(outcomes) {
                match outcome {
                    // The caller may have gone; the outcome stands all the same.
                    Some(outcome) => drop(waiting.caller.send(Ok(outcome))),
                    None => alone(shared, waiting),
                }
            }
        }
        // One of them, or somebody else, kept all of them from it; nothing was done.
        Err(failure) if failure.again => {
            debug_assert!(
                failure.fault.kind != FaultKind::Internal,
                "a statement is wrong: {}",
                failure.fault
            );
            for waiting in all {
                alone(shared, waiting);
            }
        }
        Err(Failure { fault, .. }) => {
            for waiting in all {
                let _ = waiting.caller.send(Err(Fault::bare(fault.kind, fault.what)));
            }
            tracing::warn!(%fault, "a statement for many callers failed");
        }
    }
}

/// Runs one by itself: it says why it changed nothing.
fn alone<V: Grouped + 'static>(shared: &Arc<Shared>, waiting: Waiting<V>) {
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        let outcome = shared.until_done(&waiting.verb, true).await;
        let _ = waiting.caller.send(outcome);
    });
}

impl Shared {
    /// One statement for all of them. It is never repeated: where its answer is missing, nobody can say what was done.
    async fn all_at_once<V: Grouped>(&self, all: &[Waiting<V>]) -> Result<Vec<Option<V::Out>>, Failure> {
        let deadline = Instant::now() + self.patience;
        let leased = timeout_at(deadline, self.pool.lease()).await;
        let mut lease = leased.unwrap_or_else(|_| Err(silent())).map_err(Failure::plain)?;
        let Ok(done) = timeout_at(deadline, attempt(&mut lease, all)).await else {
            lease.sound = false;
            lease.connection().map_err(Failure::plain)?.cancel();
            return Err(Failure::plain(silent()));
        };
        drop(lease);
        done.inspect_err(|failure| {
            if failure.lost {
                self.pool.forget();
            }
        })
    }
}

async fn attempt<V: Grouped>(
    lease: &mut Lease<'_>,
    all: &[Waiting<V>],
) -> Result<Vec<Option<V::Out>>, Failure> {
    let connection = lease.connection().map_err(Failure::plain)?;
    let (outcome, sound) = once(connection, all).await;
    lease.sound = sound;
    outcome
}

async fn once<V: Grouped>(
    connection: &Connection,
    all: &[Waiting<V>],
) -> (Result<Vec<Option<V::Out>>, Failure>, bool) {
    connection.take_doubt();
    let mut tx = PostgresTx::single(connection);
    let verbs: Vec<&V> = all.iter().map(|waiting| &waiting.verb).collect();
    match V::quick_all(&verbs, &mut tx).await {
        Ok(outcomes) => doubted(connection, outcomes),
        Err(fault) => {
            let lost = tx.broken == Some(After::Lost);
            // What the database refused was undone whole; it may be on account of a single one of them.
            let again = !lost && (tx.asks_again(&fault) || fault.kind == FaultKind::Internal);
            (Err(Failure { fault, again, lost }), !lost)
        }
    }
}
