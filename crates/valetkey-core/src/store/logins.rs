//! Counters of login attempts. An attempt is counted before the password is checked, so that a flood cannot outrun the count.

use crate::error::Fault;
use crate::time::{Seconds, Timestamp};
use async_trait::async_trait;

/// One counter: what it counts, as a SHA-256 of its parts, and how patient it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttemptKey {
    pub key: [u8; 32],
    /// Attempts without success before the first wait.
    pub free: i64,
    /// The wait after the first attempt beyond `free`; it doubles with each further one …
    pub wait: Seconds,
    /// … up to this.
    pub longest: Seconds,
    /// Its wait spares an attempt as long as the first key of the list has counted fewer than this many.
    pub spares: i64,
    /// A success takes back just its own attempt, and not what others did: for what several people share.
    pub shared: bool,
}

/// Whether the attempt may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    Allowed,
    /// Refused without being counted; try again after this long.
    Wait(Seconds),
}

/// What a server counted in memory, to be added to what others counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    pub key: [u8; 32],
    pub by: u32,
    /// From this many on there is a pause …
    pub free: u32,
    /// … as long as this after the last of them; those before a pause without any count no more.
    pub window: Seconds,
}

#[async_trait]
pub trait Logins: Send + Sync {
    /// In one transaction: if any key's wait has not passed, `Wait` (the longest) and nothing is written;
    /// otherwise every counter rises by one and, past `free`, is given its next wait.
    /// A counter untouched for 24 hours starts anew.
    async fn begin_attempt(&self, keys: &[AttemptKey], now: Timestamp) -> Result<Attempt, Fault>;
    /// Adds up what servers counted, and announces each that has to pause: its key, and for how many seconds. Answers the same.
    async fn count_together(
        &self,
        counted: &[Counted],
        now: Timestamp,
    ) -> Result<Vec<([u8; 32], Seconds)>, Fault>;
    /// Forgets the counters, or takes one attempt back from the shared ones: it succeeded, or never reached the password.
    async fn clear_attempts(&self, keys: &[AttemptKey]) -> Result<(), Fault>;
}
