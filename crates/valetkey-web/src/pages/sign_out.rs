//! Signing out: of this browser, from the account page.

use super::respond::{failed, page, plain_error};
use super::view::{ErrorKind, SignedOut};
use crate::cookie::Cookie;
use crate::extract::{Call, PageForm};
use crate::pages::flow::current_session;
use axum::response::Response;
use http::StatusCode;
use http::header::SET_COOKIE;
use valetkey_core::audit::Actor;
use valetkey_core::error::Fault;
use valetkey_core::login::form_proof;
use valetkey_core::manage::{self, ManageError};
use valetkey_core::params::Params;

pub(crate) async fn post(form: PageForm) -> Response {
    let PageForm { call, body } = form;
    let Ok(params) = Params::parse(&body) else { return plain_error(&call, ErrorKind::BadRequest) };
    let cookie = call.cookie(Cookie::Session).unwrap_or_default();
    if call.is_cross_site() || !form_proof::holds(&call.cx, params.one("csrf"), cookie) {
        return plain_error(&call, ErrorKind::Forgery);
    }
    if let Err(fault) = end(&call).await {
        return failed(&call, &fault);
    }
    let mut response = page(&call, StatusCode::OK, &SignedOut { back: None, keys_remain: true });
    if let Some(cookie) = Cookie::Session.clear(call.https()) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

/// Ends the session of this browser, if there is one.
pub(crate) async fn end(call: &Call) -> Result<(), Fault> {
    let Some(session) = current_session(call).await? else { return Ok(()) };
    match manage::session::end(&call.cx, Actor::User(session.user), session.id).await {
        Err(ManageError::Failed(fault)) => Err(fault),
        _ => Ok(()),
    }
}
