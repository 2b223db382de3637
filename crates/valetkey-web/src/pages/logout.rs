//! OIDC RP-Initiated Logout §2 — the end of a session, as an application asks for it

use super::flow::current_session;
use super::respond::{failed, page, person, plain_error, refused};
use super::sign_out;
use super::view::{App, ErrorKind, Field, Href, Link, SignOut, SignedOut};
use crate::cookie::Cookie;
use crate::extract::{Call, PageForm};
use crate::oauth::respond::see_other;
use axum::response::Response;
use http::StatusCode;
use valetkey_core::endpoint::logout::{CARRIED, KNOWN, LogoutRequest, carried, carry, read};
use valetkey_core::error::{Error, Fault};
use valetkey_core::login::form_proof;
use valetkey_core::params::Params;
use valetkey_core::settings::path::LOGOUT;
use valetkey_core::store::Session;

/// Where the question is answered; the template names it too.
pub(crate) const CONFIRM: &str = "/oauth/logout/confirm";

pub(crate) async fn get(call: Call) -> Response {
    let params = match Params::parse(call.query()) {
        Ok(params) => params,
        Err(denial) => return refused(&call, ErrorKind::BadRequest, denial),
    };
    let Some(sealed) = params.one(CARRIED) else { return answered(&call, &params).await };
    let query = carried(&call.cx, sealed);
    match query.as_ref().map_err(|denial| *denial).and_then(|query| Params::parse(query.as_bytes())) {
        Ok(params) => answered(&call, &params).await,
        Err(denial) => refused(&call, ErrorKind::BadRequest, denial),
    }
}

/// §2: by POST too. A form of another site carries no cookie of ours, so it comes back as a GET, which does.
pub(crate) async fn post(form: PageForm) -> Response {
    let PageForm { call, body } = form;
    let params = match Params::parse(&body) {
        Ok(params) => params,
        Err(denial) => return refused(&call, ErrorKind::BadRequest, denial),
    };
    if call.cookie(Cookie::Session).is_some() {
        return answered(&call, &params).await;
    }
    match carry(&call.cx, &params) {
        Ok(sealed) => see_other(&call.cx.settings.url(&format!("{LOGOUT}?{CARRIED}={sealed}"))),
        Err(fault) => failed(&call, &fault),
    }
}

async fn answered(call: &Call, params: &Params<'_>) -> Response {
    match answer(call, params).await {
        Ok(response) => response,
        Err(Error::Denied(denial)) => refused(call, ErrorKind::BadRequest, denial),
        Err(Error::Failed(fault)) => failed(call, &fault),
    }
}

async fn answer(call: &Call, params: &Params<'_>) -> Result<Response, Error> {
    let request = read(&call.cx, params).await?;
    match current_session(call).await? {
        Some(session) if request.needs_confirmation(&session) => {
            Ok(ask(call, params, &request, &session).await?)
        }
        _ => Ok(end(call, &request).await?),
    }
}

async fn ask(
    call: &Call,
    params: &Params<'_>,
    request: &LogoutRequest,
    session: &Session,
) -> Result<Response, Fault> {
    let Some(user) = call.cx.store.user(&session.user).await? else { return end(call, request).await };
    let cookie = call.cookie(Cookie::Session).unwrap_or_default();
    let mut fields = vec![Field::new("csrf", &form_proof::make(&call.cx, cookie)?)];
    fields.extend(KNOWN.iter().filter_map(|name| Some(Field::new(name, params.one(name)?))));
    let view = SignOut {
        fields,
        person: person(&user),
        app: request.client.as_ref().map(|client| App::new(&client.name, Some(&client.website))),
        stay: Href::local("/account").unwrap_or_else(Href::root),
    };
    Ok(page(call, StatusCode::OK, &view))
}

/// The person said yes.
pub(crate) async fn confirm(form: PageForm) -> Response {
    let PageForm { call, body } = form;
    let Ok(params) = Params::parse(&body) else { return plain_error(&call, ErrorKind::BadRequest) };
    let cookie = call.cookie(Cookie::Session).unwrap_or_default();
    if call.is_cross_site() || !form_proof::holds(&call.cx, params.one("csrf"), cookie) {
        return plain_error(&call, ErrorKind::Forgery);
    }
    let ended = match read(&call.cx, &params).await {
        Ok(request) => end(&call, &request).await.map_err(Error::Failed),
        Err(error) => Err(error),
    };
    match ended {
        Ok(response) => response,
        Err(Error::Denied(denial)) => refused(&call, ErrorKind::BadRequest, denial),
        Err(Error::Failed(fault)) => failed(&call, &fault),
    }
}

/// Ends the session of this browser, whoever was meant by the hint: the cookie decides. Where applications have pages to be
/// loaded, the browser goes on from ours once they had the time.
async fn end(call: &Call, request: &LogoutRequest) -> Result<Response, Fault> {
    let frames = sign_out::end(call).await?;
    let Some(location) = &request.redirect else {
        return Ok(sign_out::over(call, &SignedOut { frames, ..SignedOut::plain(true) }));
    };
    let name = request.client.as_ref().map_or("the app", |client| client.name.as_str());
    let next = Href::registered(location).filter(|_| !frames.is_empty()).map(|href| Link::new(href, name));
    if next.is_some() {
        return Ok(sign_out::over(call, &SignedOut { frames, next, ..SignedOut::plain(true) }));
    }
    let mut response = see_other(location);
    sign_out::forget(call, &mut response);
    Ok(response)
}
