//! Mastodon's "verify credentials": whose token is this, and which application's?

use crate::client::Client;
use crate::context::Context;
use crate::directory::User;
use crate::error::{Code, Denial, Error};
use crate::token::access;
use std::sync::Arc;

const INVALID: Denial = Code::InvalidToken.because("The access token is invalid");

/// Whether this server speaks Mastodon's API at all.
pub fn is_on(cx: &Context) -> bool {
    cx.in_force().applied.services.mastodon
}

/// The application of a token, whether it acts for a user or for itself.
pub async fn application(cx: &Context, bearer: &str) -> Result<Arc<Client>, Error> {
    cx.hear().await?;
    let verified = access::verify(cx, bearer, cx.now).ok_or(INVALID)?;
    let token = verified.token().filter(|token| token.is_held_by(&cx.caller.shown())).ok_or(INVALID)?;
    Ok(cx.client(token.client).await?.filter(|client| !client.disabled).ok_or(INVALID)?)
}

/// The user of a token.
pub async fn account(cx: &Context, bearer: &str) -> Result<User, Error> {
    cx.hear().await?;
    let verified = access::verify(cx, bearer, cx.now).ok_or(INVALID)?;
    let token = verified.token().filter(|token| token.is_held_by(&cx.caller.shown())).ok_or(INVALID)?;
    let user =
        token.user.ok_or(Code::InvalidRequest.because("This method requires an authenticated user"))?;
    if !token.scope.split(' ').any(|scope| scope == "read") {
        return Err(Code::InsufficientScope.because("This action is outside the authorized scopes").into());
    }
    let user = cx.store.user(&user.into()).await?.ok_or(INVALID)?;
    user.may_act(&cx.settings.accounts).map_err(|_| INVALID)?;
    Ok(user)
}
