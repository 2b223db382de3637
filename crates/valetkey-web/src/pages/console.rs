//! `/console`: the interactive documentation. The shell is the same for everybody, so that whatever lands on it can be
//! taken out of the address bar; what it shows of applications and APIs is for those who are signed in.

mod answer;

use super::flow::current_session;
use super::respond::{failed, page, person, plain_error};
use super::view::{Console, ErrorKind};
use crate::cookie::Cookie;
use crate::extract::{Call, PageForm};
use crate::oauth::error as wire;
use crate::oauth::respond::{json, see_other};
use axum::response::Response;
use http::StatusCode;
use valetkey_core::directory::User;
use valetkey_core::endpoint::discovery::path;
use valetkey_core::endpoint::introspect::{Asker, introspect};
use valetkey_core::error::Fault;
use valetkey_core::ids::ClientId;
use valetkey_core::login::form_proof;
use valetkey_core::manage::{self, ManageError};
use valetkey_core::params::Params;
use valetkey_core::store::Session;

/// `GET /console`, whatever its query: the answers in it are for the script alone, and nothing of them is drawn.
pub(crate) async fn get(call: Call) -> Response {
    // With the database away too: an error page would leave a token standing in the address bar. What cannot be known
    // is asked for again by the script, and fails there.
    let user = signed_in(&call).await.unwrap_or_default();
    let url = |path| call.cx.settings.url(path);
    let view = Console {
        issuer: call.cx.settings.issuer().to_owned(),
        person: user.as_ref().map(person),
        portal: call.cx.settings.portal.open,
        authorize: url(path::AUTHORIZE),
        token: url(path::TOKEN),
        redirect_uri: url(path::CONSOLE),
    };
    page(&call, StatusCode::OK, &view)
}

/// `GET /docs`: the interactive documentation is the console.
pub(crate) async fn docs(call: Call) -> Response {
    see_other(&call.cx.settings.url(path::CONSOLE))
}

async fn signed_in(call: &Call) -> Result<Option<User>, Fault> {
    match current_session(call).await? {
        Some(session) => call.cx.store.user(&session.user).await,
        None => Ok(None),
    }
}

/// `GET /console/data`: what the page offers this browser's person.
pub(crate) async fn data(call: Call) -> Response {
    let answer = match current_session(&call).await {
        Ok(session) => answer::of(&call, session.as_ref()).await,
        Err(fault) => Err(fault),
    };
    match answer {
        Ok(answer) => json(answer),
        Err(fault) => wire::respond(&fault.into(), false),
    }
}

/// A form that the page's script posts: signed in, and with the proof that this session's data were read.
async fn form(posted: &PageForm) -> Result<(Session, Params<'_>), Response> {
    let call = &posted.call;
    let params = Params::parse(&posted.body).map_err(|_| plain_error(call, ErrorKind::BadRequest))?;
    let session = current_session(call).await.map_err(|fault| failed(call, &fault))?;
    let session = session.ok_or_else(|| see_other(&call.cx.settings.url(super::login::PATH)))?;
    let cookie = call.cookie(Cookie::Session).unwrap_or_default();
    if call.is_cross_site() || !form_proof::holds(&call.cx, params.one("csrf"), cookie) {
        return Err(plain_error(call, ErrorKind::Forgery));
    }
    Ok((session, params))
}

/// `POST /console/look`: what a sealed token says, to the person for whom it speaks. Any other is as if it did not exist.
pub(crate) async fn look(posted: PageForm) -> Response {
    let (session, params) = match form(&posted).await {
        Ok(both) => both,
        Err(response) => return response,
    };
    match introspect(&posted.call.cx, Asker::Person(&session.user), &params).await {
        Ok(answer) => json(answer),
        Err(refused) => wire::respond(&refused, false),
    }
}

/// `POST /console/allow`: lets this page take the answers for an application of one's own, or no longer.
pub(crate) async fn allow(posted: PageForm) -> Response {
    let (session, params) = match form(&posted).await {
        Ok(both) => both,
        Err(response) => return response,
    };
    let call = &posted.call;
    let client = ClientId::from(params.one("client").unwrap_or_default());
    let on = params.one("allow") == Some("yes");
    match manage::console::allow(&call.cx, &session.user, &client, on).await {
        Ok(()) => json(b"{}".to_vec()),
        Err(ManageError::Failed(fault)) => failed(call, &fault),
        Err(ManageError::Unknown(_)) => plain_error(call, ErrorKind::NotFound),
        Err(_) => plain_error(call, ErrorKind::BadRequest),
    }
}
