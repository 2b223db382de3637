//! RFC 8628 §3.3, CIBA Core §8 — requests that wait for a person, as an operator sees them and answers for that person

use super::{ManageError, refused};
use crate::approval::{self, Decider, Handle, HandleKind, Over, Waiting};
use crate::audit::{Actor, Event};
use crate::context::Context;
use crate::directory::User;
use crate::error::Fault;
use crate::ids::Id;
use crate::scope::Scope;
use crate::store::Consent;
use crate::token::details::Details;

const KIND: &str = "request";

/// A request by its id, or by the `auth_req_id` or `device_code` that its client holds.
pub async fn find(cx: &Context, text: &str) -> Result<Waiting, ManageError> {
    let handle = || {
        let kinds = [HandleKind::AuthReqId, HandleKind::DeviceCode];
        kinds.into_iter().find_map(|kind| Handle::open(cx, kind, text))
    };
    let id = text.parse::<Id>().ok().or_else(|| handle().map(|handle| handle.id));
    let id = id.ok_or(ManageError::Unknown(KIND))?;
    approval::of(cx, id).await?.ok_or(ManageError::Unknown(KIND))
}

/// What waits for somebody now.
pub async fn of_user(cx: &Context, user: &User) -> Result<Vec<Waiting>, Fault> {
    let rows = cx.store.approvals_of(&user.id, cx.now).await?;
    Ok(rows.into_iter().filter_map(|row| approval::open(cx, row)).collect())
}

/// A yes in the person's name.
#[derive(Debug, Clone, Copy)]
pub struct Yes<'a> {
    /// Of what was asked.
    pub scope: &'a Scope,
    /// OIDC Core §2: the operator has just seen the person prove who they are, in this way; else tokens say nothing of it.
    pub acr: Option<&'a str>,
}

/// Answers in the person's name; `None`: a no. The trail says that it was an operator.
pub async fn decide(
    cx: &Context,
    waiting: &Waiting,
    user: &User,
    granted: Option<Yes<'_>>,
) -> Result<(), ManageError> {
    if let Some(over) = approval::over(&waiting.row, Some(&user.id), cx.now) {
        return Err(refused(words(over)));
    }
    if user.tenant != waiting.pending.request.tenant {
        return Err(refused("it waits for a user of another directory"));
    }
    user.may_act(&cx.settings.accounts).map_err(|denial| refused(denial.detail))?;
    let acr = granted.and_then(|yes| yes.acr);
    let known = cx.settings.acr.all();
    if acr.is_some_and(|acr| !known.contains(&acr)) {
        return Err(refused(format!("acr must be one of {}", known.join(", "))));
    }
    let auth_time = acr.map(|_| cx.now);
    let decider = Decider { user: &user.id, tenant: &user.tenant, auth_time, session: None };
    let written = if let Some(Yes { scope, .. }) = granted {
        agree(cx, waiting, user, scope).await?;
        let record = cx.record(Event::ApprovalGiven, Actor::Operator);
        let details = waiting.pending.request.details.agreed();
        let details = Details { acr: acr.map(str::to_owned), ..details };
        approval::allow(cx, waiting, &decider, (scope, details), record).await?
    } else {
        let record = cx.record(Event::ApprovalDenied, Actor::Operator);
        approval::deny(cx, waiting, &decider, record).await?
    };
    if written { Ok(()) } else { Err(refused("somebody else answered it at the same moment")) }
}

const fn words(over: Over) -> &'static str {
    match over {
        Over::Allowed => "it was allowed already",
        Over::Denied => "it was denied already",
        Over::Expired => "it has expired: the application must ask again",
        Over::Foreign => "it waits for another user",
    }
}

/// The consent behind the gate of every grant; what stands already stays.
async fn agree(cx: &Context, waiting: &Waiting, user: &User, scope: &Scope) -> Result<(), ManageError> {
    let client = &waiting.row.client;
    let before = cx.store.consent(&user.id, client).await?.filter(Consent::is_answer);
    let before = before.map(|consent| consent.scope).unwrap_or_default();
    let consent = Consent {
        user: user.id.clone(),
        client: client.clone(),
        scope: before.union(scope),
        granted_at: cx.now,
        updated_at: cx.now,
        implied: false,
    };
    let record = cx.record(Event::ConsentGiven, Actor::Operator);
    let record = record.client(client).user(&user.id, &user.tenant).object(scope);
    if cx.store.record_consent(&consent, &record).await? {
        return Ok(());
    }
    Err(refused("the user or the application is switched off"))
}
