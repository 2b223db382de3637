//! The applied settings, and the verb that writes a whole configuration or nothing of it.

use super::{Api, Mark, ScopeWords, Write};
use crate::applied::Applied;
use crate::audit::Record;
use crate::client::Client;
use crate::directory::Tenant;
use crate::error::Fault;
use crate::federation::TrustedIssuer;
use crate::ids::{ApiId, ClientId, TenantId};
use crate::upstream::Upstream;
use async_trait::async_trait;

/// The settings as they stand in the store.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoredSettings {
    pub applied: Applied,
    /// 0: nothing was ever applied.
    pub version: i64,
}

/// One write of a plan. Each is guarded as the verb of its own is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    CreateTenant(Tenant),
    UpdateTenant(Tenant, Option<Mark>),
    DeleteTenant(TenantId),
    CreateUpstream(Upstream),
    UpdateUpstream(Upstream),
    DeleteUpstream(String),
    CreateIssuer(TrustedIssuer),
    UpdateIssuer(TrustedIssuer),
    DeleteIssuer(String),
    CreateScope(ScopeWords),
    UpdateScope(ScopeWords),
    DeleteScope(String),
    CreateApi(Api),
    UpdateApi(Api),
    DeleteApi(ApiId),
    CreateClient(Client),
    UpdateClient(Client, Option<Mark>),
    DeleteClient(ClientId, Mark),
    Settings(StoredSettings),
}

#[async_trait]
pub trait Configuration: Send + Sync {
    async fn applied(&self) -> Result<StoredSettings, Fault>;
    /// Carries out every step, in order and in one transaction, each with its audit record. `Conflict` where one of them
    /// meets something else than was read: nothing of the plan was written then.
    async fn carry_out(&self, plan: &[(Step, Record)]) -> Result<Write, Fault>;
}
