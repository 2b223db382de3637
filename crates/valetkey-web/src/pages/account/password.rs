//! `/account/password`: a new password for who knows the old one (ASVS 6.2.3). Every other browser is signed out, and this
//! one gets a session of its own anew.

use super::super::login::set_cookies;
use super::super::respond::{failed, page};
use super::super::view::{AccountPassword, ConfirmError, PasswordError};
use super::{confirmed, csrf, form, visitor};
use crate::extract::{Call, PageForm};
use crate::oauth::respond::see_other;
use axum::response::Response;
use http::StatusCode;
use valetkey_core::directory::User;
use valetkey_core::error::Fault;
use valetkey_core::login::password::SHORTEST;
use valetkey_core::login::sign_in_as;
use valetkey_core::manage::user::{NotChanged, change_password, check_password};
use valetkey_core::secret::Secret;

pub(crate) async fn get(call: Call) -> Response {
    match visitor(&call).await {
        Ok((_, user)) => draw(&call, StatusCode::OK, &user, &Wrong::default()),
        Err(response) => response,
    }
}

/// What is to be said of a form.
#[derive(Default)]
struct Wrong {
    confirm: Option<ConfirmError>,
    error: Option<PasswordError>,
    apps_end: bool,
}

fn draw(call: &Call, status: StatusCode, user: &User, wrong: &Wrong) -> Response {
    match csrf(call) {
        Ok(csrf) => {
            let view = AccountPassword {
                csrf,
                username: user.username.clone(),
                has_password: user.password.is_some(),
                confirm: wrong.confirm.clone(),
                error: wrong.error,
                apps_end: wrong.apps_end,
                password_min: SHORTEST,
            };
            page(call, status, &view)
        }
        Err(fault) => failed(call, &fault),
    }
}

pub(crate) async fn post(posted: PageForm) -> Response {
    let (_, user, params) = match form(&posted).await {
        Ok(all) => all,
        Err(response) => return response,
    };
    let call = &posted.call;
    let new = Secret::new(params.one("new_password").unwrap_or_default());
    let mut wrong = Wrong { apps_end: params.one("apps") == Some("end"), ..Wrong::default() };
    // What is wrong with the new one is said before the old one is tried: that costs no attempt.
    wrong.error = match new.expose() {
        "" => Some(PasswordError::Missing),
        _ => check_password(&call.cx, &new, &user.username, user.email.as_deref()).err().map(Into::into),
    };
    if wrong.error.is_some() || params.one("password").is_none() {
        wrong.confirm = params.one("password").is_none().then_some(ConfirmError::Missing);
        return draw(call, StatusCode::BAD_REQUEST, &user, &wrong);
    }
    match confirmed(call, &user, &params).await {
        Ok(None) => {}
        Ok(Some((status, why))) => {
            wrong.confirm = Some(why);
            return draw(call, status, &user, &wrong);
        }
        Err(fault) => return failed(call, &fault),
    }
    match change(call, &user, &new, wrong.apps_end).await {
        Ok(response) => response,
        Err(NotChanged::Failed(fault)) => failed(call, &fault),
        Err(NotChanged::Conflict) => see_other(&call.cx.settings.url("/account/password")),
        Err(NotChanged::Busy) => {
            wrong.error = Some(PasswordError::Busy);
            draw(call, StatusCode::SERVICE_UNAVAILABLE, &user, &wrong)
        }
        Err(NotChanged::Flaw(flaw)) => {
            wrong.error = Some(flaw.into());
            draw(call, StatusCode::BAD_REQUEST, &user, &wrong)
        }
    }
}

async fn change(call: &Call, user: &User, new: &Secret, apps_end: bool) -> Result<Response, NotChanged> {
    let changed = change_password(&call.cx, user, new, apps_end).await?;
    let begun: Result<_, Fault> = sign_in_as(&call.cx, &changed, call.user_agent(), None).await;
    let signed_in = begun?.ok_or(NotChanged::Conflict)?;
    let mut response = see_other(&call.cx.settings.url("/account?done=password"));
    let begun = (&signed_in.session, &signed_in.cookie);
    set_cookies(call, &mut response, begun, Some(&signed_in.known_device));
    Ok(response)
}
