//! Signing out: of this browser, from the account page.

use super::respond::{failed, page, plain_error};
use super::view::{ErrorKind, SignedOut};
use crate::cookie::Cookie;
use crate::extract::PageForm;
use crate::pages::flow::current_session;
use axum::response::Response;
use http::StatusCode;
use http::header::SET_COOKIE;
use valetkey_core::audit::Actor;
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
    let session = match current_session(&call).await {
        Ok(session) => session,
        Err(fault) => return failed(&call, &fault),
    };
    if let Some(session) = session
        && let Err(ManageError::Failed(fault)) =
            manage::session::end(&call.cx, Actor::User(session.user), session.id).await
    {
        return failed(&call, &fault);
    }
    let mut response = page(&call, StatusCode::OK, &SignedOut { back: None, keys_remain: true });
    if let Some(cookie) = Cookie::Session.clear(call.https()) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}
