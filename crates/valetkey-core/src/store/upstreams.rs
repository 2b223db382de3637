//! Providers at which people sign in, and which of their people are which of ours.

use super::Write;
use crate::audit::Record;
use crate::directory::User;
use crate::error::Fault;
use crate::ids::{TenantId, UserId};
use crate::upstream::{LinkedIdentity, Upstream};
use async_trait::async_trait;

/// What became of the attempt to make an account for a person who came from elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    Created,
    NameTaken,
    /// Somebody has that identity meanwhile.
    IdentityTaken,
}

/// What became of the attempt to let go of an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unlinking {
    Done,
    /// It is the last way in: nothing was changed.
    Last,
    Unknown,
}

#[async_trait]
pub trait Upstreams: Send + Sync {
    async fn upstreams(&self) -> Result<Vec<Upstream>, Fault>;
    /// `Conflict` where the id is taken.
    async fn create_upstream(&self, upstream: &Upstream, record: &Record) -> Result<Write, Fault>;
    /// Guarded by `upstream.version`.
    async fn update_upstream(&self, upstream: &Upstream, record: &Record) -> Result<Write, Fault>;
    /// Identities stay: their people come back with the provider.
    async fn delete_upstream(&self, id: &str, record: &Record) -> Result<Write, Fault>;

    /// Whose an identity is in this directory.
    async fn linked_user(
        &self,
        tenant: &TenantId,
        issuer: &str,
        subject: &str,
    ) -> Result<Option<UserId>, Fault>;
    /// Whether an account of this directory has an address, by its `User::lookup_key`.
    async fn has_email(&self, tenant: &TenantId, key: &str, proven: bool) -> Result<bool, Fault>;
    async fn linked_identities(&self, user: &UserId) -> Result<Vec<LinkedIdentity>, Fault>;
    /// `Conflict` where it is somebody's already; `Unknown` where the user is gone, disabled or of another directory.
    async fn link_identity(&self, identity: &LinkedIdentity, record: &Record) -> Result<Write, Fault>;
    /// The account and its identity, or neither.
    async fn create_linked_user(
        &self,
        user: &User,
        identity: &LinkedIdentity,
        record: &Record,
    ) -> Result<Arrival, Fault>;
    /// Only while a password or another identity remains.
    async fn unlink_identity(
        &self,
        user: &UserId,
        issuer: &str,
        subject: &str,
        record: &Record,
    ) -> Result<Unlinking, Fault>;
}
