//! `/login/password`: the password was right, and a new one is due before anything else.

use super::flow;
use super::login::{go_on, tenant_view};
use super::respond::{app, failed, page, person, plain_error};
use super::view::{ErrorKind, NewPassword, PasswordError};
use crate::cookie::Cookie;
use crate::extract::{Call, PageForm};
use axum::response::Response;
use http::StatusCode;
use valetkey_core::directory::User;
use valetkey_core::error::Fault;
use valetkey_core::interaction::Interaction;
use valetkey_core::login::{due, sign_in_as};
use valetkey_core::manage::user::{NotChanged, change_password};
use valetkey_core::params::Params;
use valetkey_core::secret::Secret;

/// The page, for a user whose password has just been proven in this browser.
pub(crate) async fn show(call: &Call, user: &User, interaction: Option<(Interaction, &str)>) -> Response {
    let browser = call.cookie(Cookie::Browser).unwrap_or_default();
    match due::seal(&call.cx, user, browser) {
        Ok(proof) => match view(call, user, &proof, interaction.as_ref()).await {
            Ok(view) => page(call, StatusCode::OK, &view),
            Err(fault) => failed(call, &fault),
        },
        Err(fault) => failed(call, &fault),
    }
}

async fn view(
    call: &Call,
    user: &User,
    proof: &str,
    interaction: Option<&(Interaction, &str)>,
) -> Result<NewPassword, Fault> {
    let client = match interaction {
        Some((own, _)) => call.cx.client(own.request.client.as_str()).await?,
        None => None,
    };
    Ok(NewPassword {
        i: interaction.map(|(_, sealed)| (*sealed).to_owned()),
        tenant: tenant_view(call, &user.tenant),
        app: client.map(|client| app(&client)),
        ..NewPassword::new(proof, person(user))
    })
}

pub(crate) async fn post(form: PageForm) -> Response {
    let PageForm { call, body } = form;
    let Ok(params) = Params::parse(&body) else { return plain_error(&call, ErrorKind::BadRequest) };
    let known = ["i", "csrf", "new_password"];
    if call.is_cross_site() || params.refuse_repeats(&known).is_err() {
        return plain_error(&call, ErrorKind::Forgery);
    }
    let interaction = match params.one("i").map(|sealed| (flow::open(&call, sealed), sealed)) {
        Some((Ok(interaction), sealed)) => Some((interaction, sealed)),
        Some((Err(response), _)) => return response,
        None => None,
    };
    let proof = params.one("csrf").unwrap_or_default();
    let user = match due::open(&call.cx, proof, call.cookie(Cookie::Browser)).await {
        Ok(Some(user)) => user,
        Ok(None) => return plain_error(&call, ErrorKind::Expired),
        Err(fault) => return failed(&call, &fault),
    };
    let fits = interaction.as_ref().is_none_or(|(own, _)| own.request.tenant == user.tenant);
    if !fits {
        return plain_error(&call, ErrorKind::Forgery);
    }
    let new = Secret::new(params.one("new_password").unwrap_or_default());
    let error = match change(&call, &user, &new, interaction.clone()).await {
        Ok(response) => return response,
        Err(NotChanged::Conflict) => return plain_error(&call, ErrorKind::Expired),
        Err(NotChanged::Failed(fault)) => return failed(&call, &fault),
        Err(NotChanged::Busy) => PasswordError::Busy,
        Err(NotChanged::Flaw(_)) if new.expose().is_empty() => PasswordError::Missing,
        Err(NotChanged::Flaw(flaw)) => flaw.into(),
    };
    let status =
        if error == PasswordError::Busy { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::BAD_REQUEST };
    match view(&call, &user, proof, interaction.as_ref()).await {
        Ok(view) => page(&call, status, &NewPassword { error: Some(error), ..view }),
        Err(fault) => failed(&call, &fault),
    }
}

/// Changes the password and signs in.
async fn change(
    call: &Call,
    user: &User,
    new: &Secret,
    interaction: Option<(Interaction, &str)>,
) -> Result<Response, NotChanged> {
    let changed = change_password(&call.cx, user, new, false).await?;
    let replaces = flow::current_session(call).await?.map(|session| session.id);
    let begun = sign_in_as(&call.cx, &changed, call.user_agent(), replaces).await?;
    begun.map(|signed_in| go_on(call, &signed_in, interaction)).ok_or(NotChanged::Conflict)
}
