//! What applications have still to be told: that somebody whom they know signed out here. The verbs that end a session
//! put it in the queue, in their own transaction; this is how it is taken out.

use crate::audit::Record;
use crate::error::Fault;
use crate::ids::{ClientId, SessionId, UserId};
use crate::time::Timestamp;
use async_trait::async_trait;

/// One application to tell, once: whoever has it was given it until `claimed_until`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logout {
    pub client: ClientId,
    pub user: UserId,
    /// `None`: every session that the application has of this person.
    pub session: Option<SessionId>,
    /// How often it was taken out of the queue, this time included.
    pub tries: i64,
    pub claimed_until: Timestamp,
}

#[async_trait]
pub trait Logouts: Send + Sync {
    /// The applications that got an ID token in that session, by id, whether or not it lives still.
    async fn clients_in_session(&self, user: &UserId, session: SessionId) -> Result<Vec<ClientId>, Fault>;
    /// When the next one is due. Costs next to nothing.
    async fn next_logout(&self) -> Result<Option<Timestamp>, Fault>;
    /// Takes what is due, for nobody else to take until `until`.
    async fn claim_logouts(&self, now: Timestamp, until: Timestamp, limit: u32)
    -> Result<Vec<Logout>, Fault>;
    /// It is told, or there is nobody to tell any more. What came into the queue anew meanwhile stays there.
    async fn finish_logout(&self, logout: &Logout) -> Result<(), Fault>;
    /// It could not be told: not before `due_at` again. With `all`, nor is anything else of that application.
    async fn postpone_logout(&self, logout: &Logout, due_at: Timestamp, all: bool) -> Result<(), Fault>;
    /// It is let go untold, and the trail says so.
    async fn give_up_logout(&self, logout: &Logout, record: &Record) -> Result<(), Fault>;
}
