//! Password hashing: argon2id, as many at once as there are permits, out of everybody's way.

mod arena;
mod lanes;
mod phc;

use argon2::password_hash::phc::Output;
use async_trait::async_trait;
use lanes::Lanes;
use phc::{Parsed, Work};
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use valetkey_core::error::{Fault, FaultKind};
use valetkey_core::outbound::{Busy, Entropy, HashPermit, Hasher};
use valetkey_core::secret::Secret;

/// How long a login waits for a permit before it is told to try again (503).
const PATIENCE: Duration = Duration::from_secs(2);
/// Permits by default at most: each costs 19 MiB and a core.
const MOST_PERMITS: usize = 4;

/// How many hold the right to a hash for each that is computed: while one is, another looks up whom it is for and counts the
/// attempt. The core need not wait for the disk between two hashes.
const TURNS: usize = 2;

/// The hasher of the server and of the management commands. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Argon2Hasher {
    turns: Arc<Semaphore>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    permits: Arc<Semaphore>,
    lanes: Arc<Lanes>,
    entropy: Arc<dyn Entropy>,
    /// A hash that no password fits, of the present cost: what unknown users are checked against.
    dummy: String,
    patience: Duration,
}

/// One less than the cores, so that one is always left for the requests that cost nothing.
pub(crate) fn default_permits() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    cores.saturating_sub(1).clamp(1, MOST_PERMITS)
}

impl Argon2Hasher {
    pub(crate) fn new(permits: usize, entropy: Arc<dyn Entropy>) -> Self {
        Self::with(Lanes::new(permits.max(1)), permits, entropy, PATIENCE)
    }

    fn with(lanes: Lanes, permits: usize, entropy: Arc<dyn Entropy>, patience: Duration) -> Self {
        let (permits, lanes) = (permits.max(1), Arc::new(lanes));
        let turns = Arc::new(Semaphore::new(permits * TURNS));
        let permits = Arc::new(Semaphore::new(permits));
        let shared = Shared { permits, lanes, entropy, dummy: phc::dummy(), patience };
        Self { turns, shared: Arc::new(shared) }
    }

    /// Gives back the memory of hashing that nobody has used for a while. Call it now and then.
    pub(crate) fn trim(&self) {
        self.shared.lanes.arenas().trim();
    }
}

#[async_trait]
impl Hasher for Argon2Hasher {
    async fn reserve(&self) -> Result<Box<dyn HashPermit>, Busy> {
        let waiting = Arc::clone(&self.turns).acquire_owned();
        let Ok(Ok(turn)) = tokio::time::timeout(self.shared.patience, waiting).await else {
            metrics::counter!("valetkey_password_hashes_refused_total").increment(1);
            return Err(Busy);
        };
        Ok(Box::new(Permit { turn, shared: Arc::clone(&self.shared) }))
    }

    fn is_outdated(&self, phc: &str) -> bool {
        Parsed::parse(phc).is_ok_and(|parsed| parsed.is_outdated())
    }
}

#[derive(Debug)]
struct Permit {
    turn: OwnedSemaphorePermit,
    shared: Arc<Shared>,
}

impl Permit {
    /// Computes in a task of its own: what was begun goes on, and keeps its permit, when the request that asked is given up.
    async fn compute(self, work: Work) -> Result<Output, Fault> {
        let computing = tokio::spawn(async move {
            let Self { turn, shared } = self;
            let permit = Arc::clone(&shared.permits).acquire_owned().await;
            let permit = permit.map_err(|_| Fault::bare(FaultKind::Internal, "hashing was closed"))?;
            let computed = Arc::clone(&shared.lanes).compute(work, permit).await;
            drop(turn);
            computed
        });
        computing.await.map_err(|_| Fault::bare(FaultKind::Internal, "a password hash panicked"))?
    }
}

#[async_trait]
impl HashPermit for Permit {
    async fn verify(self: Box<Self>, password: &Secret, phc: Option<&str>) -> Result<bool, Fault> {
        let known = phc.is_some();
        let parsed = Parsed::parse(phc.unwrap_or(&self.shared.dummy))?;
        let computed = self.compute(parsed.work(password)).await?;
        let fits = parsed.fits(&computed);
        if known && fits && parsed.is_outdated() {
            metrics::counter!("valetkey_password_hashes_outdated_total").increment(1);
        }
        Ok(known && fits)
    }

    async fn hash(self: Box<Self>, password: &Secret) -> Result<String, Fault> {
        let mut salt = [0; phc::SALT_LENGTH];
        self.shared.entropy.fill(&mut salt);
        let work = Work::anew(password, salt)?;
        let computed = self.compute(work.clone()).await?;
        work.text(computed)
    }
}

#[cfg(test)]
mod tests;
