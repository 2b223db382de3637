//! Accounts.

use super::{Mark, Page, Write};
use crate::audit::Record;
use crate::directory::User;
use crate::error::Fault;
use crate::ids::{TenantId, UserId};
use async_trait::async_trait;

/// What became of the attempt to make the first administrator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetupOutcome {
    Created,
    /// There is one already: the link is used up.
    AlreadyDone,
    NameTaken,
}

#[async_trait]
pub trait Users: Send + Sync {
    async fn user(&self, id: &UserId) -> Result<Option<User>, Fault>;
    /// By `User::lookup_key` of the user name, or of the verified or unique e-mail address.
    async fn user_by_login(&self, tenant: &TenantId, key: &str) -> Result<Option<User>, Fault>;
    /// By id; all tenants when `tenant` is `None`.
    async fn users(&self, tenant: Option<&TenantId>, page: &Page) -> Result<Vec<User>, Fault>;
    /// `Conflict` where the tenant has that user name.
    async fn create_user(&self, user: &User, record: &Record) -> Result<Write, Fault>;
    /// Guarded by `user.version`. With `mark`, tokens from before die; with `end_sessions`, all sessions do.
    async fn update_user(
        &self,
        user: &User,
        mark: Option<&Mark>,
        end_sessions: bool,
        record: &Record,
    ) -> Result<Write, Fault>;
    /// Sessions, consents and grants go too.
    async fn delete_user(&self, id: &UserId, mark: &Mark, record: &Record) -> Result<Write, Fault>;
    /// Whether any administrator exists.
    async fn has_admin(&self) -> Result<bool, Fault>;
    /// Creates `user` (an administrator) only while there is none.
    async fn create_first_admin(&self, user: &User, record: &Record) -> Result<SetupOutcome, Fault>;
}
