//! RFC 7009 — token revocation: a token of a grant takes the whole grant, an application's own token just itself

use crate::audit::{Actor, Event};
use crate::client::Client;
use crate::context::Context;
use crate::error::{Code, Error};
use crate::ids::GrantId;
use crate::params::Params;
use crate::token::access;
use crate::token::refresh::RefreshToken;
use crate::token::revocation::{grant_mark, token_mark};

/// Every parameter that means something here.
pub const KNOWN: [&str; 4] = ["token", "token_type_hint", "client_id", "client_secret"];

/// Revokes. `client` is authenticated (public ones by their id). An unknown, expired or foreign token is no error
/// (RFC 7009 §2.2), and `token_type_hint` is only a hint.
pub async fn revoke(cx: &Context, client: &Client, params: &Params<'_>) -> Result<(), Error> {
    params.refuse_repeats(&KNOWN)?;
    let text = params
        .one("token")
        .ok_or(Code::InvalidRequest.because("token is missing: send it in the form body"))?;
    if let Some(token) = RefreshToken::open(cx, text) {
        return revoke_grant(cx, client, token.grant).await;
    }
    let Some(verified) = access::verify(cx, text, cx.now) else { return Ok(()) };
    let Some(token) = verified.token().filter(|token| token.client == client.id.as_str()) else {
        return Ok(());
    };
    if let Some(grant) = token.grant {
        return revoke_grant(cx, client, grant).await;
    }
    let mark = token_mark(&token);
    let record =
        cx.record(Event::TokenRevoked, Actor::Client(client.id.clone())).client(&client.id).object(token.id);
    cx.store.revoke(&mark, &record).await?;
    cx.revoked.insert(&mark);
    Ok(())
}

async fn revoke_grant(cx: &Context, client: &Client, grant: GrantId) -> Result<(), Error> {
    let mark = grant_mark(cx, grant);
    let record =
        cx.record(Event::GrantRevoked, Actor::Client(client.id.clone())).client(&client.id).object(grant);
    if cx.store.revoke_grant(grant, Some(&client.id), &mark, &record).await? {
        cx.revoked.insert(&mark);
        cx.follow_changes().await?;
    }
    Ok(())
}
