//! `/account/export` and `/account/delete`: what is kept of a person, as a file; and the end of it.

use super::super::respond::{app, drawn, failed, plain_error};
use super::super::sign_out;
use super::super::view::{AccountDelete, ConfirmError, ErrorKind, SignedOut};
use super::{confirmed, csrf, form, visitor};
use crate::extract::{Call, PageForm};
use crate::oauth::respond::json;
use axum::response::Response;
use http::header::CONTENT_DISPOSITION;
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json as object};
use valetkey_core::audit::Actor;
use valetkey_core::directory::User;
use valetkey_core::error::Fault;
use valetkey_core::manage::{self, ManageError};
use valetkey_core::store::{AuditFilter, GrantFilter, Page};

/// The most rows of a kind in the file.
const MOST: u32 = 10_000;

/// `GET /account/export`.
pub(crate) async fn export(call: Call) -> Response {
    let user = match visitor(&call).await {
        Ok((_, user)) => user,
        Err(response) => return response,
    };
    match everything(&call, &user).await {
        Ok(data) => {
            let mut response = json(format!("{data:#}\n").into_bytes());
            let name = HeaderValue::from_static("attachment; filename=\"account.json\"");
            response.headers_mut().insert(CONTENT_DISPOSITION, name);
            response
        }
        Err(fault) => failed(&call, &fault),
    }
}

/// All that is kept about a person. The hash of the password and the secrets of sessions are no data but locks.
async fn everything(call: &Call, user: &User) -> Result<Value, Fault> {
    let (cx, all) = (&call.cx, Page::first(MOST));
    let consents = cx.store.consents(&user.id).await?;
    let grants = GrantFilter { user: Some(user.id.clone()), ended: true, ..GrantFilter::default() };
    let grants = cx.store.grants(&grants, &all, cx.now).await?;
    let log = AuditFilter { user: Some(user.id.clone()), ..AuditFilter::default() };
    Ok(object!({
        "issuer": cx.settings.issuer(),
        "exported_at": cx.now,
        "account": user,
        "sessions": cx.store.sessions(&user.id, cx.now).await?,
        "consents": consents,
        "grants": grants,
        "log": cx.store.records(&log, &all).await?,
    }))
}

pub(crate) async fn get(call: Call) -> Response {
    match visitor(&call).await {
        Ok((_, user)) => draw(&call, StatusCode::OK, &user, None).await,
        Err(response) => response,
    }
}

async fn draw(call: &Call, status: StatusCode, user: &User, confirm: Option<ConfirmError>) -> Response {
    drawn(call, status, view(call, user, confirm).await)
}

async fn view(call: &Call, user: &User, confirm: Option<ConfirmError>) -> Result<AccountDelete, Fault> {
    let mut apps = Vec::new();
    for consent in call.cx.store.consents(&user.id).await?.into_iter().take(20) {
        apps.extend(call.cx.registered(consent.client.as_str()).await?.map(|client| app(&client)));
    }
    Ok(AccountDelete {
        csrf: csrf(call)?,
        username: user.username.clone(),
        has_password: user.password.is_some(),
        admin: user.admin,
        apps,
        confirm,
    })
}

/// `POST /account/delete`.
pub(crate) async fn delete(posted: PageForm) -> Response {
    let (session, user, params) = match form(&posted).await {
        Ok(all) => all,
        Err(response) => return response,
    };
    let call = &posted.call;
    if user.admin || user.password.is_none() {
        return plain_error(call, ErrorKind::Forbidden);
    }
    match confirmed(call, &user, &params).await {
        Ok(None) => {}
        Ok(Some((status, why))) => return draw(call, status, &user, Some(why)).await,
        Err(fault) => return failed(call, &fault),
    }
    let frames = match sign_out::frames(call, &session).await {
        Ok(frames) => frames,
        Err(fault) => return failed(call, &fault),
    };
    match manage::user::delete(&call.cx, Actor::User(user.id.clone()), &user.id).await {
        Ok(()) | Err(ManageError::Unknown(_)) => {
            sign_out::over(call, &SignedOut { frames, ..SignedOut::plain(false) })
        }
        Err(ManageError::Failed(fault)) => failed(call, &fault),
        Err(_) => plain_error(call, ErrorKind::Forbidden),
    }
}
