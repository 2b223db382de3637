//! RFC 6749 §4.1.3 — the `authorization_code` grant; PKCE per RFC 7636 §4.6, replay per RFC 9700 §4.5
//!
//! Reads, decides, signs, commits: in that order, so a failed signature never spends a code. The replay is found by the
//! very write that redeems, and so only after client and proof hold.

use crate::audit::{Actor, Event};
use crate::client::Client;
use crate::context::Context;
use crate::error::{Code, Denial, Error};
use crate::grant::GrantType;
use crate::params::Params;
use crate::proof::pkce;
use crate::scope::Scope;
use crate::store::{Grant, Redemption};
use crate::token::code::{self, Code as AuthorizationCode};
use crate::token::refresh::RefreshToken;
use crate::token::revocation::{grant_mark, grant_mark_until};
use crate::token::{Issue, TokenResponse, id_token, issue};

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
    decide(client, &code, params)?;
    if code.expires_at <= cx.now {
        return Err(late(cx, client, &code).await?.into());
    }
    let mut grant = grant(cx, client, &code)?;
    let asked: Vec<&str> = params.all("resource").collect();
    let resources = chosen_resources(&grant, asked)?;
    let issued =
        issue(cx, &Issue { client, grant: Some(&grant), scope: &grant.scope, resources: &resources })?;
    grant.access_until = issued.expires_at;
    if grant.generation == 0 {
        // Nothing to refresh: the row only has to outlive its access token.
        (grant.idle_until, grant.expires_at) = (issued.expires_at, issued.expires_at);
    }
    let id_token = id_token(cx, &grant, &grant.scope, &issued.access_token)?;
    let refresh_token = (grant.generation > 0)
        .then(|| RefreshToken { grant: grant.id, generation: grant.generation }.seal(cx, grant.rotated_at))
        .transpose()?;
    commit(cx, client, &grant).await?;
    let mut response = issued.into_response();
    (response.id_token, response.refresh_token) = (id_token, refresh_token);
    Ok(response)
}

fn decide(client: &Client, code: &AuthorizationCode<'_>, params: &Params<'_>) -> Result<(), Denial> {
    if code.client != client.id.as_str() {
        return Err(UNKNOWN);
    }
    // RFC 6749 §4.1.3: identical, port and all; left out, PKCE alone ties the code to its request
    // (draft-ietf-oauth-v2-1 §4.1.3).
    if params.one("redirect_uri").is_some_and(|uri| uri != code.redirect_uri) {
        return Err(Code::InvalidGrant.because("redirect_uri is not the one of the authorization request"));
    }
    pkce::verify(code.challenge, params.one("code_verifier"))
}

/// RFC 9700 §4.5: a code that comes after its time may have been redeemed in it. Then it comes back, and what it gave is
/// taken back as for any other replay.
async fn late(cx: &Context, client: &Client, code: &AuthorizationCode<'_>) -> Result<Denial, Error> {
    let mark = grant_mark(cx, code.id);
    let replay = cx.record(Event::CodeReplayed, Actor::Client(client.id.clone()));
    let replay = replay.client(&client.id).user(&code.user.into(), &code.tenant.into()).object(code.id);
    if cx.store.revoke_grant(code.id, Some(&client.id), &mark, &replay).await? {
        cx.revoked.insert(&mark);
        cx.follow_changes().await?;
    }
    Ok(UNKNOWN)
}

fn grant(cx: &Context, client: &Client, code: &AuthorizationCode<'_>) -> Result<Grant, Denial> {
    let scope = Scope::parse(code.scope).map_err(|_| UNKNOWN)?;
    let lifetimes = &cx.settings.lifetimes;
    let refreshes = client.allows(GrantType::RefreshToken) && code.lasting;
    Ok(Grant {
        id: code.id,
        client: client.id.clone(),
        user: code.user.into(),
        tenant: code.tenant.into(),
        session: Some(code.session),
        scope,
        resources: code.resources.iter().map(|&uri| uri.to_owned()).collect(),
        auth_time: code.auth_time,
        nonce: code.nonce.map(str::to_owned),
        generation: i64::from(refreshes),
        rotated_at: cx.now,
        created_at: cx.now,
        last_used_at: cx.now,
        idle_until: cx.now + lifetimes.refresh_idle,
        expires_at: cx.now + lifetimes.refresh_absolute,
        access_until: cx.now,
        revoked_at: None,
    })
}

/// RFC 8707 §2.2: a token request may narrow the resources that were authorized, never widen them.
pub(super) fn chosen_resources<'a>(grant: &'a Grant, asked: Vec<&'a str>) -> Result<Vec<&'a str>, Denial> {
    if asked.is_empty() {
        return Ok(grant.resources.iter().map(String::as_str).collect());
    }
    if !grant.resources.is_empty() && !asked.iter().all(|uri| grant.resources.iter().any(|own| own == uri)) {
        return Err(Code::InvalidTarget.because("this resource was not part of the authorization"));
    }
    Ok(asked)
}

async fn commit(cx: &Context, client: &Client, grant: &Grant) -> Result<(), Error> {
    let mark = grant_mark_until(grant.id, grant.access_until);
    let replay = cx.record(Event::CodeReplayed, Actor::Client(client.id.clone()));
    let replay = replay.client(&client.id).user(&grant.user, &grant.tenant).object(grant.id);
    match cx.store.redeem_code(grant, &mark, &replay).await? {
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
