//! RFC 6749 §4.1.3 — the `authorization_code` grant; PKCE per RFC 7636 §4.6, replay per RFC 9700 §4.5
//!
//! Reads, decides, signs, commits: in that order, so a failed signature never spends a code. The replay is found by the
//! very write that redeems, and so only after client and proof hold.

use crate::audit::{Actor, Event};
use crate::client::Client;
use crate::context::Context;
use crate::error::{Code, Denial, Error};
use crate::params::Params;
use crate::proof::pkce;
use crate::scope::Scope;
use crate::store::{Grant, Redemption};
use crate::token::TokenResponse;
use crate::token::code::{self, Code as AuthorizationCode};
use crate::token::granted::{self, Allowed};
use crate::token::revocation::{grant_mark, grant_mark_until};

const UNKNOWN: Denial =
    Code::InvalidGrant.because("the code is unknown, damaged, expired or was issued to another client");

pub(super) async fn exchange(
    cx: &Context,
    client: &Client,
    params: &Params<'_>,
) -> Result<TokenResponse, Error> {
    let text = params
        .one("code")
        .ok_or(Code::InvalidRequest.because("code is missing: send the one from the redirect"))?;
    let opened = code::open(cx, text).ok_or(UNKNOWN)?;
    let code: AuthorizationCode<'_> = opened.record().ok_or(UNKNOWN)?;
    decide(cx, client, &code, params)?;
    if code.expires_at <= cx.now {
        return Err(late(cx, client, &code).await?.into());
    }
    let row = row(cx, client, &code)?;
    let authorized = row.resources.clone();
    let resources = chosen_resources(&authorized, params.all("resource").collect())?;
    let first = granted::begin_for(cx, client, row, &resources, params)?;
    let (grant, response) = first.into_response(cx, client).await?;
    commit(cx, client, grant).await?;
    Ok(response)
}

/// The grant that a code becomes, without a token yet.
pub(super) fn row(cx: &Context, client: &Client, code: &AuthorizationCode<'_>) -> Result<Grant, Denial> {
    let allowed = Allowed {
        id: code.id,
        user: &code.user.into(),
        tenant: &code.tenant.into(),
        session: Some(code.session),
        scope: Scope::parse(code.scope).map_err(|_| UNKNOWN)?,
        resources: code.resources.iter().map(|&uri| uri.to_owned()).collect(),
        auth_time: code.auth_time,
        nonce: code.nonce.map(str::to_owned),
        lasting: code.lasting,
        details: code.details.clone(),
    };
    Ok(granted::row(cx, client, allowed))
}

/// Whether this client may redeem this code, its time aside.
pub(super) fn decide(
    cx: &Context,
    client: &Client,
    code: &AuthorizationCode<'_>,
    params: &Params<'_>,
) -> Result<(), Denial> {
    if code.client != client.id.as_str() {
        return Err(UNKNOWN);
    }
    // RFC 6749 §4.1.3: identical, port and all; left out, PKCE ties the code to its request (draft-ietf-oauth-v2-1 §4.1.3),
    // or the client's secret alone does (opt-in `no_pkce`, ADR 0012).
    if params.one("redirect_uri").is_some_and(|uri| uri != code.redirect_uri) {
        return Err(Code::InvalidGrant.because("redirect_uri is not the one of the authorization request"));
    }
    // RFC 9449 §10.
    if code.key.is_some() && code.key != cx.caller.key {
        return Err(Code::InvalidGrant.because(
            "the code is bound to a key: send a DPoP proof made with the key that the request named",
        ));
    }
    pkce::verify(client, code.challenge, params.one("code_verifier"))
}

/// RFC 9700 §4.5: a code that comes after its time may have been redeemed in it. Then it comes back, and what it gave is
/// taken back as for any other replay.
async fn late(cx: &Context, client: &Client, code: &AuthorizationCode<'_>) -> Result<Denial, Error> {
    // A hybrid's row stands before its code was ever used.
    if cx.store.grant(code.id).await?.is_none_or(|grant| grant.is_unredeemed()) {
        return Ok(UNKNOWN);
    }
    let mark = grant_mark(cx, code.id);
    let replay = cx.record(Event::CodeReplayed, Actor::Client(client.id.clone()));
    let replay = replay.client(&client.id).user(&code.user.into(), &code.tenant.into()).object(code.id);
    if cx.store.revoke_grant(code.id, Some(&client.id), &mark, &replay).await? {
        cx.revoked.insert(&mark);
        cx.follow_changes().await?;
    }
    Ok(UNKNOWN)
}

/// RFC 8707 §2.2: a token request may narrow the resources that were authorized, never widen them.
pub(super) fn chosen_resources<'a>(
    authorized: &'a [String],
    asked: Vec<&'a str>,
) -> Result<Vec<&'a str>, Denial> {
    if asked.is_empty() {
        return Ok(authorized.iter().map(String::as_str).collect());
    }
    if !authorized.is_empty() && !asked.iter().all(|uri| authorized.iter().any(|own| own == uri)) {
        return Err(Code::InvalidTarget.because("this resource was not part of the authorization"));
    }
    Ok(asked)
}

async fn commit(cx: &Context, client: &Client, grant: Grant) -> Result<(), Error> {
    let (id, access_until) = (grant.id, grant.access_until);
    let (user, tenant) = (grant.user.clone(), grant.tenant.clone());
    let replay = || {
        let record = cx.record(Event::CodeReplayed, Actor::Client(client.id.clone()));
        (grant_mark_until(id, access_until), record.client(&client.id).user(&user, &tenant).object(id))
    };
    let verified_email = cx.settings.accounts.require_verified_email;
    match cx.store.redeem_code(grant, verified_email, &replay).await? {
        Redemption::Redeemed => Ok(()),
        Redemption::Replayed => {
            cx.follow_changes().await?;
            Err(Code::InvalidGrant.because("the code was used before; what it gave was taken back").into())
        }
        Redemption::Refused => Err(Code::InvalidGrant
            .because("the account, the application or the consent behind this code no longer holds")
            .into()),
    }
}
