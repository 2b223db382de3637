//! What is noted of an application beside its work: uses of its secrets, refusals, how many people use it.

use crate::client::noted::{Failure, SecretUse};
use crate::error::Fault;
use crate::ids::{ClientId, Id};
use crate::time::Timestamp;
use async_trait::async_trait;

/// How many people use an application. Counting ends at [`Audience::MOST`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Audience {
    /// Who allowed it something.
    pub users: u32,
    /// Grants that can still give tokens.
    pub grants: u32,
}

impl Audience {
    pub const MOST: u32 = 10_000;
}

#[async_trait]
pub trait Notes: Send + Sync {
    /// Adds to what is known, in one transaction. What belongs to a client that is gone is left out.
    async fn write_notes(&self, uses: &[SecretUse], failures: &[Failure]) -> Result<(), Fault>;
    /// When each secret of a client was last used.
    async fn secret_uses(&self, client: &ClientId) -> Result<Vec<(Id, Timestamp)>, Fault>;
    /// Latest first.
    async fn failures(&self, client: &ClientId, limit: u32) -> Result<Vec<Failure>, Fault>;
    async fn audience(&self, client: &ClientId, now: Timestamp) -> Result<Audience, Fault>;
}
