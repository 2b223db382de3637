//! What was asked for elsewhere and is decided here: a device's request (RFC 8628), one by the back channel (CIBA Core).
//!
//! The row that waits holds nothing in clear; the client holds a sealed name of it. Deciding writes what was agreed, once;
//! the grant that becomes of it is written when the client fetches it, by the primary key once.

mod handle;

pub use handle::{Handle, HandleKind};

use crate::audit::Record;
use crate::context::Context;
use crate::error::Fault;
use crate::ids::{GrantId, Id, SessionId, TenantId, UserId};
use crate::interaction::AuthorizationRequest;
use crate::scope::Scope;
use crate::seal::{self, Kind};
use crate::store::{Approval, ApprovalState, Asking, Decision, Session};
use crate::time::{Seconds, Timestamp};
use crate::token::code::Code;
use crate::token::details::Details;
use serde::{Deserialize, Serialize};

/// How many requests of one client may wait for one person at once: whoever is asked again and again says yes in the end. No
/// client silences the others.
const MOST: u32 = 10;
/// RFC 8628 §3.2, CIBA Core §7.3: how long a client waits between two questions, at first.
pub const PACE: Seconds = Seconds(5);

/// What a request asks, and what its person has to see of where it came from. Sealed in its row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    pub request: AuthorizationRequest,
    /// RFC 8628 §3.2, as it is shown; empty where nobody types one.
    pub user_code: String,
    /// Where it was asked from.
    pub address: String,
    /// In which device or browser, as that one says itself.
    pub device: String,
    /// CIBA Core §7.1: what stands on the other screen.
    pub binding_message: String,
    /// CIBA Core §7.1: by which a client in ping mode knows that it is us.
    pub notification_token: String,
}

/// A request that waits, opened.
#[derive(Debug, Clone)]
pub struct Waiting {
    pub row: Approval,
    pub pending: Pending,
}

/// Where a request stands that nobody can decide any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    Allowed,
    Denied,
    Expired,
    /// It waits for somebody else.
    Foreign,
}

/// How a new request is found.
#[derive(Debug)]
pub struct Found<'a> {
    pub user: Option<&'a UserId>,
    pub user_code: Option<[u8; 32]>,
}

/// Writes a request that waits from now on.
pub async fn ask(
    cx: &Context,
    pending: &Pending,
    found: &Found<'_>,
    lifetime: Seconds,
) -> Result<(Asking, Approval), Fault> {
    let request = cx.keys().sealing_at(cx.now)?.seal(Kind::Pending, cx.nonce(), pending)?;
    let approval = Approval {
        id: cx.new_id(),
        client: pending.request.client.clone(),
        user: found.user.cloned(),
        user_code: found.user_code,
        request,
        state: ApprovalState::Waiting,
        pace: PACE,
        created_at: cx.now,
        expires_at: cx.now + lifetime,
    };
    Ok((cx.store.ask_approval(&approval, MOST).await?, approval))
}

/// What a row holds; `None` where the keys that sealed it are gone.
pub fn open(cx: &Context, row: Approval) -> Option<Waiting> {
    let opened = seal::open(cx.keys().sealing(), Kind::Pending, &row.request)?;
    Some(Waiting { pending: opened.record()?, row })
}

/// A request by its id, whatever became of it.
pub async fn of(cx: &Context, id: Id) -> Result<Option<Waiting>, Fault> {
    Ok(cx.store.approval(id).await?.and_then(|row| open(cx, row)))
}

/// Why nobody, or not this person, can decide it now.
pub fn over(row: &Approval, user: Option<&UserId>, now: Timestamp) -> Option<Over> {
    let foreign = row.user.as_ref().zip(user).is_some_and(|(own, user)| own != user);
    match row.state {
        _ if foreign => Some(Over::Foreign),
        ApprovalState::Allowed(_) => Some(Over::Allowed),
        ApprovalState::Denied => Some(Over::Denied),
        ApprovalState::Waiting => (row.expires_at <= now).then_some(Over::Expired),
    }
}

/// Who decides, and how they proved who they are.
#[derive(Debug)]
pub struct Decider<'a> {
    pub user: &'a UserId,
    pub tenant: &'a TenantId,
    /// `None`: an operator answers, and did not see the person prove anything.
    pub auth_time: Option<Timestamp>,
    /// The session that the approval came from; an operator has none.
    pub session: Option<&'a Session>,
}

/// Writes that the person said no. False: somebody was faster, or it was too late.
pub async fn deny(
    cx: &Context,
    waiting: &Waiting,
    decider: &Decider<'_>,
    record: Record,
) -> Result<bool, Fault> {
    let record = record.client(&waiting.row.client).user(decider.user, decider.tenant).object(waiting.row.id);
    decided(cx, waiting, &ApprovalState::Denied, &record).await
}

async fn decided(
    cx: &Context,
    waiting: &Waiting,
    decided: &ApprovalState,
    record: &Record,
) -> Result<bool, Fault> {
    let ping = !waiting.pending.notification_token.is_empty();
    cx.store.decide_approval(&Decision { id: waiting.row.id, decided, ping }, record).await
}

/// Writes what the person agreed to: the scope, and what else; the consent stands before. False as for `deny`.
pub async fn allow(
    cx: &Context,
    waiting: &Waiting,
    decider: &Decider<'_>,
    agreed: (&Scope, Details),
    record: Record,
) -> Result<bool, Fault> {
    let (scope, details) = agreed;
    let request = &waiting.pending.request;
    let record = record.client(&waiting.row.client).user(decider.user, decider.tenant).object(waiting.row.id);
    // OIDC Core §11, as for a code.
    let lasting = !request.scope.contains("offline_access") || scope.contains("offline_access");
    let scope = scope.to_string();
    let agreed = Code {
        // Of this moment, so that what was taken back before it was agreed does not count.
        id: GrantId(cx.new_id()),
        client: request.client.as_str(),
        user: decider.user.as_str(),
        tenant: decider.tenant.as_str(),
        session: decider.session.map_or(SessionId(Id::default()), |session| session.id),
        redirect_uri: "",
        scope: &scope,
        resources: request.resources.iter().map(String::as_str).collect(),
        challenge: "",
        nonce: request.nonce.as_deref(),
        key: request.key,
        lasting,
        auth_time: decider.auth_time.unwrap_or_default(),
        expires_at: waiting.row.expires_at,
        details,
    };
    let sealed = agreed.seal_agreed(cx, cx.nonce(), cx.now)?;
    decided(cx, waiting, &ApprovalState::Allowed(sealed), &record).await
}
