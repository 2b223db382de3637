//! Where a person stands in an interaction, as the next page or redirect.

use super::respond::{failed, plain_error, to_client};
use super::view::ErrorKind;
use super::{browser_mode, consent, login, sign_up, unconfirmed};
use crate::cookie::Cookie;
use crate::extract::Call;
use crate::oauth::respond::see_other;
use axum::response::Response;
use http::header::SET_COOKIE;
use std::borrow::Cow;
use std::sync::Arc;
use valetkey_core::authorize::{self, AuthorizationResponse, Progress};
use valetkey_core::client::{Client, Origin};
use valetkey_core::error::Fault;
use valetkey_core::interaction::{Interaction, LoginReason, Stale, Step};
use valetkey_core::login::{browser_state, session};
use valetkey_core::store::Session;

/// The session of the browser's cookie.
pub(crate) async fn current_session(call: &Call) -> Result<Option<Session>, Fault> {
    match call.cookie(Cookie::Session) {
        Some(cookie) => session(&call.cx, cookie).await,
        None => Ok(None),
    }
}

/// The value of the browser's cookie, made anew where it has none: then `keep_browser` gives it.
pub(crate) fn browser(call: &Call) -> (Cow<'_, str>, bool) {
    match call.cookie(Cookie::Browser) {
        Some(own) => (own.into(), false),
        None => (call.cx.new_secret().expose().to_owned().into(), true),
    }
}

pub(crate) fn keep_browser(call: &Call, response: &mut Response, browser: &str) {
    if let Some(cookie) = Cookie::Browser.set(browser, None, call.https()) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
}

/// Opens the interaction that a page or form names.
pub(crate) fn open(call: &Call, text: &str) -> Result<Interaction, Response> {
    Interaction::open(&call.cx, text, call.cookie(Cookie::Browser)).map_err(|stale| {
        plain_error(
            call,
            match stale {
                Stale::Unknown => ErrorKind::BadRequest,
                Stale::Expired => ErrorKind::Expired,
                Stale::OtherBrowser => ErrorKind::CookieMissing,
            },
        )
    })
}

/// An interaction with its client: gone, if an operator removed or disabled it meanwhile.
pub(crate) async fn client_of(call: &Call, interaction: &Interaction) -> Result<Arc<Client>, Response> {
    match call.cx.client(interaction.request.client.as_str()).await {
        Ok(Some(client)) if !client.disabled => Ok(client),
        Ok(_) => Err(plain_error(call, ErrorKind::UnknownClient)),
        Err(fault) => Err(failed(call, &fault)),
    }
}

/// Sends the person to the page that comes next, or the answer to the application.
pub(crate) async fn resume(call: &Call, interaction: Interaction) -> Response {
    let (client, session) = match both(call, &interaction).await {
        Ok(both) => both,
        Err(response) => return response,
    };
    match authorize::resume(&call.cx, &client, &interaction, session.as_ref()).await {
        Ok(progress) => on(call, &client, session.as_ref(), &interaction, progress).await,
        Err(fault) => failed(call, &fault),
    }
}

/// The same for a request of this client that has just come.
pub(crate) async fn arrive(call: &Call, client: &Client, interaction: &Interaction) -> Response {
    let cookie = call.cookie(Cookie::Session);
    match authorize::arrive(&call.cx, client, interaction, cookie).await {
        Ok((progress, standing)) => {
            let session = standing.as_deref().map(|standing| &standing.session);
            on(call, client, session, interaction, progress).await
        }
        Err(fault) => failed(call, &fault),
    }
}

async fn on(
    call: &Call,
    client: &Client,
    session: Option<&Session>,
    interaction: &Interaction,
    progress: Progress,
) -> Response {
    let signs_up = call.cx.takes_sign_ups(&interaction.request.tenant);
    let path = match progress {
        Progress::Done(answer) => return done(call, client, session, interaction, &answer).await,
        Progress::Ask(Step::Consent { .. }) => consent::PATH,
        Progress::Ask(Step::VerifiedEmail) => unconfirmed::PATH,
        Progress::Ask(Step::Login(LoginReason::Create)) if signs_up => sign_up::PATH,
        Progress::Ask(_) => login::PATH,
    };
    match interaction.seal(&call.cx) {
        Ok(sealed) => see_other(&call.cx.settings.url(&format!("{path}?i={sealed}"))),
        Err(fault) => failed(call, &fault),
    }
}

/// Takes the answer to the application, or the person to the API in this browser.
pub(crate) async fn done(
    call: &Call,
    client: &Client,
    session: Option<&Session>,
    interaction: &Interaction,
    answer: &AuthorizationResponse,
) -> Response {
    if client.origin == Origin::Gateway {
        return browser_mode::arrive(call, session, interaction, answer);
    }
    let mut response = to_client(call, client.id.as_str(), answer).await;
    // The page that the application will ask knows the session by this cookie.
    if let Some(session) = session.filter(|_| answer.has("session_state")) {
        let state = browser_state::of(session);
        if call.cookie(Cookie::State) != Some(&state)
            && let Some(cookie) = Cookie::State.set(&state, Some(call.cx.lifetimes().session), call.https())
        {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
    }
    response
}

/// What a page of an interaction has to look at: its client and who is signed in.
pub(crate) async fn both(
    call: &Call,
    interaction: &Interaction,
) -> Result<(Arc<Client>, Option<Session>), Response> {
    let client = client_of(call, interaction).await?;
    let session = current_session(call).await.map_err(|fault| failed(call, &fault))?;
    Ok((client, session))
}
