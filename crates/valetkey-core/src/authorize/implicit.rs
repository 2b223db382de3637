//! RFC 6749 §4.2 — the implicit grant (opt-in `implicit`): the access token in the fragment; never a refresh token

use super::{AuthorizationResponse, SWITCHED_OFF, response};
use crate::client::Client;
use crate::client::compat::Compat;
use crate::context::Context;
use crate::error::{Code, Error};
use crate::grant::GrantType;
use crate::ids::GrantId;
use crate::interaction::Interaction;
use crate::scope::Scope;
use crate::store::{Beginning, Session};
use crate::token::granted::{Allowed, begin, row};

/// The token is there to be used at once, so the gate of a code's redemption is asked here: account, application, session
/// and consent as they are now.
pub(super) async fn finish(
    cx: &Context,
    client: &Client,
    interaction: &Interaction,
    session: &Session,
    scope: &Scope,
) -> Result<AuthorizationResponse, Error> {
    // The person may have taken an hour over the pages.
    if !client.allows(GrantType::Implicit) || !client.has(Compat::Implicit) {
        return Err(Code::UnauthorizedClient.because("this client lacks the opt-in implicit").into());
    }
    let request = &interaction.request;
    let allowed = Allowed {
        details: interaction.request.details.clone(),
        id: GrantId(cx.new_id()),
        user: &session.user,
        tenant: &session.tenant,
        session: Some(session.id),
        scope: scope.clone(),
        resources: request.resources.clone(),
        auth_time: session.auth_time,
        nonce: None,
        lasting: false,
    };
    let resources: Vec<&str> = request.resources.iter().map(String::as_str).collect();
    let first = begin(cx, client, row(cx, client, allowed), &resources)?;
    match cx.store.begin_grant(&first.grant, None).await? {
        Beginning::Begun => {}
        Beginning::Known | Beginning::Refused => return Err(SWITCHED_OFF.into()),
    }
    // RFC 6749 §4.2.2.
    let token = first.issued.into_response();
    let params = vec![
        ("access_token", token.access_token),
        ("token_type", token.token_type.to_owned()),
        ("expires_in", token.expires_in.to_string()),
        ("scope", token.scope),
    ];
    Ok(response::granted(cx, request, params))
}
