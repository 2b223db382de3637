//! The one gate of the grants that begin or go on without a code or a refresh token: may this person be acted for, and by
//! this client? The store's consuming statements ask the same of the rows they write beside.

use crate::audit::{Actor, Event, Record};
use crate::client::Client;
use crate::context::Context;
use crate::directory::User;
use crate::error::{Code, Denial, Error};
use crate::federation::Statement;
use crate::ids::{TenantId, UserId};
use crate::scope::Scope;
use crate::store::{Beginning, Consent, Grant};
use serde_json::Value;

pub(super) const ENDED: Denial = Code::InvalidGrant.because(
    "what the user allowed has ended: the account, the application, the consent or the grant no longer holds",
);

/// A public client proves nothing, so nobody's word counts for it here.
pub(super) fn proven(client: &Client) -> Result<(), Denial> {
    if client.is_public() {
        return Err(Code::UnauthorizedClient.because("this grant is for clients that can prove themselves"));
    }
    Ok(())
}

/// Whether an account may be acted for now.
pub(super) fn may_act(cx: &Context, user: &User) -> Result<(), Denial> {
    user.may_act(&cx.settings.accounts)?;
    if cx.catalog().shuts(user.tenant.as_str()) { Err(ENDED) } else { Ok(()) }
}

/// The person of a standing grant, if all of it still holds: the account, the client it was given to, the consent, itself.
pub(super) async fn standing(cx: &Context, grant: &Grant) -> Result<User, Error> {
    let user = cx.store.user(&grant.user).await?.ok_or(ENDED)?;
    may_act(cx, &user)?;
    let client = cx.client(grant.client.as_str()).await?.filter(|client| !client.disabled);
    let consent = cx.store.consent(&grant.user, &grant.client).await?;
    if grant.revoked_at.is_some() || client.is_none() || consent.is_none() {
        return Err(ENDED.into());
    }
    Ok(user)
}

const BEYOND: Denial = Code::InvalidScope.because("ask for no more than the user allowed this application");

/// What of a scope the person lets this client have. More than that is refused where it was asked for by name; where
/// nothing was named, what was allowed is left. Implied consent stands where the person has not answered, and never
/// beyond what they answered.
pub(super) async fn consented(
    cx: &Context,
    client: &Client,
    user: &User,
    scope: Scope,
    (implied, is_named): (bool, bool),
) -> Result<Scope, Error> {
    let Some(consent) = cx.store.consent(&user.id, &client.id).await?.filter(Consent::is_answer) else {
        return if implied { Ok(scope) } else { Err(ENDED.into()) };
    };
    if consent.scope.covers(&scope) {
        return Ok(scope);
    }
    let left = scope.filter(|name| consent.scope.contains(name));
    if is_named || left.is_empty() { Err(BEYOND.into()) } else { Ok(left) }
}

/// Begins a grant by the word of a trusted issuer. Where that implies consent, it is noted with the grant, or neither is:
/// what the issuer said before the person took consent back implies none any more, nor does what it says after that.
pub(super) async fn by_word(
    cx: &Context,
    client: &Client,
    grant: &Grant,
    statement: &Statement,
    (implied, record): (bool, &Record),
) -> Result<Beginning, Error> {
    if !implied {
        return Ok(cx.store.begin_by_word(&cx.gated(grant), None, record).await?);
    }
    cx.hear().await?;
    let made = statement.claims.get("iat").and_then(Value::as_i64).unwrap_or(0);
    if cx.revoked.is_withdrawn(grant.user.as_str(), client.id.as_str(), made.saturating_mul(1000)) {
        return Err(ENDED.into());
    }
    // Not the person, and not the client: the server, as it was told to.
    let noted = given(cx, client, (&grant.user, &grant.tenant), &grant.scope, Actor::System);
    Ok(cx.store.begin_by_word(&cx.gated(grant), Some(&noted), record).await?)
}

fn given(
    cx: &Context,
    client: &Client,
    (user, tenant): (&UserId, &TenantId),
    scope: &Scope,
    by: Actor,
) -> Record {
    cx.record(Event::ConsentGiven, by).client(&client.id).user(user, tenant).object(scope)
}

/// Notes consent that is given otherwise than on our page: the account page shows it, and takes it back. What somebody
/// answered on our page stays as it is.
pub(super) async fn agreed(cx: &Context, client: &Client, user: &User, scope: &Scope) -> Result<bool, Error> {
    if cx.store.consent(&user.id, &client.id).await?.is_some_and(|own| own.is_answer()) {
        return Ok(true);
    }
    let consent = Consent {
        user: user.id.clone(),
        client: client.id.clone(),
        scope: scope.clone(),
        granted_at: cx.now,
        updated_at: cx.now,
        implied: false,
    };
    let record = given(cx, client, (&user.id, &user.tenant), scope, Actor::Client(client.id.clone()));
    Ok(cx.store.record_consent(&consent, &record).await?)
}
