//! Signing out: of this browser, from the account page.

use super::respond::{failed, page, plain_error};
use super::view::{ErrorKind, Href, SignedOut};
use crate::cookie::Cookie;
use crate::extract::{Call, PageForm};
use crate::pages::flow::current_session;
use axum::response::Response;
use http::StatusCode;
use http::header::SET_COOKIE;
use valetkey_core::audit::Actor;
use valetkey_core::endpoint::logout::front_channel;
use valetkey_core::error::Fault;
use valetkey_core::login::form_proof;
use valetkey_core::manage::{self, ManageError};
use valetkey_core::params::Params;
use valetkey_core::store::Session;

pub(crate) async fn post(form: PageForm) -> Response {
    let PageForm { call, body } = form;
    let Ok(params) = Params::parse(&body) else { return plain_error(&call, ErrorKind::BadRequest) };
    let cookie = call.cookie(Cookie::Session).unwrap_or_default();
    if call.is_cross_site() || !form_proof::holds(&call.cx, params.one("csrf"), cookie) {
        return plain_error(&call, ErrorKind::Forgery);
    }
    match end(&call).await {
        Ok(frames) => over(&call, &SignedOut { frames, ..SignedOut::plain(true) }),
        Err(fault) => failed(&call, &fault),
    }
}

/// Ends the session of this browser, if there is one. What is to be loaded so that it ends at applications too.
pub(crate) async fn end(call: &Call) -> Result<Vec<Href>, Fault> {
    let Some(session) = current_session(call).await? else { return Ok(Vec::new()) };
    let frames = frames(call, &session).await?;
    match manage::session::end(&call.cx, Actor::User(session.user), session.id).await {
        Err(ManageError::Failed(fault)) => Err(fault),
        _ => Ok(frames),
    }
}

/// OIDC Front-Channel Logout §2: asked before the session ends, since its end may take the answer along.
pub(crate) async fn frames(call: &Call, session: &Session) -> Result<Vec<Href>, Fault> {
    let addresses = front_channel(&call.cx, session).await?;
    Ok(addresses.iter().filter_map(|address| Href::web(address)).collect())
}

/// The page that says so, with nothing of the session left in the browser.
pub(crate) fn over(call: &Call, view: &SignedOut) -> Response {
    let mut response = page(call, StatusCode::OK, view);
    forget(call, &mut response);
    response
}

/// Takes the cookies of a session away.
pub(crate) fn forget(call: &Call, response: &mut Response) {
    for cookie in [Cookie::Session, Cookie::State] {
        if let Some(line) = cookie.clear(call.https()) {
            response.headers_mut().append(SET_COOKIE, line);
        }
    }
}
