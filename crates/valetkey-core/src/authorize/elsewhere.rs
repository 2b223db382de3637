//! RFC 8628 §3.3, CIBA Core §8 — the person's answer to what was asked for elsewhere

use super::response::{self, AuthorizationResponse};
use crate::approval::{self, Decider, Over};
use crate::audit::{Actor, Event};
use crate::context::Context;
use crate::error::Fault;
use crate::ids::Id;
use crate::scope::Scope;
use crate::store::Session;
use crate::token::details::Details;

/// Where a request stands that this person cannot decide any more.
pub(super) async fn over(
    cx: &Context,
    id: Id,
    session: Option<&Session>,
) -> Result<Option<AuthorizationResponse>, Fault> {
    let Some(row) = cx.store.approval(id).await? else { return Ok(Some(told(Over::Expired))) };
    Ok(approval::over(&row, session.map(|session| &session.user), cx.now).map(told))
}

const fn word(over: Over) -> &'static str {
    match over {
        Over::Allowed => "used",
        Over::Denied => "was_denied",
        Over::Expired => "expired",
        Over::Foreign => "foreign",
    }
}

fn told(over: Over) -> AuthorizationResponse {
    response::elsewhere(word(over))
}

/// Writes the answer: the scope that was left ticked, or a no. Two who answer at once are told what came of it.
pub(super) async fn decide(
    cx: &Context,
    id: Id,
    session: &Session,
    granted: Option<(&Scope, Details)>,
) -> Result<AuthorizationResponse, Fault> {
    let Some(waiting) = approval::of(cx, id).await? else { return Ok(told(Over::Expired)) };
    let decider = Decider {
        user: &session.user,
        tenant: &session.tenant,
        auth_time: Some(session.auth_time),
        session: Some(session),
    };
    let actor = Actor::User(session.user.clone());
    let (record, outcome) = match &granted {
        Some(_) => (cx.record(Event::ApprovalGiven, actor), "allowed"),
        None => (cx.record(Event::ApprovalDenied, actor), "denied"),
    };
    let written = match granted {
        Some(agreed) => approval::allow(cx, &waiting, &decider, agreed, record).await?,
        None => approval::deny(cx, &waiting, &decider, record).await?,
    };
    if written {
        return Ok(response::elsewhere(outcome));
    }
    Ok(over(cx, id, Some(session)).await?.unwrap_or_else(|| told(Over::Expired)))
}
