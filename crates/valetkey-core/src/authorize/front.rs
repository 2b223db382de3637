//! OIDC Core §3.2, §3.3, RFC 6749 §4.2 — what comes through the browser (opt-in `implicit`): never a refresh token
//!
//! In a hybrid the grant's row is begun here, unredeemed, under the code's own id: the code takes it over once, and a code
//! that comes twice takes back what both gave.

use super::{AuthorizationResponse, SWITCHED_OFF, response};
use crate::client::Client;
use crate::context::Context;
use crate::error::{Code, Error};
use crate::ids::GrantId;
use crate::interaction::Interaction;
use crate::scope::Scope;
use crate::store::{Beginning, Grant, Session};
use crate::token::granted::{Allowed, begin, row};
use crate::token::{About, Beside, Issued, id_token};

type Answer = Vec<(&'static str, String)>;

pub(super) async fn finish(
    cx: &Context,
    client: &Client,
    interaction: &Interaction,
    session: &Session,
    scope: &Scope,
) -> Result<AuthorizationResponse, Error> {
    let request = &interaction.request;
    let kind = request.response_type;
    // The person may have taken an hour over the pages.
    if !client.may_have(kind) {
        return Err(Code::UnauthorizedClient.because("this client lacks the opt-in implicit").into());
    }
    let id = GrantId(cx.new_id());
    let grant = row(cx, client, allowed(id, interaction, session, scope));
    let mut answer = Answer::new();
    if kind.has_code() {
        let (agreed, coming) = (request.details.agreed(), super::Coming::of(cx, client, id));
        answer.push(("code", super::code(cx, request, session, (scope, agreed), coming)?));
    }
    let code = answer.first().map(|(_, code)| code.clone());
    let issued = if kind.has_token() { Some(hand_out(cx, client, interaction, &grant).await?) } else { None };
    if kind.has_id_token() {
        let beside = Beside {
            access_token: issued.as_ref().map(|issued| issued.access_token.as_str()),
            code: code.as_deref(),
            state: request.state.as_deref(),
        };
        let id_token = id_token(cx, &About::grant(client, &grant, scope), beside).await?;
        answer.extend(id_token.map(|text| ("id_token", text)));
        if !kind.has_code() && !kind.has_token() && client.profile.logout.takes_part() {
            remember(cx, &grant).await?;
        }
    }
    answer.extend(issued.into_iter().flat_map(of_token));
    Ok(response::granted(cx, request, session, answer))
}

fn allowed<'a>(id: GrantId, interaction: &Interaction, session: &'a Session, scope: &Scope) -> Allowed<'a> {
    let request = &interaction.request;
    Allowed {
        id,
        user: &session.user,
        tenant: &session.tenant,
        session: Some(session.id),
        scope: scope.clone(),
        resources: request.resources.clone(),
        auth_time: session.auth_time,
        nonce: request.nonce.clone(),
        lasting: false,
        details: request.details.agreed(),
    }
}

/// OIDC Back-Channel Logout §2.7: by a grant that opens nothing, the application is known to have a part in the session.
async fn remember(cx: &Context, grant: &Grant) -> Result<(), Error> {
    let grant = Grant { idle_until: cx.now, expires_at: cx.now, ..grant.clone() };
    match cx.store.begin_grant(&cx.gated(&grant), None).await? {
        Beginning::Begun => Ok(()),
        Beginning::Known | Beginning::Refused => Err(SWITCHED_OFF.into()),
    }
}

/// The token is there to be used at once, so the gate of a code's redemption is asked here: account, application, session
/// and consent as they are now.
async fn hand_out(
    cx: &Context,
    client: &Client,
    interaction: &Interaction,
    grant: &Grant,
) -> Result<Issued, Error> {
    let request = &interaction.request;
    let resources: Vec<&str> = request.resources.iter().map(String::as_str).collect();
    let mut first = begin(cx, client, grant.clone(), &resources)?;
    if request.response_type.has_code() {
        first.grant.generation = Grant::UNREDEEMED;
        let until = first.grant.expires_at.max(super::Coming::of(cx, client, grant.id).until);
        (first.grant.idle_until, first.grant.expires_at) = (until, until);
    }
    match cx.store.begin_grant(&cx.gated(&first.grant), None).await? {
        Beginning::Begun => Ok(first.issued),
        Beginning::Known | Beginning::Refused => Err(SWITCHED_OFF.into()),
    }
}

/// RFC 6749 §4.2.2.
fn of_token(issued: Issued) -> Answer {
    let token = issued.into_response();
    vec![
        ("access_token", token.access_token),
        ("token_type", token.token_type.to_owned()),
        ("expires_in", token.expires_in.to_string()),
        ("scope", token.scope),
    ]
}
