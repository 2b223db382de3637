//! `/account`: who I am, which apps hold a key, where I am signed in.

use super::flow::current_session;
use super::respond::{app, failed, page, person, plain_error};
use super::view::words::device;
use super::view::{Account, AppKey, ErrorKind, Notice, SessionRow, When};
use crate::cookie::Cookie;
use crate::extract::{Call, PageForm};
use crate::oauth::respond::see_other;
use axum::response::Response;
use http::StatusCode;
use std::collections::BTreeMap;
use valetkey_core::audit::Actor;
use valetkey_core::directory::User;
use valetkey_core::error::Fault;
use valetkey_core::ids::ClientId;
use valetkey_core::login::form_proof;
use valetkey_core::manage::{self, ManageError};
use valetkey_core::params::Params;
use valetkey_core::store::{GrantFilter, Page, Session};
use valetkey_core::time::Timestamp;

/// What the form names instead of one session: all but this one.
const OTHERS: &str = "others";
/// The most grants whose last use is looked at.
const GRANTS: u32 = 1000;

pub(crate) async fn get(call: Call) -> Response {
    match signed_in(&call).await {
        Ok(Some((session, user))) => draw(&call, &session, &user).await,
        Ok(None) => see_other(&call.cx.settings.url(super::login::PATH)),
        Err(fault) => failed(&call, &fault),
    }
}

async fn signed_in(call: &Call) -> Result<Option<(Session, User)>, Fault> {
    let Some(session) = current_session(call).await? else { return Ok(None) };
    let user = call.cx.store.user(&session.user).await?;
    Ok(user.map(|user| (session, user)))
}

async fn draw(call: &Call, session: &Session, user: &User) -> Response {
    match view(call, session, user).await {
        Ok(view) => page(call, StatusCode::OK, &view),
        Err(fault) => failed(call, &fault),
    }
}

async fn view(call: &Call, current: &Session, user: &User) -> Result<Account, Fault> {
    let cx = &call.cx;
    let cookie = call.cookie(Cookie::Session).unwrap_or_default();
    let sessions = cx.store.sessions(&user.id, cx.now).await?;
    Ok(Account {
        csrf: form_proof::make(cx, cookie)?,
        person: person(user),
        apps: apps(call, user).await?,
        sessions: sessions
            .into_iter()
            .map(|session| SessionRow {
                id: session.id.to_string(),
                current: session.id == current.id,
                device: device(Some(&session.user_agent)),
                since: When::new(session.created_at, cx.now),
                last_seen: When::new(session.last_seen_at, cx.now),
                address: session.address,
            })
            .collect(),
        notice: notice(call),
    })
}

async fn apps(call: &Call, user: &User) -> Result<Vec<AppKey>, Fault> {
    let cx = &call.cx;
    let filter = GrantFilter { user: Some(user.id.clone()), ..GrantFilter::default() };
    let mut last_used: BTreeMap<ClientId, Timestamp> = BTreeMap::new();
    for grant in cx.store.grants(&filter, &Page::first(GRANTS), cx.now).await? {
        let last = last_used.entry(grant.client).or_insert(grant.last_used_at);
        *last = grant.last_used_at.max(*last);
    }
    let catalog = cx.catalog();
    let words =
        |name: &str| catalog.scope(name).map_or_else(|| name.to_owned(), |scope| scope.description.clone());
    let mut apps = Vec::new();
    for consent in cx.store.consents(&user.id).await? {
        let Some(client) = cx.client(consent.client.as_str()).await? else { continue };
        apps.push(AppKey {
            client: client.id.to_string(),
            app: app(&client),
            can: consent.scope.iter().map(words).collect(),
            since: When::new(consent.granted_at, cx.now),
            last_used: last_used.get(&client.id).map(|at| When::new(*at, cx.now)),
        });
    }
    Ok(apps)
}

/// What the redirect after a form says was done. The app's name is looked up, never taken from the address.
fn notice(call: &Call) -> Option<Notice> {
    match call.uri.query() {
        Some("done=key") => Some(Notice::KeyTaken { app: "the app".to_owned() }),
        Some("done=session") => Some(Notice::SessionEnded),
        Some("done=others") => Some(Notice::OthersEnded),
        _ => None,
    }
}

/// A form of this page: signed in, and drawn for this very session.
async fn form(form: &PageForm) -> Result<(Session, Params<'_>), Response> {
    let call = &form.call;
    let params = Params::parse(&form.body).map_err(|_| plain_error(call, ErrorKind::BadRequest))?;
    let session = current_session(call).await.map_err(|fault| failed(call, &fault))?;
    let session = session.ok_or_else(|| see_other(&call.cx.settings.url(super::login::PATH)))?;
    let cookie = call.cookie(Cookie::Session).unwrap_or_default();
    if call.is_cross_site() || !form_proof::holds(&call.cx, params.one("csrf"), cookie) {
        return Err(plain_error(call, ErrorKind::Forgery));
    }
    Ok((session, params))
}

/// `POST /account/apps/revoke`: takes an app's key back.
pub(crate) async fn revoke_app(posted: PageForm) -> Response {
    let (session, params) = match form(&posted).await {
        Ok(both) => both,
        Err(response) => return response,
    };
    let client = ClientId::from(params.one("client").unwrap_or_default());
    let actor = Actor::User(session.user.clone());
    let done = manage::consent::withdraw(&posted.call.cx, actor, &session.user, &client).await;
    finish(&posted.call, done, "/account?done=key")
}

/// `POST /account/sessions/end`: signs out one other place, or all of them.
pub(crate) async fn end_session(posted: PageForm) -> Response {
    let (session, params) = match form(&posted).await {
        Ok(both) => both,
        Err(response) => return response,
    };
    let cx = &posted.call.cx;
    let actor = Actor::User(session.user.clone());
    let wanted = params.one("session").unwrap_or_default();
    if wanted == OTHERS {
        let ended = manage::session::end_all(cx, actor, &session.user, Some(session.id)).await;
        return finish(&posted.call, ended.map(drop), "/account?done=others");
    }
    let own = match cx.store.sessions(&session.user, cx.now).await {
        Ok(own) => own,
        Err(fault) => return failed(&posted.call, &fault),
    };
    let done = match own.iter().find(|one| one.id.to_string() == wanted) {
        Some(found) => manage::session::end(cx, actor, found.id).await,
        None => Err(ManageError::Unknown("session")),
    };
    finish(&posted.call, done, "/account?done=session")
}

/// What is gone already is as good as done: the page shows what is left.
fn finish(call: &Call, done: Result<(), ManageError>, next: &str) -> Response {
    match done {
        Err(ManageError::Failed(fault)) => failed(call, &fault),
        Ok(()) => see_other(&call.cx.settings.url(next)),
        Err(_) => see_other(&call.cx.settings.url("/account")),
    }
}
