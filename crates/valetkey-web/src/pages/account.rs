//! `/account`: who I am, which apps hold a key, where I am signed in; the pages below it stand beside it.

pub(crate) mod apps;
pub(crate) mod data;
pub(crate) mod details;
pub(crate) mod log;
pub(crate) mod methods;
pub(crate) mod password;
pub(crate) mod profile;
pub(crate) mod requests;

use super::flow::current_session;
use super::login::tenant_view;
use super::respond::{drawn, failed, person, plain_error};
use super::view::words::device;
use super::view::{Account, ConfirmError, ErrorKind, Notice, SessionRow, When};
use crate::cookie::Cookie;
use crate::extract::{Call, PageForm};
use crate::oauth::respond::see_other;
use axum::response::Response;
use http::StatusCode;
use valetkey_core::audit::Actor;
use valetkey_core::directory::User;
use valetkey_core::error::Fault;
use valetkey_core::ids::ClientId;
use valetkey_core::login::confirm::{Confirmed, confirm};
use valetkey_core::login::form_proof;
use valetkey_core::manage::{self, ManageError};
use valetkey_core::params::Params;
use valetkey_core::secret::Secret;
use valetkey_core::store::Session;

pub(crate) const PATH: &str = "/account";
/// What the form names instead of one session: all but this one.
const OTHERS: &str = "others";
/// Where a sign-in on the way comes back to.
const PAGES: [&str; 7] = [
    "/account/apps",
    "/account/details",
    "/account/profile",
    "/account/password",
    "/account/methods",
    "/account/log",
    "/account/delete",
];
const REQUESTS: &str = "/account/requests/";
/// How many apps stand on the first page.
const FIRST: usize = 10;

/// Who is signed in. A page that needs somebody sends everybody else to the login page.
pub(crate) async fn visitor(call: &Call) -> Result<(Session, User), Response> {
    match signed_in(call).await {
        Ok(Some(both)) => Ok(both),
        Ok(None) => Err(see_other(&call.cx.settings.url(&to_login(call)))),
        Err(fault) => Err(failed(call, &fault)),
    }
}

/// The way to the login page and back to this one, at the tenant that the link names, if it names one.
fn to_login(call: &Call) -> String {
    let leads_back = |path: &&str| PAGES.contains(path) || path.starts_with(REQUESTS);
    let page = Some(call.uri.path()).filter(leads_back);
    let params = Params::parse(call.query()).ok();
    let tenant = params.as_ref().and_then(|params| params.one("tenant_id"));
    let fields = [("next", page), ("tenant_id", tenant)];
    let fields = fields.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    if query.is_empty() { super::login::PATH.to_owned() } else { format!("{}?{query}", super::login::PATH) }
}

async fn signed_in(call: &Call) -> Result<Option<(Session, User)>, Fault> {
    let Some(session) = current_session(call).await? else { return Ok(None) };
    let user = call.cx.store.user(&session.user).await?;
    Ok(user.map(|user| (session, user)))
}

/// The proof that a form of this page was drawn for this very session.
fn csrf(call: &Call) -> Result<String, Fault> {
    form_proof::make(&call.cx, call.cookie(Cookie::Session).unwrap_or_default())
}

pub(crate) async fn get(call: Call) -> Response {
    let (session, user) = match visitor(&call).await {
        Ok(both) => both,
        Err(response) => return response,
    };
    drawn(&call, StatusCode::OK, view(&call, &session, &user).await)
}

async fn view(call: &Call, current: &Session, user: &User) -> Result<Account, Fault> {
    let cx = &call.cx;
    let mut apps = apps::all(call, user).await?;
    let apps_total = apps.len();
    apps.truncate(FIRST);
    let address = cx.caller.address.map(|ip| ip.to_string());
    let row = |session: Session| SessionRow {
        id: session.id.to_string(),
        current: session.id == current.id,
        near: address.as_ref() == Some(&session.address),
        device: device(Some(&session.user_agent)),
        since: When::new(session.created_at, cx.now),
        last_seen: When::new(session.last_seen_at, cx.now),
        address: session.address,
    };
    Ok(Account {
        csrf: csrf(call)?,
        person: person(user),
        tenant: tenant_view(call, &user.tenant).map(|tenant| tenant.name),
        email_verified: user.email_verified,
        held_up: user.lacks_verified_email(&cx.settings.accounts),
        has_password: user.password.is_some(),
        apps,
        apps_total,
        requests: requests::all(call, &user.id).await?,
        sessions: cx.store.sessions(&user.id, cx.now).await?.into_iter().map(row).collect(),
        notice: notice(call),
        further: Vec::new(),
    })
}

/// What the redirect after a form says was done. The app's name is looked up, never taken from the address.
fn notice(call: &Call) -> Option<Notice> {
    match call.uri.query() {
        Some("done=key") => Some(Notice::KeyTaken { app: "the app".to_owned() }),
        Some("done=session") => Some(Notice::SessionEnded),
        Some("done=others") => Some(Notice::OthersEnded),
        Some("done=profile") => Some(Notice::ProfileChanged),
        Some("done=password") => Some(Notice::PasswordChanged),
        _ => None,
    }
}

/// A form of one of these pages: signed in, drawn for this very session, each field at most once.
async fn form(form: &PageForm) -> Result<(Session, User, Params<'_>), Response> {
    let call = &form.call;
    let params = Params::parse(&form.body).map_err(|_| plain_error(call, ErrorKind::BadRequest))?;
    let (session, user) = visitor(call).await?;
    let cookie = call.cookie(Cookie::Session).unwrap_or_default();
    let known = [
        "csrf",
        "issuer",
        "subject",
        "upstream",
        "client",
        "session",
        "name",
        "email",
        "password",
        "new_password",
        "apps",
    ];
    let known: Vec<&str> = known.into_iter().chain(details::fields()).collect();
    let forged = call.is_cross_site() || params.refuse_repeats(&known).is_err();
    if forged || !form_proof::holds(&call.cx, params.one("csrf"), cookie) {
        return Err(plain_error(call, ErrorKind::Forgery));
    }
    Ok((session, user, params))
}

/// Whether the password of the form is the person's; else what to say, and with which status.
async fn confirmed(
    call: &Call,
    user: &User,
    params: &Params<'_>,
) -> Result<Option<(StatusCode, ConfirmError)>, Fault> {
    let Some(typed) = params.one("password") else {
        return Ok(Some((StatusCode::BAD_REQUEST, ConfirmError::Missing)));
    };
    let known = call.cookie(Cookie::KnownDevice);
    Ok(match confirm(&call.cx, user, &Secret::new(typed), known).await? {
        Confirmed::Yes => None,
        Confirmed::No => Some((StatusCode::UNAUTHORIZED, ConfirmError::Wrong)),
        Confirmed::Throttled(wait) => {
            let wait = super::view::words::span(wait);
            Some((StatusCode::TOO_MANY_REQUESTS, ConfirmError::Throttled { wait }))
        }
        Confirmed::Busy => Some((StatusCode::SERVICE_UNAVAILABLE, ConfirmError::Busy)),
    })
}

/// `POST /account/apps/revoke`: takes an app's key back.
pub(crate) async fn revoke_app(posted: PageForm) -> Response {
    let (session, _, params) = match form(&posted).await {
        Ok(all) => all,
        Err(response) => return response,
    };
    let client = ClientId::from(params.one("client").unwrap_or_default());
    let actor = Actor::User(session.user.clone());
    let done = manage::consent::withdraw(&posted.call.cx, actor, &session.user, &client).await;
    finish(&posted.call, done, "/account?done=key")
}

/// `POST /account/sessions/end`: signs out one other place, or all of them.
pub(crate) async fn end_session(posted: PageForm) -> Response {
    let (session, _, params) = match form(&posted).await {
        Ok(all) => all,
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
        Err(_) => see_other(&call.cx.settings.url(PATH)),
    }
}
