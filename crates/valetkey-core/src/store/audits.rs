//! The audit trail.

use super::Page;
use crate::audit::Record;
use crate::error::Fault;
use crate::ids::{ClientId, UserId};
use async_trait::async_trait;

/// Which rows of the trail: those that match everything given.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    pub user: Option<UserId>,
    pub client: Option<ClientId>,
}

#[async_trait]
pub trait Audits: Send + Sync {
    /// Writes one record on its own, for events that change nothing else.
    async fn record(&self, record: &Record) -> Result<(), Fault>;
    /// Newest first; `page.after` is the id of the last record seen.
    async fn records(&self, filter: &AuditFilter, page: &Page) -> Result<Vec<Record>, Fault>;
    /// Oldest first, those after `id`: what `audit tail --follow` asks.
    async fn records_since(&self, id: Option<crate::ids::Id>, limit: u32) -> Result<Vec<Record>, Fault>;
}
