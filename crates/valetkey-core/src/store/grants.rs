//! Grants: one row for what one redeemed code gave, however often it is refreshed.

use super::{Mark, Page};
use crate::audit::Record;
use crate::error::Fault;
use crate::ids::{ClientId, GrantId, SessionId, TenantId, UserId};
use crate::scope::Scope;
use crate::time::{Seconds, Timestamp};
use crate::token::details::{self, Details};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// A standing grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    pub id: GrantId,
    pub client: ClientId,
    pub user: UserId,
    pub tenant: TenantId,
    pub session: Option<SessionId>,
    pub scope: Scope,
    /// Resource indicators allowed (RFC 8707), space separated in the row.
    pub resources: Vec<String>,
    pub auth_time: Timestamp,
    pub nonce: Option<String>,
    /// 0: no refresh token was issued. [`Self::UNREDEEMED`]: its code is still out.
    pub generation: i64,
    pub rotated_at: Timestamp,
    pub created_at: Timestamp,
    pub last_used_at: Timestamp,
    /// The refresh token dies then unless used before.
    pub idle_until: Timestamp,
    pub expires_at: Timestamp,
    /// When the last access token it gave expires.
    pub access_until: Timestamp,
    pub revoked_at: Option<Timestamp>,
    #[serde(default, with = "details::text")]
    pub details: Details,
}

impl Grant {
    /// Of a hybrid's grant that gave a token through the browser: its code takes the row over, once (OIDC Core §3.3).
    pub const UNREDEEMED: i64 = -1;

    pub const fn is_unredeemed(&self) -> bool {
        self.generation == Self::UNREDEEMED
    }

    /// When the person proved who they are; `None` where nobody can say (an operator answered, an issuer did not tell).
    pub fn proven_at(&self) -> Option<Timestamp> {
        Some(self.auth_time).filter(|at| at.0 > 0)
    }
}

/// A grant to write behind the gate of a code's redemption.
#[derive(Debug, Clone, Copy)]
pub struct NewGrant<'a> {
    pub grant: &'a Grant,
    /// Whether the gate wants the user's e-mail address proven.
    pub verified_email: bool,
}

/// The outcome of redeeming a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redemption {
    Redeemed,
    /// The code was redeemed before: its grant is revoked now, in the same transaction (RFC 9700 §4.5, RFC 6749 §4.1.2).
    Replayed,
    /// The user or the client is disabled or gone, the address unproven that must be proven, the session has ended, or the
    /// consent was withdrawn meanwhile.
    Refused,
}

/// The outcome of beginning a grant that no code leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beginning {
    Begun,
    /// A grant of this id exists already; nothing was changed.
    Known,
    /// The gate does not hold, as for `Redemption::Refused`.
    Refused,
}

/// The guarded step from one generation to the next.
#[derive(Debug, Clone)]
pub struct RotationRequest<'a> {
    pub grant: GrantId,
    pub client: &'a ClientId,
    pub by: RefreshBy,
    pub now: Timestamp,
    /// How long the generation before the last still gets the same successor.
    pub retry_window: Seconds,
    /// Of the grant from now on.
    pub limits: Limits,
    pub access_until: Timestamp,
    /// As of [`NewGrant`].
    pub verified_email: bool,
}

/// What was presented, and what becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefreshBy {
    /// A refresh token of this generation: the next takes its place.
    Rotating(i64),
    /// The same under the opt-in `reusable_refresh_token`: the row stays at its generation. An older one is no better
    /// than ever.
    Kept(i64),
    /// The code that made the grant, under the opt-in `code_as_refresh_token`, whatever the generation.
    Code,
}

/// How long a grant can be refreshed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub idle_until: Timestamp,
    pub expires_at: Timestamp,
}

/// The outcome of presenting a refresh token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rotation {
    /// The row stands at `generation + 1` now, rotated at `now`.
    Rotated,
    /// It stands where it stood, since `rotated_at`: the same refresh token goes on.
    Kept { rotated_at: Timestamp },
    /// The last rotation consumed this very token, within the window: the same successor, sealed as of `rotated_at`.
    Retried { rotated_at: Timestamp },
    /// An older token: the grant is revoked now, in the same transaction.
    Reused,
    /// Revoked, expired, of another client, or never issued; or its user or client is disabled or gone.
    Unknown,
}

/// Which grants: those that match everything given.
#[derive(Debug, Clone, Default)]
pub struct GrantFilter {
    pub user: Option<UserId>,
    pub client: Option<ClientId>,
    /// Also those revoked or expired.
    pub ended: bool,
}

/// The revocation and the audit record of a reuse; asked for only where the token, or the code, was no good at first sight.
pub type OnReuse<'a> = dyn Fn() -> (Mark, Record) + Send + Sync + 'a;

#[async_trait]
pub trait Grants: Send + Sync {
    async fn grant(&self, id: GrantId) -> Result<Option<Grant>, Fault>;
    /// Newest first; `page.after` is a grant id.
    async fn grants(&self, filter: &GrantFilter, page: &Page, now: Timestamp) -> Result<Vec<Grant>, Fault>;
    /// Inserts the grant, or takes over the row that stands unredeemed under its id, if the gate holds: client enabled, user enabled with no password to change
    /// and, where `verified_email` wants it, a proven address, session (if any) live, consent standing. One guarded write in
    /// the good case. Where it wrote nothing, what `replay` gives is written if the code was redeemed before (the mark's
    /// `expires_at` is raised to the stored grant's `access_until`).
    async fn redeem_code(
        &self,
        grant: Grant,
        verified_email: bool,
        replay: &OnReuse<'_>,
    ) -> Result<Redemption, Fault>;
    /// Inserts the grant behind the same gate as `redeem_code`, with the record, if any. An id that is known is no replay.
    async fn begin_grant(&self, grant: &NewGrant<'_>, record: Option<&Record>) -> Result<Beginning, Fault>;
    /// Begins a grant by another issuer's word, in one transaction. Without `implied`, the person's own answer must cover the
    /// grant's scope. With it, consent is noted where there is none (and the record written), unless they took one back.
    /// `Refused` leaves nothing behind.
    async fn begin_by_word(
        &self,
        grant: &NewGrant<'_>,
        implied: Option<&Record>,
        record: &Record,
    ) -> Result<Beginning, Fault>;
    /// One guarded update in the good case. What `reuse` gives is written where the token was reused.
    async fn rotate_refresh_token(
        &self,
        request: &RotationRequest<'_>,
        reuse: &OnReuse<'_>,
    ) -> Result<Rotation, Fault>;
    /// False where there was no live grant of that id (and of `client`, where given).
    async fn revoke_grant(
        &self,
        id: GrantId,
        client: Option<&ClientId>,
        mark: &Mark,
        record: &Record,
    ) -> Result<bool, Fault>;
}
