//! Where people are signed in.

use crate::audit::Record;
use crate::error::Fault;
use crate::ids::{ClientId, SessionId, TenantId, UserId};
use crate::secret::SecretHash;
use crate::store::{AttemptKey, Consent};
use crate::time::Timestamp;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// One browser in which one user is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    pub id: SessionId,
    pub user: UserId,
    pub tenant: TenantId,
    /// When the user last proved who they are (`auth_time`).
    pub auth_time: Timestamp,
    /// RFC 8176 values.
    pub amr: Vec<String>,
    pub address: String,
    pub user_agent: String,
    pub created_at: Timestamp,
    pub last_seen_at: Timestamp,
    /// Ends then whatever happens.
    pub expires_at: Timestamp,
}

/// A session to begin: the row, the hash of its cookie, the session it takes the place of,
/// and the login counters that its success clears, all in one transaction. A session that takes its own place keeps its
/// id, and so what applications know it by.
#[derive(Debug, Clone)]
pub struct NewSession<'a> {
    pub session: &'a Session,
    pub token: SecretHash,
    pub replaces: Option<SessionId>,
    pub clear: &'a [AttemptKey],
}

/// Who is signed in, and what they allowed one client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub session: Session,
    pub consent: Option<Consent>,
}

#[async_trait]
pub trait Sessions: Send + Sync {
    /// The live session of a cookie: not past `expires_at`, seen after `idle_since`, its user neither disabled nor deleted.
    async fn session(
        &self,
        token: &SecretHash,
        now: Timestamp,
        idle_since: Timestamp,
    ) -> Result<Option<Session>, Fault>;
    /// The same with what its user allowed a client, of one moment.
    async fn standing(
        &self,
        token: &SecretHash,
        client: &ClientId,
        now: Timestamp,
        idle_since: Timestamp,
    ) -> Result<Option<Standing>, Fault>;
    /// All of a user's sessions that have not ended, newest first.
    async fn sessions(&self, user: &UserId, now: Timestamp) -> Result<Vec<Session>, Fault>;
    /// False where the user is disabled, must change the password, or is gone: nothing is written then.
    async fn start_session(&self, new: &NewSession<'_>, record: &Record) -> Result<bool, Fault>;
    /// Moves `last_seen_at` forward.
    async fn touch_session(&self, id: SessionId, now: Timestamp) -> Result<(), Fault>;
    /// False where there was none.
    async fn end_session(&self, id: SessionId, record: &Record) -> Result<bool, Fault>;
    /// Ends all of a user's sessions but `keep`; returns how many.
    async fn end_sessions(
        &self,
        user: &UserId,
        keep: Option<SessionId>,
        record: &Record,
    ) -> Result<u64, Fault>;
}
