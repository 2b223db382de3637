//! What comes of a user name and a password: a session, a password to change, or the same page with what went wrong.

use super::{Asking, draw, draw_plain, home};
use crate::cookie::Cookie;
use crate::extract::Call;
use crate::oauth::respond::see_other;
use crate::pages::flow::{both, current_session};
use crate::pages::respond::failed;
use crate::pages::view::LoginError;
use crate::pages::view::words::span;
use crate::pages::{consent, new_password};
use axum::response::Response;
use http::StatusCode;
use http::header::{HeaderValue, RETRY_AFTER, SET_COOKIE};
use valetkey_core::authorize::{self, Progress};
use valetkey_core::error::Fault;
use valetkey_core::ids::TenantId;
use valetkey_core::interaction::{Interaction, LoginReason, Step};
use valetkey_core::login::{LoginOutcome, PasswordLogin, SignedIn, browser_state, password_login};
use valetkey_core::params::Params;
use valetkey_core::secret::Secret;
use valetkey_core::store::Session;

/// What a password typed is for: a directory, and the interaction that asks, if one does.
pub(super) struct Place<'a> {
    pub(super) tenant: TenantId,
    pub(super) interaction: Option<(Interaction, &'a str)>,
}

pub(super) async fn attempt(call: &Call, params: &Params<'_>, place: Place<'_>) -> Response {
    let (username, password) = (params.one("username"), params.one("password"));
    let (Some(typed), Some(secret)) = (username, password) else {
        let error = LoginError::Missing { username: username.is_none(), password: password.is_none() };
        return again(call, StatusCode::BAD_REQUEST, username, place, error).await;
    };
    let (status, error, wait) = match sign_in(call, &place.tenant, typed, secret).await {
        Ok(LoginOutcome::SignedIn(signed_in)) => return go_on(call, &signed_in, place.interaction),
        Ok(LoginOutcome::MustChange(user)) => {
            return new_password::show(call, &user, place.interaction).await;
        }
        Ok(LoginOutcome::Refused) => (StatusCode::UNAUTHORIZED, LoginError::WrongCredentials, None),
        Ok(LoginOutcome::Throttled(wait)) => {
            (StatusCode::TOO_MANY_REQUESTS, LoginError::Throttled { wait: span(wait) }, Some(wait.0))
        }
        Ok(LoginOutcome::Busy) => (StatusCode::SERVICE_UNAVAILABLE, LoginError::Busy, Some(2)),
        Err(fault) => return failed(call, &fault),
    };
    let mut response = again(call, status, username, place, error).await;
    if let Some(seconds) = wait {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

async fn sign_in(
    call: &Call,
    tenant: &TenantId,
    username: &str,
    password: &str,
) -> Result<LoginOutcome, Fault> {
    let replaces = current_session(call).await?.map(|session| session.id);
    let login = PasswordLogin {
        username,
        password: &Secret::new(password),
        tenant,
        known_device: call.cookie(Cookie::KnownDevice),
        replaces,
        user_agent: call.user_agent(),
    };
    password_login(&call.cx, &login).await
}

/// The same page with what went wrong; what was typed is kept, but for the password.
async fn again(
    call: &Call,
    status: StatusCode,
    username: Option<&str>,
    place: Place<'_>,
    error: LoginError,
) -> Response {
    let username = username.unwrap_or_default().to_owned();
    let Some((interaction, sealed)) = &place.interaction else {
        return draw_plain(call, status, username, Some(error), place.tenant).await;
    };
    let (client, session) = match both(call, interaction).await {
        Ok(both) => both,
        Err(response) => return response,
    };
    let reason = match authorize::resume(&call.cx, &client, interaction, session.as_ref()).await {
        Ok(Progress::Ask(Step::Login(LoginReason::Again))) => LoginReason::Again,
        Ok(_) => LoginReason::SignedOut,
        Err(fault) => return failed(call, &fault),
    };
    let asking = Asking {
        interaction: Some((interaction, sealed, &client)),
        session: session.as_ref(),
        reason,
        username,
        error: Some(error),
        tenant: interaction.request.tenant.clone(),
    };
    draw(call, status, asking).await
}

/// Sets the cookies of a fresh session and goes on.
pub(crate) fn go_on(call: &Call, signed_in: &SignedIn, interaction: Option<(Interaction, &str)>) -> Response {
    go_on_to(call, signed_in, interaction.map(|(own, _)| own), &home(call))
}

/// The same; without an interaction, to a page of ours.
pub(crate) fn go_on_to(
    call: &Call,
    signed_in: &SignedIn,
    interaction: Option<Interaction>,
    home: &str,
) -> Response {
    let mut response = match interaction {
        Some(mut interaction) => {
            interaction.signed_in = Some(signed_in.session.id);
            // The cookie is on its way to the browser, so the next page is where it will be read.
            match interaction.seal(&call.cx) {
                Ok(sealed) => see_other(&call.cx.settings.url(&format!("{}?i={sealed}", consent::PATH))),
                Err(fault) => failed(call, &fault),
            }
        }
        None => see_other(&call.cx.settings.url(home)),
    };
    let begun = (&signed_in.session, &signed_in.cookie);
    set_cookies(call, &mut response, begun, Some(&signed_in.known_device));
    response
}

/// The cookies that a sign-in leaves in the browser.
pub(crate) fn set_cookies(
    call: &Call,
    response: &mut Response,
    (session, cookie): (&Session, &Secret),
    device: Option<&str>,
) {
    let lifetimes = call.cx.lifetimes();
    let https = call.https();
    let state = Cookie::State.set(&browser_state::of(session), Some(lifetimes.session), https);
    let session = Cookie::Session.set(cookie.expose(), Some(lifetimes.session), https);
    let device = device.and_then(|value| Cookie::KnownDevice.set(value, Some(lifetimes.device), https));
    for cookie in [session, state, device].into_iter().flatten() {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
}
