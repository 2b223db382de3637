//! `/account/methods`: the password and the providers by which a person signs in; link and unlink.

use super::super::respond::{failed, page, plain_error};
use super::super::upstream::leave;
use super::super::view::{AccountMethods, ConfirmError, ErrorKind, Linked, MethodsNotice, Offer, When};
use super::{confirmed, csrf, form, visitor};
use crate::cookie::Cookie;
use crate::extract::{Call, PageForm};
use crate::oauth::respond::see_other;
use axum::response::Response;
use http::StatusCode;
use http::header::SET_COOKIE;
use valetkey_core::directory::User;
use valetkey_core::error::Fault;
use valetkey_core::login::upstream::Purpose;
use valetkey_core::manage::{self, ManageError};
use valetkey_core::params::Params;
use valetkey_core::store::{Session, Unlinking};
use valetkey_core::time::Seconds;

pub(crate) const PATH: &str = "/account/methods";
/// How long a sign-in counts as fresh where there is no password to ask for.
const FRESH: Seconds = Seconds::minutes(10);

pub(crate) async fn get(call: Call) -> Response {
    match visitor(&call).await {
        Ok((_, user)) => draw(&call, StatusCode::OK, &user, None).await,
        Err(response) => response,
    }
}

async fn draw(call: &Call, status: StatusCode, user: &User, confirm: Option<ConfirmError>) -> Response {
    let mut response = match view(call, user, confirm).await {
        Ok(view) => page(call, status, &view),
        Err(fault) => return failed(call, &fault),
    };
    // The way to a provider and back is bound to the browser.
    if call.cookie(Cookie::Browser).is_none()
        && let Some(cookie) = Cookie::Browser.set(call.cx.new_secret().expose(), None, call.https())
    {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

async fn view(call: &Call, user: &User, confirm: Option<ConfirmError>) -> Result<AccountMethods, Fault> {
    let catalog = call.cx.catalog();
    let own = call.cx.store.linked_identities(&user.id).await?;
    let name = |issuer: &str| {
        let known = catalog.upstreams().iter().find(|up| up.issuer() == issuer && up.tenant == user.tenant);
        known.map_or_else(|| issuer.to_owned(), |up| up.name.clone())
    };
    let has_password = user.password.is_some();
    let removable: Vec<bool> = own
        .iter()
        .map(|one| has_password || !manage::upstream::is_last(&call.cx, &own, &one.issuer, &one.subject))
        .collect();
    let params = Params::parse(call.query()).ok();
    let done = params.as_ref().and_then(|params| params.one("done"));
    let linked = own.into_iter().zip(removable).map(|(own, removable)| Linked {
        provider: name(&own.issuer),
        label: own.label,
        since: When::new(own.linked_at, call.cx.now),
        removable,
        issuer: own.issuer,
        subject: own.subject,
    });
    let offers = catalog.upstreams_of(&user.tenant);
    Ok(AccountMethods {
        csrf: csrf(call)?,
        username: user.username.clone(),
        has_password: user.password.is_some(),
        linked: linked.collect(),
        offers: offers.map(|up| Offer { id: up.id.clone(), name: up.name.clone() }).collect(),
        notice: MethodsNotice::ALL.into_iter().find(|(name, _)| Some(*name) == done).map(|(_, own)| own),
        confirm,
    })
}

fn to(call: &Call, done: &str) -> Response {
    see_other(&call.cx.settings.url(&format!("{PATH}?done={done}")))
}

/// ASVS 7.5.1: a new way in wants the old one once more.
pub(crate) async fn link(posted: PageForm) -> Response {
    let (session, user, params) = match form(&posted).await {
        Ok(all) => all,
        Err(response) => return response,
    };
    let call = &posted.call;
    let wanted = params.one("upstream").unwrap_or_default();
    let found = call.cx.catalog().upstream(wanted).filter(|own| own.tenant == user.tenant).cloned();
    let Some(upstream) = found else { return plain_error(call, ErrorKind::NotFound) };
    if let Some(refused) = unproven(call, &session, &user, &params).await {
        return refused;
    }
    leave(call, &upstream, Purpose::Link { session: session.id }, false).await
}

/// Whoever changes the ways in proves once more who they are: by the password, or by having signed in just now.
async fn unproven(call: &Call, session: &Session, user: &User, params: &Params<'_>) -> Option<Response> {
    if user.password.is_none() {
        return (!is_fresh(call, session)).then(|| to(call, "again"));
    }
    match confirmed(call, user, params).await {
        Ok(None) => None,
        Ok(Some((status, why))) => Some(draw(call, status, user, Some(why)).await),
        Err(fault) => Some(failed(call, &fault)),
    }
}

fn is_fresh(call: &Call, session: &Session) -> bool {
    call.cx.now - session.created_at <= FRESH
}

pub(crate) async fn unlink(posted: PageForm) -> Response {
    let (session, user, params) = match form(&posted).await {
        Ok(all) => all,
        Err(response) => return response,
    };
    let call = &posted.call;
    if let Some(refused) = unproven(call, &session, &user, &params).await {
        return refused;
    }
    let (issuer, subject) =
        (params.one("issuer").unwrap_or_default(), params.one("subject").unwrap_or_default());
    match manage::upstream::unlink(&call.cx, &session, issuer, subject).await {
        Ok(Unlinking::Done | Unlinking::Unknown) => to(call, "unlinked"),
        Ok(Unlinking::Last) => to(call, "last"),
        Err(ManageError::Failed(fault)) => failed(call, &fault),
        Err(_) => plain_error(call, ErrorKind::BadRequest),
    }
}
