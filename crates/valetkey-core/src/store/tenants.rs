//! User directories. Few, and held in memory by every node.

use super::{Mark, Write};
use crate::audit::Record;
use crate::directory::Tenant;
use crate::error::Fault;
use crate::ids::TenantId;
use async_trait::async_trait;

#[async_trait]
pub trait Tenants: Send + Sync {
    async fn tenants(&self) -> Result<Vec<Tenant>, Fault>;
    /// `Conflict` where the id is taken.
    async fn create_tenant(&self, tenant: &Tenant, record: &Record) -> Result<Write, Fault>;
    /// Guarded by `tenant.version`. With `mark`, the tokens and grants of its users die and their sessions end.
    async fn update_tenant(
        &self,
        tenant: &Tenant,
        mark: Option<&Mark>,
        record: &Record,
    ) -> Result<Write, Fault>;
    /// `Conflict` where users or clients belong to it still.
    async fn delete_tenant(&self, id: &TenantId, record: &Record) -> Result<Write, Fault>;
}
