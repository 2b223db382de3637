//! The store's ports: domain verbs, each one transaction, with the guard inside the write and the outcome as an enum.
//!
//! Every write takes the audit record that tells of it; the store writes both, and the entry of the change feed, or neither.

mod approvals;
mod audits;
mod catalog;
mod clients;
mod configuration;
mod consents;
mod grants;
mod issuers;
mod keys;
mod logins;
mod logouts;
mod notes;
mod owners;
mod revocations;
mod sessions;
mod spent;
mod tenants;
mod upstreams;
mod users;

pub use approvals::{Approval, ApprovalState, Approvals, Asking, Decision, Poll, PollRequest};
pub use audits::{AuditFilter, Audits};
pub use catalog::{Api, Catalog, EndpointRule, ScopeWords, TokenFormat};
pub use clients::Clients;
pub use configuration::{Configuration, Step, StoredSettings};
pub use consents::{Consent, Consents};
pub use grants::{
    Beginning, Grant, GrantFilter, Grants, Limits, NewGrant, OnReuse, Redemption, RefreshBy, Rotation,
    RotationRequest,
};
pub use issuers::Issuers;
pub use keys::{KeyPurpose, Keys, StoredKey};
pub use logins::{Attempt, AttemptKey, Counted, Logins};
pub use logouts::{Logout, Logouts};
pub use notes::{Audience, Notes};
pub use owners::{Offer, OfferKind, Owner, Owners, Registered, Removal, Taken};
pub use revocations::{Change, ChangeKind, Changes, Mark, MarkKind, Revocations};
pub use sessions::{NewSession, Session, Sessions, Standing};
pub use spent::Spent;
pub use tenants::Tenants;
pub use upstreams::{Arrival, Unlinking, Upstreams};
pub use users::{SetupOutcome, Users};

use crate::error::Fault;
use crate::time::{Seconds, Timestamp};
use async_trait::async_trait;

/// The answer of a write to a thing that others may be changing too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Write {
    Done,
    /// The name is taken (on create), or somebody changed it since it was read (on update).
    Conflict,
    Unknown,
}

/// A page of a listing: up to `limit` rows whose key comes after `after`.
#[derive(Debug, Clone, Default)]
pub struct Page {
    pub after: Option<String>,
    pub limit: u32,
}

impl Page {
    pub const fn first(limit: u32) -> Self {
        Self { after: None, limit }
    }
}

/// Housekeeping.
#[async_trait]
pub trait Upkeep: Send + Sync {
    /// Whether the store can be written to now; cheap enough for a health check every second.
    async fn ping(&self) -> Result<(), Fault>;
    /// Up to when what has ended may be forgotten, kept beside the rows: the present, unless the clock jumped ahead by
    /// more than the `ran` since the last call explains ([`Horizon`](crate::horizon::Horizon)).
    async fn move_horizon(&self, now: Timestamp, ran: Seconds) -> Result<Timestamp, Fault>;
    /// Deletes up to `limit` rows of each kind that can no longer matter. Returns how many went.
    async fn sweep(&self, now: Timestamp, limit: u32) -> Result<u64, Fault>;
    /// Says that a server runs on the store; said again every few seconds.
    async fn attend(&self) -> Result<(), Fault>;
    /// Says that it ends.
    async fn depart(&self) -> Result<(), Fault>;
    /// How many rows stand in each table, by table name: what `doctor` and the tests count.
    async fn row_counts(&self) -> Result<Vec<(String, u64)>, Fault>;
}

/// All of the ports.
pub trait Store:
    Approvals
    + Audits
    + Catalog
    + Changes
    + Clients
    + Configuration
    + Consents
    + Grants
    + Issuers
    + Keys
    + Logins
    + Logouts
    + Notes
    + Owners
    + Revocations
    + Sessions
    + Spent
    + Tenants
    + Upkeep
    + Upstreams
    + Users
    + std::fmt::Debug
{
}

impl<T> Store for T where
    T: Approvals
        + Audits
        + Catalog
        + Changes
        + Clients
        + Configuration
        + Consents
        + Grants
        + Issuers
        + Keys
        + Logins
        + Logouts
        + Logouts
        + Notes
        + Owners
        + Revocations
        + Sessions
        + Spent
        + Tenants
        + Upkeep
        + Upstreams
        + Users
        + std::fmt::Debug
{
}
