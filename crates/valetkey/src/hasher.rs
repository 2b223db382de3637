//! Password hashing: argon2id on threads of its own, as many at once as there are permits.

mod arena;
mod phc;

use arena::Arenas;
use async_trait::async_trait;
use phc::Parsed;
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

/// The hasher of the server and of the management commands. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Argon2Hasher {
    permits: Arc<Semaphore>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    arenas: Arenas,
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
        Self::with_patience(permits, entropy, PATIENCE)
    }

    fn with_patience(permits: usize, entropy: Arc<dyn Entropy>, patience: Duration) -> Self {
        let shared = Shared { arenas: Arenas::default(), entropy, dummy: phc::dummy(), patience };
        Self { permits: Arc::new(Semaphore::new(permits.max(1))), shared: Arc::new(shared) }
    }

    /// Gives back the memory of hashing that nobody has used for a while. Call it now and then.
    pub(crate) fn trim(&self) {
        self.shared.arenas.trim();
    }
}

#[async_trait]
impl Hasher for Argon2Hasher {
    async fn reserve(&self) -> Result<Box<dyn HashPermit>, Busy> {
        let waiting = Arc::clone(&self.permits).acquire_owned();
        let Ok(Ok(permit)) = tokio::time::timeout(self.shared.patience, waiting).await else {
            metrics::counter!("valetkey_password_hashes_refused_total").increment(1);
            return Err(Busy);
        };
        Ok(Box::new(Permit { permit, shared: Arc::clone(&self.shared) }))
    }

    fn is_outdated(&self, phc: &str) -> bool {
        Parsed::parse(phc).is_ok_and(|parsed| parsed.is_outdated())
    }
}

#[derive(Debug)]
struct Permit {
    permit: OwnedSemaphorePermit,
    shared: Arc<Shared>,
}

impl Permit {
    /// Runs `work` on a thread for blocking work. The permit goes along: it is free again when the work ends, not when
    /// the request that asked for it is given up.
    async fn run<T, F>(self, work: F) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: FnOnce(&Shared) -> Result<T, Fault> + Send + 'static,
    {
        #[expect(clippy::disallowed_methods, reason = "this is the bounded port that the ban points to")]
        let handle = tokio::task::spawn_blocking(move || {
            let result = work(&self.shared);
            drop(self.permit);
            result
        });
        handle.await.map_err(|_| Fault::bare(FaultKind::Internal, "a password hash panicked"))?
    }
}

#[async_trait]
impl HashPermit for Permit {
    async fn verify(self: Box<Self>, password: &Secret, phc: Option<&str>) -> Result<bool, Fault> {
        let (password, phc) = (password.clone(), phc.map(str::to_owned));
        self.run(move |shared| {
            let known = phc.is_some();
            let parsed = Parsed::parse(phc.as_deref().unwrap_or(&shared.dummy))?;
            let fits = parsed.verify(&password, &shared.arenas)?;
            if known && fits && parsed.is_outdated() {
                metrics::counter!("valetkey_password_hashes_outdated_total").increment(1);
            }
            Ok(known && fits)
        })
        .await
    }

    async fn hash(self: Box<Self>, password: &Secret) -> Result<String, Fault> {
        let password = password.clone();
        self.run(move |shared| {
            let mut salt = [0; phc::SALT_LENGTH];
            shared.entropy.fill(&mut salt);
            phc::hash(&password, salt, &shared.arenas)
        })
        .await
    }
}

#[cfg(test)]
mod tests;
