//! What was taken back, and the feed by which every node hears of it and of changed configuration.

use crate::audit::Record;
use crate::error::Fault;
use crate::time::Timestamp;
use async_trait::async_trait;

/// What a mark takes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum MarkKind {
    /// One access token, by its id.
    Token = 1,
    /// All access tokens of a grant, by its id.
    Grant = 2,
    /// All of a client's from before.
    Client = 3,
    /// All of a user's from before.
    User = 4,
    /// All of a tenant's from before.
    Tenant = 5,
    /// All that one user gave one client: key is user id, a zero byte, client id.
    Consent = 6,
    /// Everything from before: a backup was restored.
    Everything = 7,
}

impl MarkKind {
    pub fn from_number(number: i64) -> Option<Self> {
        [Self::Token, Self::Grant, Self::Client, Self::User, Self::Tenant, Self::Consent, Self::Everything]
            .into_iter()
            .find(|kind| *kind as i64 == number)
    }
}

/// One revocation: tokens of `key` made at or before `not_after_ms` are dead. Kept until `expires_at`,
/// when the last of them has expired by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    pub kind: MarkKind,
    pub key: Vec<u8>,
    /// Milliseconds since the epoch; `i64::MAX` for a single token or grant.
    pub not_after_ms: i64,
    pub expires_at: Timestamp,
}

#[async_trait]
pub trait Revocations: Send + Sync {
    /// Every mark that can still matter.
    async fn revocations(&self, now: Timestamp) -> Result<Vec<Mark>, Fault>;
    /// Those written after `seq` of the change feed are among `revocations`; this reads just one.
    async fn revocation(&self, kind: MarkKind, key: &[u8]) -> Result<Option<Mark>, Fault>;
    /// Makes a mark stronger on account of what was handed out here meanwhile: announced as [`ChangeKind::Stronger`].
    async fn strengthen(&self, mark: &Mark, at: Timestamp) -> Result<(), Fault>;
    /// Writes a mark (the later `not_after_ms` and `expires_at` win).
    async fn revoke(&self, mark: &Mark, record: &Record) -> Result<(), Fault>;
}

/// What a change was made to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ChangeKind {
    /// Something that this version knows nothing of: a newer one on the same database does.
    Other = 0,
    Client = 1,
    User = 2,
    Scope = 3,
    Api = 4,
    Key = 5,
    /// `key` is the mark's kind (one byte) and key.
    Revocation = 6,
    /// The applied settings.
    Settings = 7,
    Tenant = 8,
    /// A provider or another issuer.
    Upstream = 9,
    /// A mark that a server made stronger when it heard of it. Nobody does the same again for that.
    Stronger = 10,
    /// An address has to pause: `key` is a counter's, then for how many seconds, in eight bytes.
    Pause = 11,
}

/// One entry of the change feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub seq: i64,
    pub kind: ChangeKind,
    pub key: Vec<u8>,
}

#[async_trait]
pub trait Changes: Send + Sync {
    /// The newest entry's number, 0 if there was never one.
    async fn latest_change(&self) -> Result<i64, Fault>;
    /// Entries after `seq`, in order. `None` where some of them were swept already: read everything anew.
    /// Costs next to nothing when nothing changed.
    async fn changes_since(&self, seq: i64) -> Result<Option<Vec<Change>>, Fault>;
    /// How often something was written through this very store that may have changed sessions, consents, people or
    /// directories: another number before its writer hears that it is done, also where nobody waits any more.
    fn writes(&self) -> u64;
    /// Whether connections were lost since this was asked last: it may be another database that answers now.
    fn was_lost(&self) -> bool;
    /// Returns when another process may have changed something; never, where nobody would tell. Only the feed is
    /// trusted: this saves the wait until it is looked at next.
    async fn news(&self);
}
