//! Ports to what costs time or comes from outside: password hashing, the clock, entropy, other people's servers.

mod fetch;

pub use fetch::{Answer, Exchange, Fetcher, Nowhere, Unfetched, Wanted};

use crate::error::Fault;
use crate::secret::Secret;
use async_trait::async_trait;
use std::fmt::Debug;

/// Every permit is taken and none came free in time: answer 503, try again soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy;

/// Bounded, memory-hard password hashing off the async threads.
#[async_trait]
pub trait Hasher: Send + Sync + Debug {
    /// Waits briefly for one of the permits.
    async fn reserve(&self) -> Result<Box<dyn HashPermit>, Busy>;
    /// Whether a new hash of the same password would be a better one.
    fn is_outdated(&self, _phc: &str) -> bool {
        false
    }
}

/// The right to one hash; held until the hash ends.
#[async_trait]
pub trait HashPermit: Send {
    /// Whether the password fits the PHC string. `None` (no such user) takes as long and answers false.
    async fn verify(self: Box<Self>, password: &Secret, phc: Option<&str>) -> Result<bool, Fault>;
    /// A PHC string for a new password.
    async fn hash(self: Box<Self>, password: &Secret) -> Result<String, Fault>;
}

/// The present.
pub trait Clock: Send + Sync + Debug {
    /// Milliseconds since the epoch.
    fn now_ms(&self) -> u64;
}

/// Cryptographic randomness.
pub trait Entropy: Send + Sync + Debug {
    fn fill(&self, bytes: &mut [u8]);
}
