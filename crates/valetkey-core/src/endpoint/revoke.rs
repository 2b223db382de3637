//! RFC 7009 — token revocation: a token of a grant takes the whole grant, an application's own token and an exchanged one
//! just themselves

use crate::audit::{Actor, Event};
use crate::client::Client;
use crate::client::compat::Compat;
use crate::context::Context;
use crate::error::{Code, Error};
use crate::ids::GrantId;
use crate::params::Params;
use crate::token::access::AccessToken;
use crate::token::details::Details;
use crate::token::refresh::RefreshToken;
use crate::token::revocation::{grant_mark, token_mark};
use crate::token::{access, code};

/// Every parameter that means something here.
pub const KNOWN: [&str; 4] = ["token", "token_type_hint", "client_id", "client_secret"];

/// Revokes. `client` is authenticated (public ones by their id). An unknown, expired or foreign token is no error
/// (RFC 7009 §2.2), and `token_type_hint` is only a hint.
pub async fn revoke(cx: &Context, client: &Client, params: &Params<'_>) -> Result<(), Error> {
    params.refuse_repeats(&KNOWN)?;
    let text = params
        .one("token")
        .ok_or(Code::InvalidRequest.because("token is missing: send it in the form body"))?;
    let refresh = RefreshToken::open(cx, text).map(|token| token.grant);
    if let Some(grant) = refresh.or_else(|| code_in_use(cx, client, text)) {
        revoke_grant(cx, client, grant).await?;
        return Ok(());
    }
    let Some(verified) = access::verify(cx, text, cx.now) else { return Ok(()) };
    let Some(token) = verified.token().filter(|token| token.client == client.id.as_str()) else {
        return Ok(());
    };
    // An exchanged token stands on the grant of what it was made of, which is not its client's to end (RFC 8693 §2.1).
    let is_exchanged = !Details::sources(token.details).is_empty();
    if let Some(grant) = token.grant.filter(|_| !is_exchanged)
        && revoke_grant(cx, client, grant).await?
    {
        return Ok(());
    }
    revoke_token(cx, client, &token).await
}

/// Just this one.
async fn revoke_token(cx: &Context, client: &Client, token: &AccessToken<'_>) -> Result<(), Error> {
    let mark = token_mark(token);
    let record =
        cx.record(Event::TokenRevoked, Actor::Client(client.id.clone())).client(&client.id).object(token.id);
    cx.store.revoke(&mark, &record).await?;
    cx.revoked.insert(&mark);
    Ok(())
}

/// The grant of a code that its client uses as a refresh token (opt-in `code_as_refresh_token`).
fn code_in_use(cx: &Context, client: &Client, text: &str) -> Option<GrantId> {
    let opened = code::open(cx, text).filter(|_| client.has(Compat::CodeAsRefreshToken))?;
    let code: code::Code<'_> = opened.record()?;
    (code.client == client.id.as_str()).then_some(code.id)
}

/// False where this client has no such grant that still holds.
async fn revoke_grant(cx: &Context, client: &Client, grant: GrantId) -> Result<bool, Error> {
    let mark = grant_mark(cx, grant);
    let record =
        cx.record(Event::GrantRevoked, Actor::Client(client.id.clone())).client(&client.id).object(grant);
    let is_ended = cx.store.revoke_grant(grant, Some(&client.id), &mark, &record).await?;
    if is_ended {
        cx.revoked.insert(&mark);
        cx.follow_changes().await?;
    }
    Ok(is_ended)
}
