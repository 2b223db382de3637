//! RFC 6749 §6 — the `refresh_token` grant; rotation and reuse per RFC 9700 §4.14.2, or neither (opt-in
//! `reusable_refresh_token`)

use super::authorization_code::chosen_resources;
use super::{code_as_refresh_token, gate};
use crate::audit::{Actor, Event};
use crate::client::Client;
use crate::client::compat::Compat;
use crate::context::Context;
use crate::error::{Code, Denial, Error};
use crate::ids::GrantId;
use crate::params::Params;
use crate::scope::Scope;
use crate::store::{Grant, Limits, RefreshBy, Rotation, RotationRequest};
use crate::time::Timestamp;
use crate::token::authorization_details::narrowed;
use crate::token::refresh::RefreshToken;
use crate::token::revocation::grant_mark_until;
use crate::token::{About, Beside, Issue, TokenResponse, id_token, issue};
use std::sync::Arc;

pub(super) const UNKNOWN: Denial = Code::InvalidGrant
    .because("the refresh token is unknown, expired, revoked or was issued to another client");

const OTHER_KEY: Denial = Code::InvalidGrant
    .because("this refresh token is bound to a key: send a DPoP proof made with the same key as before");

/// Reads, decides, signs, commits: in that order, so a failed signature never spends a token.
pub(super) async fn exchange(
    cx: &Context,
    client: &Client,
    params: &Params<'_>,
) -> Result<TokenResponse, Error> {
    let text = params.one("refresh_token").ok_or(Code::InvalidRequest.because("refresh_token is missing"))?;
    let Some(token) = RefreshToken::open(cx, text) else {
        return code_as_refresh_token::exchange(cx, client, text, params).await;
    };
    // RFC 9449 §5.
    if token.key.is_some_and(|key| !cx.caller.shown().has(&key)) {
        return Err(OTHER_KEY.into());
    }
    let grant = found(cx, client, token.grant).await?;
    // FAPI 2.0 §5.3.2.1: bound to its client as it is, it need not change.
    let keeps = client.has(Compat::ReusableRefreshToken) || client.is_fapi2();
    let by = if keeps { RefreshBy::Kept(token.generation) } else { RefreshBy::Rotating(token.generation) };
    let (mut response, since) = refresh(cx, client, &grant, by, params).await?;
    let generation = if since.kept { token.generation } else { token.generation + 1 };
    let next = RefreshToken { generation, ..token };
    response.refresh_token = Some(next.seal(cx, since.at)?);
    Ok(response)
}

/// The grant, from memory where it was refreshed lately. What memory would refuse is read anew.
async fn found(cx: &Context, client: &Client, id: GrantId) -> Result<Arc<Grant>, Error> {
    let lives = |grant: &Arc<Grant>| is_live(grant, Limits::in_force(cx, client, grant), client, cx.now);
    if let Some(late) = cx.grants.get(&id).filter(lives) {
        return Ok(late);
    }
    let grant = Arc::new(cx.store.grant(id).await?.ok_or(UNKNOWN)?);
    cx.grants.keep(&grant);
    Ok(grant)
}

/// Since when the refresh token that goes on has been the grant's.
pub(super) struct Since {
    at: Timestamp,
    kept: bool,
}

/// The next tokens of a grant, without the refresh token that goes on.
pub(super) async fn refresh(
    cx: &Context,
    client: &Client,
    grant: &Grant,
    by: RefreshBy,
    params: &Params<'_>,
) -> Result<(TokenResponse, Since), Error> {
    let limits = Limits::in_force(cx, client, grant);
    let scope = decide(grant, limits, client, params.one("scope"), cx.now)?;
    let resources = chosen_resources(&grant.resources, params.all("resource").collect())?;
    let narrowed = narrowed(grant, params)?;
    let issued = issue(cx, &Issue { client, grant: Some(&narrowed), scope: &scope, resources: &resources })?;
    // OIDC Core §12.2: the same person, client and moment of sign-in as at first; a nonce belongs to the first alone.
    let about = About { nonce: None, ..About::grant(client, grant, &scope) };
    let beside = Beside { access_token: Some(&issued.access_token), ..Beside::default() };
    let id_token = id_token(cx, &about, beside).await?;
    let since = commit(cx, client, grant, by, issued.expires_at).await?;
    let mut response = issued.into_response();
    response.id_token = id_token;
    Ok((response, since))
}

fn decide(
    grant: &Grant,
    limits: Limits,
    client: &Client,
    asked: Option<&str>,
    now: Timestamp,
) -> Result<Scope, Denial> {
    if !is_live(grant, limits, client, now) {
        return Err(UNKNOWN);
    }
    // RFC 6749 §6: it may shrink for this access token; the grant keeps what it has.
    let Some(asked) = asked else { return Ok(grant.scope.clone()) };
    let asked = Scope::parse(asked)
        .map_err(|_| Code::InvalidScope.because("scope is a list of names, separated by single spaces"))?;
    if !grant.scope.covers(&asked) {
        return Err(Code::InvalidScope.because("ask for no more than the user allowed"));
    }
    Ok(asked)
}

/// Whether the grant is this client's and has a refresh token that still counts.
fn is_live(grant: &Grant, limits: Limits, client: &Client, now: Timestamp) -> bool {
    let in_time = |idle: Timestamp, end: Timestamp| idle > now && end > now;
    grant.client == client.id
        && grant.generation > 0
        && grant.revoked_at.is_none()
        && in_time(grant.idle_until, grant.expires_at)
        && in_time(limits.idle_until, limits.expires_at)
}

/// Moves the grant on; returns since when its refresh token has been what it is then.
async fn commit(
    cx: &Context,
    client: &Client,
    grant: &Grant,
    by: RefreshBy,
    access_until: Timestamp,
) -> Result<Since, Error> {
    let request = RotationRequest {
        grant: grant.id,
        client: &client.id,
        by,
        now: cx.now,
        retry_window: cx.lifetimes().retry_window,
        limits: Limits::used_now(cx, client, grant),
        access_until,
        verified_email: cx.settings.accounts.require_verified_email,
    };
    let reuse = || {
        let record = cx.record(Event::RefreshTokenReused, Actor::Client(client.id.clone()));
        let record = record.client(&client.id).user(&grant.user, &grant.tenant).object(grant.id);
        (grant_mark_until(grant.id, access_until), record)
    };
    match cx.store.rotate_refresh_token(&request, &reuse).await? {
        Rotation::Rotated => Ok(Since { at: cx.now, kept: false }),
        Rotation::Kept { rotated_at } => Ok(Since { at: rotated_at, kept: true }),
        Rotation::Retried { rotated_at } => Ok(Since { at: rotated_at, kept: false }),
        Rotation::Reused => {
            cx.follow_changes().await?;
            Err(Code::InvalidGrant
                .because("the refresh token was used before; the whole grant was taken back")
                .into())
        }
        Rotation::Unknown => Err(why_not(cx, client, grant.id, by).await),
    }
}

/// Why the gate kept a token back that is the grant's own: said to nobody else.
async fn why_not(cx: &Context, client: &Client, id: GrantId, by: RefreshBy) -> Error {
    let own = |grant: &Grant| match by {
        RefreshBy::Rotating(generation) | RefreshBy::Kept(generation) => grant.generation == generation,
        RefreshBy::Code => true,
    };
    let grant = match cx.store.grant(id).await {
        Ok(Some(grant)) => grant,
        Ok(None) => return UNKNOWN.into(),
        Err(fault) => return fault.into(),
    };
    if !own(&grant) || !is_live(&grant, Limits::in_force(cx, client, &grant), client, cx.now) {
        return UNKNOWN.into();
    }
    match gate::standing(cx, &grant).await {
        Ok(_) => UNKNOWN.into(),
        Err(why) => why,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Id;

    fn limits() -> Limits {
        Limits { idle_until: Timestamp(100), expires_at: Timestamp(200) }
    }

    fn grant() -> Grant {
        Grant {
            details: crate::token::details::Details::default(),
            id: GrantId(Id::new(1, [1; 10])),
            client: "app".into(),
            user: "usr_a".into(),
            tenant: "default".into(),
            session: None,
            scope: Scope::parse("read write").expect("scope"),
            resources: Vec::new(),
            auth_time: Timestamp(0),
            nonce: None,
            generation: 1,
            rotated_at: Timestamp(0),
            created_at: Timestamp(0),
            last_used_at: Timestamp(0),
            idle_until: Timestamp(100),
            expires_at: Timestamp(200),
            access_until: Timestamp(0),
            revoked_at: None,
        }
    }

    #[test]
    fn rfc6749_section_6_scope_may_shrink_but_not_grow() {
        let client = crate::client::tests::client("app");
        for (asked, want) in [
            (None, Ok("read write")),
            (Some("read"), Ok("read")),
            (Some("read admin"), Err(Code::InvalidScope)),
            (Some("a\"b"), Err(Code::InvalidScope)),
        ] {
            let got = decide(&grant(), limits(), &client, asked, Timestamp(1))
                .map(|s| s.to_string())
                .map_err(|d| d.code);
            assert_eq!(got, want.map(str::to_owned), "asked {asked:?}");
        }
    }

    #[test]
    fn rfc6749_section_5_2_a_refresh_token_of_another_client_or_past_its_time_is_refused() {
        let client = crate::client::tests::client("app");
        let other = crate::client::tests::client("other");
        let revoked = Grant { revoked_at: Some(Timestamp(1)), ..grant() };
        let without = Grant { generation: 0, ..grant() };
        for (grant, client, now, ok) in [
            (grant(), &client, 99, true),
            (grant(), &client, 100, false),
            (Grant { idle_until: Timestamp(300), ..grant() }, &client, 200, false),
            (grant(), &other, 1, false),
            (revoked, &client, 1, false),
            (without, &client, 1, false),
        ] {
            assert_eq!(decide(&grant, limits(), client, None, Timestamp(now)).is_ok(), ok, "{now} {grant:?}");
        }
    }
}
