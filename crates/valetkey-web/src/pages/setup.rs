//! `/setup`: the first administrator, behind the link that the first start printed.

use super::login::set_cookies;
use super::respond::{failed, page, plain_error};
use super::view::{ErrorKind, Setup, SetupError, SetupForm};
use crate::extract::{Call, PageForm};
use axum::response::Response;
use http::StatusCode;
use valetkey_core::ids::TenantId;
use valetkey_core::login::password::SHORTEST;
use valetkey_core::login::start_session;
use valetkey_core::manage::ManageError;
use valetkey_core::manage::setup;
use valetkey_core::manage::user::{NewUser, UserFlaw, flaws};
use valetkey_core::params::Params;
use valetkey_core::secret::Secret;

pub(crate) async fn get(call: Call) -> Response {
    let Ok(params) = Params::parse(call.query()) else { return plain_error(&call, ErrorKind::BadRequest) };
    let token = params.one("token").unwrap_or_default();
    match setup::is_open(&call.cx, token).await {
        Ok(true) => page(&call, StatusCode::OK, &Setup::Form(blank(token))),
        Ok(false) => closed(&call).await,
        Err(fault) => failed(&call, &fault),
    }
}

fn blank(token: &str) -> SetupForm {
    SetupForm {
        i: token.to_owned(),
        username: String::new(),
        name: String::new(),
        email: String::new(),
        password_min: u32::try_from(SHORTEST).unwrap_or(u32::MAX),
        errors: Vec::new(),
    }
}

async fn closed(call: &Call) -> Response {
    match call.cx.store.has_admin().await {
        Ok(true) => page(call, StatusCode::GONE, &Setup::Used),
        Ok(false) => page(call, StatusCode::BAD_REQUEST, &Setup::Expired),
        Err(fault) => failed(call, &fault),
    }
}

pub(crate) async fn post(form: PageForm) -> Response {
    let PageForm { call, body } = form;
    let Ok(params) = Params::parse(&body) else { return plain_error(&call, ErrorKind::BadRequest) };
    if call.is_cross_site() || params.refuse_repeats(&["i", "username", "name", "email", "password"]).is_err()
    {
        return plain_error(&call, ErrorKind::Forgery);
    }
    let token = params.one("i").unwrap_or_default();
    match setup::is_open(&call.cx, token).await {
        Ok(true) => {}
        Ok(false) => return closed(&call).await,
        Err(fault) => return failed(&call, &fault),
    }
    let new = new_user(&params);
    let errors = errors(&call, &new);
    if !errors.is_empty() {
        return again(&call, token, &params, errors);
    }
    match setup::complete(&call.cx, token, new).await {
        Ok(user) => match start_session(&call.cx, &user, call.user_agent(), None, &[]).await {
            Ok(begun) => {
                let mut response = page(&call, StatusCode::OK, &Setup::Done { username: user.username });
                if let Some((session, cookie)) = &begun {
                    set_cookies(&call, &mut response, (session, cookie), None);
                }
                response
            }
            Err(fault) => failed(&call, &fault),
        },
        Err(ManageError::Failed(fault)) => failed(&call, &fault),
        Err(ManageError::Refused(_) | ManageError::Exists(_)) => {
            again(&call, token, &params, vec![SetupError::UsernameTaken])
        }
        Err(ManageError::Unknown(_)) => closed(&call).await,
    }
}

fn new_user(params: &Params<'_>) -> NewUser {
    NewUser {
        username: params.one("username").unwrap_or_default().to_owned(),
        name: params.one("name").map(str::to_owned),
        email: params.one("email").map(str::to_owned),
        tenant: TenantId::default(),
        password: Some(Secret::new(params.one("password").unwrap_or_default())),
        admin: true,
    }
}

fn errors(call: &Call, new: &NewUser) -> Vec<SetupError> {
    let no_password = new.password.as_ref().is_none_or(|password| password.expose().is_empty());
    flaws(&call.cx, new)
        .into_iter()
        .map(|flaw| match flaw {
            UserFlaw::Username if new.username.trim().is_empty() => SetupError::UsernameMissing,
            UserFlaw::Password(_) if no_password => SetupError::PasswordMissing,
            flaw => flaw.into(),
        })
        .collect()
}

/// The form again, with everything typed but the password.
fn again(call: &Call, token: &str, params: &Params<'_>, errors: Vec<SetupError>) -> Response {
    let typed = |name| params.one(name).unwrap_or_default().to_owned();
    let form = SetupForm {
        username: typed("username"),
        name: typed("name"),
        email: typed("email"),
        errors,
        ..blank(token)
    };
    page(call, StatusCode::BAD_REQUEST, &Setup::Form(form))
}
