//! RFC 6749 §4.4 — the `client_credentials` grant: a token for the application itself; nothing is stored, no refresh token

use crate::client::Client;
use crate::context::Context;
use crate::error::{Code, Error};
use crate::params::Params;
use crate::scope::STANDARD;
use crate::token::{Issue, TokenResponse, authorization_details, issue};

pub(super) fn exchange(cx: &Context, client: &Client, params: &Params<'_>) -> Result<TokenResponse, Error> {
    if client.is_public() {
        return Err(Code::UnauthorizedClient
            .because("a public client cannot have a token of its own")
            .into());
    }
    let open = |name: &str| client.application_scope.as_ref().is_none_or(|own| own.contains(name));
    let about_users = |name: &str| STANDARD.iter().any(|(own, ..)| *own == name);
    let mut scope = cx.catalog().asked_scope(client, params.one("scope"))?;
    if params.one("scope").is_none() {
        scope = scope.filter(|name| !about_users(name) && open(name));
    } else if !scope.iter().all(open) {
        return Err(Code::InvalidScope
            .because("a token for the application itself may not have all of these: ask for fewer, or for a user's")
            .into());
    } else if scope.iter().any(about_users) {
        return Err(Code::InvalidScope
            .because("openid, profile, email and offline_access are about a user: leave them out")
            .into());
    }
    authorization_details::none_here(params)?;
    let resources: Vec<&str> = params.all("resource").collect();
    let issued = issue(cx, &Issue { client, grant: None, scope: &scope, resources: &resources })?;
    Ok(issued.into_response())
}
