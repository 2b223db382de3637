//! Browser mode: a person whom the gateway met at an API without a session signs in here and goes back, or signs out.

use super::flow::{current_session, resume};
use super::respond::{failed, plain_error};
use super::sign_out;
use super::view::{ErrorKind, Href, Link, SignedOut};
use crate::app::App;
use crate::cookie::Cookie;
use crate::extract::Call;
use crate::oauth::respond::see_other;
use axum::response::Response;
use http::HeaderValue;
use http::header::SET_COOKIE;
use http::request::Parts;
use valetkey_core::authorize::AuthorizationResponse;
use valetkey_core::error::Fault;
use valetkey_core::interaction::Interaction;
use valetkey_core::login::browser_mode;
use valetkey_core::login::cookie::Cookie as Own;
use valetkey_core::store::{Api, Session};
use valetkey_core::time::Seconds;

/// Sends a person who wants `target`, a path below the API's prefix, to sign in; straight back where that is done.
pub async fn sign_in(app: &App, parts: Parts, api: &Api, target: &str) -> Response {
    let call = match Call::new(app, parts) {
        Ok(call) => call,
        Err(response) => return response,
    };
    let session = match current_session(&call).await {
        Ok(session) => session,
        Err(fault) => return failed(&call, &fault),
    };
    let known = call.cookie(Cookie::Browser);
    let browser = known.map_or_else(|| call.cx.new_secret().expose().to_owned(), str::to_owned);
    let fresh = if known.is_none() { Cookie::Browser.set(&browser, None, call.https()) } else { None };
    let interaction = browser_mode::begin(&call.cx, api, target, session.as_ref(), &browser);
    let mut response = resume(&call, interaction).await;
    if let Some(cookie) = fresh {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

/// Back at the API, with the cookie that its session goes by.
pub(crate) fn arrive(
    call: &Call,
    session: Option<&Session>,
    interaction: &Interaction,
    answer: &AuthorizationResponse,
) -> Response {
    let api = browser_mode::destination(&call.cx, interaction);
    // Anything to be said is a refusal: the user directory was switched off.
    let (Some(api), Some(session), true) = (api, session, answer.params.is_empty()) else {
        return plain_error(call, ErrorKind::Forbidden);
    };
    match with_cookie(call, &api, session) {
        Ok(cookie) => {
            let mut response = see_other(&answer.location());
            response.headers_mut().append(SET_COOKIE, cookie);
            response
        }
        Err(fault) => failed(call, &fault),
    }
}

fn with_cookie(call: &Call, api: &Api, session: &Session) -> Result<HeaderValue, Fault> {
    let line = browser_mode::cookie(&call.cx, api, session)?;
    HeaderValue::try_from(line).map_err(|error| Fault::internal("a cookie", error))
}

/// Ends the session of this browser, as asked by a page of the API's own.
pub async fn sign_out(app: &App, parts: Parts, api: &Api) -> Response {
    let call = match Call::new(app, parts) {
        Ok(call) => call,
        Err(response) => return response,
    };
    let frames = match sign_out::end(&call).await {
        Ok(frames) => frames,
        Err(fault) => return failed(&call, &fault),
    };
    let back = Href::local(&format!("{}/", api.prefix))
        .map(|href| Link::new(href, &format!("Back to {}", api.name)));
    let mut response = sign_out::over(&call, &SignedOut { back, frames, ..SignedOut::plain(false) });
    let own = HeaderValue::try_from(Own::of(api).set("", Some(Seconds(0)), call.https())).ok();
    if let Some(cookie) = own {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}
