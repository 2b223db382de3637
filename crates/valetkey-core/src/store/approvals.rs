//! What a person is to decide elsewhere than where it was asked for: device codes (RFC 8628), back-channel requests (CIBA).

use crate::audit::Record;
use crate::error::Fault;
use crate::ids::{ClientId, Id, UserId};
use crate::time::{Seconds, Timestamp};
use async_trait::async_trait;

/// A request that waits for its person. The rows hold no text of a token or a code: what they hold is sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    pub id: Id,
    pub client: ClientId,
    /// Who is asked, where the request says so: nobody else sees it.
    pub user: Option<UserId>,
    /// Digest of the code that a person types, where there is one.
    pub user_code: Option<[u8; 32]>,
    /// What was asked, sealed.
    pub request: String,
    pub state: ApprovalState,
    /// How long a client waits between two questions.
    pub pace: Seconds,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApprovalState {
    Waiting,
    /// What the person agreed to, sealed.
    Allowed(String),
    Denied,
}

/// The outcome of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking {
    Asked,
    /// The code is another request's: make another.
    CodeTaken,
    /// As many requests of this client as may wait for this person at once.
    Full,
}

/// What a client that asks for the answer is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Poll {
    /// Nobody has decided yet.
    Waiting,
    /// The same, and the client asks too often: from now on it waits this long.
    TooFast(Seconds),
    /// What the person agreed to, sealed.
    Allowed(String),
    Denied,
    Expired,
    /// No request of this client.
    Unknown,
}

#[async_trait]
pub trait Approvals: Send + Sync {
    /// Writes a request that waits; at most `most` unexpired ones of a client wait for one person.
    async fn ask_approval(&self, approval: &Approval, most: u32) -> Result<Asking, Fault>;
    async fn approval(&self, id: Id) -> Result<Option<Approval>, Fault>;
    /// By the digest of its code, whatever its state.
    async fn approval_by_code(&self, user_code: &[u8; 32]) -> Result<Option<Approval>, Fault>;
    /// Those that wait for a person now, newest first.
    async fn approvals_of(&self, user: &UserId, now: Timestamp) -> Result<Vec<Approval>, Fault>;
    /// The person's answer, once: false where it was decided before, has expired, or waits for somebody else than the
    /// record's user.
    async fn decide_approval(&self, decision: &Decision<'_>, record: &Record) -> Result<bool, Fault>;
    /// Takes up to `limit` requests whose clients are to be told that they were decided, for nobody else to take until
    /// `until`. Answers each with how often it was taken, this time included.
    async fn claim_pings(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<(Approval, i64)>, Fault>;
    /// The client was told, or is to be told again at a time.
    async fn settle_ping(&self, id: Id, again: Option<Timestamp>) -> Result<(), Fault>;
    /// A client asks for the answer. Whoever asks sooner than its pace, on whichever node, has to wait `step` longer from
    /// then on, up to `longest`.
    async fn poll_approval(&self, poll: &PollRequest<'_>) -> Result<Poll, Fault>;
}

/// A client's question.
#[derive(Debug, Clone, Copy)]
pub struct PollRequest<'a> {
    pub id: Id,
    pub client: &'a ClientId,
    /// Milliseconds since the epoch.
    pub now_ms: i64,
    pub step: Seconds,
    pub longest: Seconds,
}

/// A person's answer.
#[derive(Debug, Clone, Copy)]
pub struct Decision<'a> {
    pub id: Id,
    pub decided: &'a ApprovalState,
    /// Whether the client is to be told that there is an answer (CIBA Core §10.2).
    pub ping: bool,
}
