//! `/account/profile`: name and e-mail. The address is a way back into the account, so changing it wants the password.

use super::super::respond::{failed, page};
use super::super::view::{AccountProfile, ConfirmError, ProfileError};
use super::{confirmed, csrf, finish, form, visitor};
use crate::extract::{Call, PageForm};
use axum::response::Response;
use http::StatusCode;
use valetkey_core::directory::User;
use valetkey_core::manage::user::profile::{may_edit, update_profile};
use valetkey_core::manage::user::{NewUser, UserFlaw, flaws};

pub(crate) async fn get(call: Call) -> Response {
    match visitor(&call).await {
        Ok((_, user)) => draw(&call, StatusCode::OK, &user, Typed::of(&user), Wrong::default()),
        Err(response) => response,
    }
}

/// What stands in the fields.
struct Typed {
    name: String,
    email: String,
}

impl Typed {
    fn of(user: &User) -> Self {
        Self { name: user.name.clone().unwrap_or_default(), email: user.email.clone().unwrap_or_default() }
    }
}

/// What is to be said of a form.
#[derive(Default)]
struct Wrong {
    errors: Vec<ProfileError>,
    confirm: Option<ConfirmError>,
}

fn draw(call: &Call, status: StatusCode, user: &User, typed: Typed, wrong: Wrong) -> Response {
    match csrf(call) {
        Ok(csrf) => {
            let view = AccountProfile {
                csrf,
                username: user.username.clone(),
                name: typed.name,
                email: typed.email,
                name_editable: may_edit(&call.cx, "name"),
                email_editable: may_edit(&call.cx, "email"),
                has_password: user.password.is_some(),
                errors: wrong.errors,
                confirm: wrong.confirm,
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
    let filled = |name| params.one(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    // What may not be changed stays, whatever came.
    let name = if may_edit(&call.cx, "name") { filled("name") } else { user.name.clone() };
    let email = if may_edit(&call.cx, "email") { filled("email") } else { user.email.clone() };
    let typed = Typed { name: name.clone().unwrap_or_default(), email: email.clone().unwrap_or_default() };
    let moves = email != user.email;
    let errors = errors(call, &user, name.as_ref(), email.as_ref(), moves);
    if !errors.is_empty() {
        let wrong = Wrong { errors, ..Wrong::default() };
        return draw(call, StatusCode::BAD_REQUEST, &user, typed, wrong);
    }
    if moves {
        match confirmed(call, &user, &params).await {
            Ok(None) => {}
            Ok(Some((status, why))) => {
                let wrong = Wrong { confirm: Some(why), ..Wrong::default() };
                return draw(call, status, &user, typed, wrong);
            }
            Err(fault) => return failed(call, &fault),
        }
    }
    let done = update_profile(&call.cx, &user, name, email).await;
    finish(call, done.map(drop), "/account?done=profile")
}

fn errors(
    call: &Call,
    user: &User,
    name: Option<&String>,
    email: Option<&String>,
    moves: bool,
) -> Vec<ProfileError> {
    let as_new = NewUser {
        username: user.username.clone(),
        name: name.cloned(),
        email: email.cloned(),
        tenant: user.tenant.clone(),
        password: None,
        admin: false,
    };
    let mut errors: Vec<_> = flaws(&call.cx, &as_new)
        .into_iter()
        .filter_map(|flaw| match flaw {
            UserFlaw::Name => Some(ProfileError::NameTooLong),
            UserFlaw::Email => Some(ProfileError::EmailInvalid),
            UserFlaw::Username | UserFlaw::Password(_) => None,
        })
        .collect();
    if moves && user.password.is_none() {
        errors.push(ProfileError::EmailNeedsPassword);
    }
    errors
}
