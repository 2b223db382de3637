//! RFC 6749 §6 — the `refresh_token` grant; rotation and reuse per RFC 9700 §4.14.2

use super::authorization_code::chosen_resources;
use crate::audit::{Actor, Event};
use crate::client::Client;
use crate::context::Context;
use crate::error::{Code, Denial, Error};
use crate::params::Params;
use crate::scope::Scope;
use crate::store::{Grant, Rotation, RotationRequest};
use crate::time::Timestamp;
use crate::token::refresh::RefreshToken;
use crate::token::revocation::grant_mark_until;
use crate::token::{Issue, TokenResponse, id_token, issue};

const UNKNOWN: Denial = Code::InvalidGrant
    .because("the refresh token is unknown, expired, revoked or was issued to another client");

/// Reads, decides, signs, commits: in that order, so a failed signature never spends a token.
pub(super) async fn exchange(
    cx: &Context,
    client: &Client,
    params: &Params<'_>,
) -> Result<TokenResponse, Error> {
    let text = params.one("refresh_token").ok_or(Code::InvalidRequest.because("refresh_token is missing"))?;
    let token = RefreshToken::open(cx, text).ok_or(UNKNOWN)?;
    let grant = cx.store.grant(token.grant).await?.ok_or(UNKNOWN)?;
    let scope = decide(&grant, client, params.one("scope"), cx.now)?;
    let resources = chosen_resources(&grant, params.all("resource").collect())?;
    let issued = issue(cx, &Issue { client, grant: Some(&grant), scope: &scope, resources: &resources })?;
    let id_token = id_token(cx, &grant, &scope, &issued.access_token)?;
    let since = commit(cx, client, &grant, token, issued.expires_at).await?;
    let successor = RefreshToken { grant: grant.id, generation: token.generation + 1 };
    let mut response = issued.into_response();
    response.refresh_token = Some(successor.seal(cx, since)?);
    response.id_token = id_token;
    Ok(response)
}

fn decide(grant: &Grant, client: &Client, asked: Option<&str>, now: Timestamp) -> Result<Scope, Denial> {
    let live = grant.revoked_at.is_none() && grant.expires_at > now && grant.idle_until > now;
    if grant.client != client.id || grant.generation == 0 || !live {
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

/// Rotates; returns when the successor's generation began.
async fn commit(
    cx: &Context,
    client: &Client,
    grant: &Grant,
    token: RefreshToken,
    access_until: Timestamp,
) -> Result<Timestamp, Error> {
    let lifetimes = &cx.settings.lifetimes;
    let request = RotationRequest {
        grant: grant.id,
        client: &client.id,
        generation: token.generation,
        now: cx.now,
        retry_window: lifetimes.retry_window,
        idle_until: (cx.now + lifetimes.refresh_idle).min(grant.expires_at),
        access_until,
    };
    let mark = grant_mark_until(grant.id, access_until);
    let reuse = cx.record(Event::RefreshTokenReused, Actor::Client(client.id.clone()));
    let reuse = reuse.client(&client.id).user(&grant.user, &grant.tenant).object(grant.id);
    match cx.store.rotate_refresh_token(&request, &mark, &reuse).await? {
        Rotation::Rotated => Ok(cx.now),
        Rotation::Retried { rotated_at } => Ok(rotated_at),
        Rotation::Reused => {
            cx.follow_changes().await?;
            Err(Code::InvalidGrant
                .because("the refresh token was used before; the whole grant was taken back")
                .into())
        }
        Rotation::Unknown => Err(UNKNOWN.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{GrantId, Id};

    fn grant() -> Grant {
        Grant {
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
            let got =
                decide(&grant(), &client, asked, Timestamp(1)).map(|s| s.to_string()).map_err(|d| d.code);
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
            assert_eq!(decide(&grant, client, None, Timestamp(now)).is_ok(), ok, "{now} {grant:?}");
        }
    }
}
