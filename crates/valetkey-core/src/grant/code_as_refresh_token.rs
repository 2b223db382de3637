//! Opt-in `code_as_refresh_token`: a code that is presented as a refresh token, as document 001 has it (ADR 0012)
//!
//! The first time redeems it, unless it was redeemed by its own grant before; from then on it stands for the grant it made,
//! and neither rotates nor is spent. Presented as a code a second time it is a replay as ever.

use super::authorization_code::{decide, row};
use super::refresh_token::{UNKNOWN, refresh};
use crate::client::Client;
use crate::client::compat::Compat;
use crate::context::Context;
use crate::error::Error;
use crate::params::Params;
use crate::store::{Beginning, Grant, RefreshBy};
use crate::token::TokenResponse;
use crate::token::code::{self, Code};

pub(super) async fn exchange(
    cx: &Context,
    client: &Client,
    text: &str,
    params: &Params<'_>,
) -> Result<TokenResponse, Error> {
    // Only behind a secret: the code itself was in an address.
    if !client.has(Compat::CodeAsRefreshToken) || client.is_public() {
        return Err(UNKNOWN.into());
    }
    let opened = code::open(cx, text).ok_or(UNKNOWN)?;
    let code: Code<'_> = opened.record().ok_or(UNKNOWN)?;
    // RFC 9449 §10: bound to a key, it stays bound.
    if code.client != client.id.as_str() || (code.key.is_some() && code.key != cx.caller.key) {
        return Err(UNKNOWN.into());
    }
    let grant = match cx.store.grant(code.id).await?.filter(|grant| !grant.is_unredeemed()) {
        Some(grant) => grant,
        None => redeem(cx, client, &code, params).await?,
    };
    let (mut response, _) = refresh(cx, client, &grant, RefreshBy::Code, params).await?;
    response.refresh_token = Some(text.to_owned());
    Ok(response)
}

/// Two that come at once make one grant.
async fn redeem(cx: &Context, client: &Client, code: &Code<'_>, params: &Params<'_>) -> Result<Grant, Error> {
    decide(cx, client, code, params)?;
    if code.expires_at <= cx.now {
        return Err(UNKNOWN.into());
    }
    let grant = row(cx, client, code)?;
    match cx.store.begin_grant(&cx.gated(&grant), None).await? {
        Beginning::Begun => Ok(grant),
        Beginning::Known => Ok(cx.store.grant(code.id).await?.ok_or(UNKNOWN)?),
        Beginning::Refused => Err(UNKNOWN.into()),
    }
}
