//! RFC 7523 §2.1 — the word of a trusted issuer as a grant; ID-JAGs too (draft-ietf-oauth-identity-assertion-authz-grant §4.4)
//!
//! No refresh token comes of it: its issuer is asked again instead, and so can take back what it said.

use super::gate;
use crate::audit::{Actor, Event};
use crate::client::Client;
use crate::context::Context;
use crate::directory::User;
use crate::error::{Code, Denial, Error};
use crate::federation::{self, Distrust, Somebody, Statement, Trust};
use crate::ids::GrantId;
use crate::jose::jws::Jws;
use crate::params::Params;
use crate::scope::Scope;
use crate::secret::digest_of;
use crate::store::{Beginning, Grant};
use crate::time::Timestamp;
use crate::token::TokenResponse;
use crate::token::details::Details;
use crate::token::granted::{Allowed, begin, row};
use serde_json::Value;

const UNTRUSTED: Denial =
    Code::InvalidGrant.because("the assertion is of no issuer that this server trusts with this");
const USED: Denial = Code::InvalidGrant.because("the assertion was used before");
const NOBODY: Denial = Code::InvalidGrant.because(
    "the assertion means nobody who may use this application here: the account, the consent or the application does not hold",
);

pub(super) async fn exchange(
    cx: &Context,
    client: &Client,
    params: &Params<'_>,
) -> Result<TokenResponse, Error> {
    gate::proven(client)?;
    let text = params
        .one("assertion")
        .ok_or(Code::InvalidRequest.because("assertion is missing: send the issuer's JWT"))?;
    let is_jag = Jws::read(text).is_some_and(|jws| jws.is_of_type("oauth-id-jag+jwt"));
    let trust = if is_jag { Trust::IdJag } else { Trust::Users };
    let statement = federation::verify(cx, text, trust).await.map_err(refused)?;
    let mut asked = if is_jag { of_jag(cx, client, &statement, params)? } else { asked(cx, client, params)? };
    let user = person(cx, &statement).await?;
    let implied = is_jag || statement.issuer.implies_consent;
    let is_named = params.one("scope").is_some();
    asked.scope = gate::consented(cx, client, &user, asked.scope, (implied, is_named)).await?;
    let (grant, response) = first(cx, client, &statement, &user, asked)?;
    spend(cx, &statement, text).await?;
    let record = cx.record(Event::LoginSucceeded, Actor::Client(client.id.clone()));
    let record = record.client(&client.id).user(&user.id, &user.tenant).object(grant.id);
    match gate::by_word(cx, client, &grant, &statement, (implied, &record)).await? {
        Beginning::Begun => Ok(response),
        Beginning::Known | Beginning::Refused => Err(NOBODY.into()),
    }
}

pub(super) fn refused(why: Distrust) -> Error {
    match why {
        Distrust::Unknown => UNTRUSTED.into(),
        Distrust::Untrue(detail) => Code::InvalidGrant.because(detail).into(),
        Distrust::Failed(fault) => fault.into(),
    }
}

/// Whom it means, if that account may be used now.
pub(super) async fn person(cx: &Context, statement: &Statement) -> Result<User, Error> {
    match federation::somebody(cx, statement).await? {
        Somebody::Known(user) => {
            gate::may_act(cx, &user)?;
            Ok(*user)
        }
        Somebody::Unknown => Err(NOBODY.into()),
    }
}

/// What is asked for.
pub(super) struct Asked {
    pub(super) scope: Scope,
    pub(super) resources: Vec<String>,
}

fn asked(cx: &Context, client: &Client, params: &Params<'_>) -> Result<Asked, Denial> {
    let scope = cx.catalog().asked_scope(client, params.one("scope"))?;
    Ok(Asked { scope, resources: params.all("resource").map(str::to_owned).collect() })
}

/// §3.1, §4.4 of the draft: the assertion names the client, and bounds what it may have.
fn of_jag(
    cx: &Context,
    client: &Client,
    statement: &Statement,
    params: &Params<'_>,
) -> Result<Asked, Denial> {
    if statement.text("client_id") != Some(client.id.as_str()) {
        return Err(Code::InvalidGrant.because("the assertion was made for another client"));
    }
    if statement.text("jti").is_none() {
        return Err(Code::InvalidGrant.because("the assertion has no jti"));
    }
    if statement.claims.get("iat").and_then(Value::as_i64).is_none() {
        return Err(Code::InvalidGrant.because("the assertion has no iat"));
    }
    let allowed = allowed_scope(statement)?;
    let scope = match params.one("scope") {
        None => allowed.filter(|name| client.may_ask_for(name)),
        Some(text) => {
            let scope = cx.catalog().asked_scope(client, Some(text))?;
            if !allowed.covers(&scope) {
                return Err(Code::InvalidScope.because("ask for no more than the assertion allows"));
            }
            scope
        }
    };
    let allowed = allowed_resources(statement)?;
    let asked: Vec<String> = params.all("resource").map(str::to_owned).collect();
    if !allowed.is_empty() && !asked.iter().all(|uri| allowed.contains(uri)) {
        return Err(Code::InvalidTarget.because("this resource is not one that the assertion names"));
    }
    Ok(Asked { scope, resources: if asked.is_empty() { allowed } else { asked } })
}

/// An assertion without `scope` allows nothing by name.
fn allowed_scope(statement: &Statement) -> Result<Scope, Denial> {
    let bad = Code::InvalidGrant.because("scope in the assertion is no list of names");
    match statement.claims.get("scope") {
        None => Ok(Scope::default()),
        Some(Value::String(text)) => Scope::parse(text).map_err(|_| bad),
        Some(_) => Err(bad),
    }
}

/// One without `resource` is for all that its scope means something at.
fn allowed_resources(statement: &Statement) -> Result<Vec<String>, Denial> {
    let bad = Code::InvalidGrant.because("resource in the assertion is neither a URI nor a list of URIs");
    match statement.claims.get("resource") {
        None => Ok(Vec::new()),
        Some(Value::String(one)) => Ok(vec![one.clone()]),
        Some(Value::Array(all)) if !all.is_empty() => {
            all.iter().map(|uri| uri.as_str().map(str::to_owned).ok_or(bad)).collect()
        }
        Some(_) => Err(bad),
    }
}

/// The grant as it will be written, and the answer for when it is.
fn first(
    cx: &Context,
    client: &Client,
    statement: &Statement,
    user: &User,
    asked: Asked,
) -> Result<(Grant, TokenResponse), Error> {
    let resources: Vec<&str> = asked.resources.iter().map(String::as_str).collect();
    let allowed = Allowed {
        id: GrantId(cx.new_id()),
        user: &user.id,
        tenant: &user.tenant,
        session: None,
        scope: asked.scope,
        resources: asked.resources.clone(),
        auth_time: proven_at(cx, statement),
        nonce: None,
        lasting: false,
        // Another issuer's `acr` means nothing here.
        details: Details::default(),
    };
    let first = begin(cx, client, row(cx, client, allowed), &resources)?;
    Ok((first.grant, first.issued.into_response()))
}

/// When the person signed in, by the issuer's word: at the latest when it gave that word. One that says neither could be of
/// any age.
pub(super) fn proven_at(cx: &Context, statement: &Statement) -> Timestamp {
    let said = |name: &str| statement.claims.get(name).and_then(Value::as_i64);
    let at = said("auth_time").or_else(|| said("iat")).unwrap_or(0);
    Timestamp(at.max(0)).min(cx.now)
}

/// RFC 7523 §3 (7): each is good once, on whichever node; one without a `jti` is named by all of its text.
pub(super) async fn spend(cx: &Context, statement: &Statement, text: &str) -> Result<(), Error> {
    let name = statement.text("jti").unwrap_or(text);
    let key = digest_of(&[b"assertion", statement.issuer.issuer.as_bytes(), name.as_bytes()]);
    let made = statement.claims.get("iat").and_then(Value::as_i64).map(Timestamp);
    if !cx.revoked.is_since(made, statement.expires_at) {
        return Err(USED.into());
    }
    if cx.store.spend(&key, statement.expires_at, cx.now).await? { Ok(()) } else { Err(USED.into()) }
}
