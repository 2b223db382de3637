//! Other issuers whose word counts here.

use super::Write;
use crate::audit::Record;
use crate::error::Fault;
use crate::federation::TrustedIssuer;
use async_trait::async_trait;

#[async_trait]
pub trait Issuers: Send + Sync {
    async fn issuers(&self) -> Result<Vec<TrustedIssuer>, Fault>;
    /// `Conflict` where the id, or the issuer, is there already.
    async fn create_issuer(&self, issuer: &TrustedIssuer, record: &Record) -> Result<Write, Fault>;
    /// Guarded by `issuer.version`.
    async fn update_issuer(&self, issuer: &TrustedIssuer, record: &Record) -> Result<Write, Fault>;
    async fn delete_issuer(&self, id: &str, record: &Record) -> Result<Write, Fault>;
}
