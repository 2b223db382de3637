//! Values that may be used once, on whichever node: the `jti` of an assertion or a proof.

use crate::error::Fault;
use crate::time::Timestamp;
use async_trait::async_trait;

#[async_trait]
pub trait Spent: Send + Sync {
    /// Whether this is the first use: the key is remembered until `expires_at`, when the value is no longer good anyway.
    async fn spend(&self, key: &[u8; 32], expires_at: Timestamp, now: Timestamp) -> Result<bool, Fault>;
    /// Whether it was used already; this uses nothing.
    async fn is_spent(&self, key: &[u8; 32], now: Timestamp) -> Result<bool, Fault>;
}
