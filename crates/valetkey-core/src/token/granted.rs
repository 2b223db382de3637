//! RFC 6749 §1.3 — what a person allowed, as the grant that it becomes, with its first tokens

use super::authorization_details;
use super::details::Details;
use super::refresh::RefreshToken;
use super::{About, Beside, Issue, Issued, TokenResponse, holder, id_token, issue};
use crate::client::Client;
use crate::client::compat::Compat;
use crate::context::Context;
use crate::error::Error;
use crate::grant::GrantType;
use crate::ids::{GrantId, SessionId, TenantId, UserId};
use crate::params::Params;
use crate::proof::certificate;
use crate::proof::dpop::Thumbprint;
use crate::proof::holder::Holder;
use crate::scope::Scope;
use crate::store::{Grant, Limits};
use crate::time::Timestamp;

/// What a person allowed a client.
#[derive(Debug)]
pub struct Allowed<'a> {
    pub id: GrantId,
    pub user: &'a UserId,
    pub tenant: &'a TenantId,
    pub session: Option<SessionId>,
    pub scope: Scope,
    pub resources: Vec<String>,
    pub auth_time: Timestamp,
    pub nonce: Option<String>,
    /// Whether a refresh token may come of it, as far as the person and the flow are concerned.
    pub lasting: bool,
    pub details: Details,
}

/// A grant at its beginning: to be written before its tokens are handed out.
#[derive(Debug)]
pub struct First {
    pub grant: Grant,
    pub issued: Issued,
}

impl First {
    /// The row to write, and the answer for when it is written, with ID token and refresh token where they belong.
    pub async fn into_response(self, cx: &Context, client: &Client) -> Result<(Grant, TokenResponse), Error> {
        let Self { grant, issued } = self;
        let beside = Beside { access_token: Some(&issued.access_token), ..Beside::default() };
        let id_token = id_token(cx, &About::grant(client, &grant, &grant.scope), beside).await?;
        let refresh_token = (grant.generation > 0)
            .then(|| {
                // RFC 9449 §5: a confidential client's is bound to the client already.
                let key = bound_to(cx, client);
                RefreshToken { grant: grant.id, generation: grant.generation, key }.seal(cx, grant.rotated_at)
            })
            .transpose()?;
        let mut response = issued.into_response();
        (response.id_token, response.refresh_token) = (id_token, refresh_token);
        Ok((grant, response))
    }
}

/// What a refresh token of this request is bound to: of a public client, the same as its access token (RFC 9449 §5, RFC 8705
/// §4).
fn bound_to(cx: &Context, client: &Client) -> Option<Thumbprint> {
    if !client.is_public() {
        return None;
    }
    match holder(cx, client).ok()?? {
        Holder::Key(key) => Some(key),
        Holder::Certificate(own) => Some(certificate::as_key(&own)),
    }
}

/// Signs the first access token of a grant; `resources`: those asked for in this very request.
pub fn begin(cx: &Context, client: &Client, row: Grant, resources: &[&str]) -> Result<First, Error> {
    let issued = issue(cx, &Issue { client, grant: Some(&row), scope: &row.scope, resources })?;
    Ok(First::of(row, issued))
}

/// The same by a token request, which may want less of the agreed details (RFC 9396 §6).
pub fn begin_for(
    cx: &Context,
    client: &Client,
    row: Grant,
    resources: &[&str],
    params: &Params<'_>,
) -> Result<First, Error> {
    let grant = authorization_details::narrowed(&row, params)?;
    let issued = issue(cx, &Issue { client, grant: Some(&grant), scope: &row.scope, resources })?;
    Ok(First::of(row, issued))
}

impl First {
    fn of(mut grant: Grant, issued: Issued) -> Self {
        grant.access_until = issued.expires_at;
        if grant.generation < 1 {
            // Nothing to refresh: the row only has to outlive its access token.
            (grant.idle_until, grant.expires_at) = (issued.expires_at, issued.expires_at);
        }
        Self { grant, issued }
    }
}

/// The grant without a token yet.
pub fn row(cx: &Context, client: &Client, allowed: Allowed<'_>) -> Grant {
    let refreshes = client.allows(GrantType::RefreshToken) && allowed.lasting;
    let opted = client.has(Compat::ReusableRefreshToken);
    let limits = if opted { Limits::NONE } else { Limits::of(cx, cx.now, cx.now) };
    Grant {
        id: allowed.id,
        client: client.id.clone(),
        user: allowed.user.clone(),
        tenant: allowed.tenant.clone(),
        session: allowed.session,
        scope: allowed.scope,
        resources: allowed.resources,
        auth_time: allowed.auth_time,
        nonce: allowed.nonce,
        generation: i64::from(refreshes),
        rotated_at: cx.now,
        created_at: cx.now,
        last_used_at: cx.now,
        idle_until: limits.idle_until,
        expires_at: limits.expires_at,
        access_until: cx.now,
        revoked_at: None,
        details: allowed.details,
    }
}

impl Limits {
    const NONE: Self = Self { idle_until: Timestamp::NEVER, expires_at: Timestamp::NEVER };

    /// Those of a grant by the server's lifetimes.
    fn of(cx: &Context, created_at: Timestamp, last_used_at: Timestamp) -> Self {
        let lifetimes = cx.lifetimes();
        let expires_at = created_at + lifetimes.refresh_absolute;
        Self { idle_until: (last_used_at + lifetimes.refresh_idle).min(expires_at), expires_at }
    }

    /// What holds for a grant now. With the opt-in `reusable_refresh_token` there are none; and a client that loses the
    /// opt-in has the server's again at once.
    pub fn in_force(cx: &Context, client: &Client, grant: &Grant) -> Self {
        if client.has(Compat::ReusableRefreshToken) {
            return Self::NONE;
        }
        if grant.expires_at == Timestamp::NEVER {
            return Self::of(cx, grant.created_at, grant.last_used_at);
        }
        Self { idle_until: grant.idle_until, expires_at: grant.expires_at }
    }

    /// What holds from now on for a grant that is used now.
    pub fn used_now(cx: &Context, client: &Client, grant: &Grant) -> Self {
        let own = Self::in_force(cx, client, grant);
        if own == Self::NONE {
            return own;
        }
        Self { idle_until: (cx.now + cx.lifetimes().refresh_idle).min(own.expires_at), ..own }
    }
}
