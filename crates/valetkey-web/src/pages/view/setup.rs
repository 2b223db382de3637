//! The first administrator's page, behind a one-time link.

use crate::pages::render::{Page, Policy};
use serde::Serialize;
use valetkey_core::login::password::PasswordFlaw;
use valetkey_core::manage::user::UserFlaw;

/// `GET`/`POST /setup`. The form posts `i`, `username`, `name`, `email`, `password` to `/setup`.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Setup {
    Form(SetupForm),
    Done {
        username: String,
    },
    /// The link was used: an administrator exists.
    Used,
    Expired,
}

#[derive(Debug, Clone, Serialize)]
pub struct SetupForm {
    /// The sealed setup link.
    pub i: String,
    /// As typed; a password is never sent back.
    pub username: String,
    pub name: String,
    pub email: String,
    /// Fewest characters of a password.
    pub password_min: u32,
    /// At most one a field, in the order of the fields.
    pub errors: Vec<SetupError>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SetupError {
    UsernameMissing,
    /// Not a name that a username may be.
    UsernameInvalid,
    /// One that would seem to speak for the server.
    UsernameReserved,
    UsernameTaken,
    NameTooLong,
    EmailInvalid,
    /// Where an account needs one.
    EmailMissing,
    PasswordMissing,
    PasswordTooShort,
    PasswordTooLong,
    /// On a list of passwords that are tried first.
    PasswordCommon,
    /// Made of the username, the name or the e-mail address.
    PasswordPersonal,
}

impl SetupError {
    pub const ALL: [Self; 12] = [
        Self::UsernameMissing,
        Self::UsernameInvalid,
        Self::UsernameReserved,
        Self::UsernameTaken,
        Self::NameTooLong,
        Self::EmailInvalid,
        Self::EmailMissing,
        Self::PasswordMissing,
        Self::PasswordTooShort,
        Self::PasswordTooLong,
        Self::PasswordCommon,
        Self::PasswordPersonal,
    ];
}

impl From<UserFlaw> for SetupError {
    fn from(flaw: UserFlaw) -> Self {
        match flaw {
            UserFlaw::Username => Self::UsernameInvalid,
            UserFlaw::Name => Self::NameTooLong,
            UserFlaw::Email => Self::EmailInvalid,
            UserFlaw::Password(PasswordFlaw::TooShort) => Self::PasswordTooShort,
            UserFlaw::Password(PasswordFlaw::TooLong) => Self::PasswordTooLong,
            UserFlaw::Password(PasswordFlaw::Guessable) => Self::PasswordCommon,
            UserFlaw::Password(PasswordFlaw::Context | PasswordFlaw::Same) => Self::PasswordPersonal,
        }
    }
}

impl Page for Setup {
    const TEMPLATE: &'static str = "setup.html";
    const POLICY: Policy = Policy::Stays;
}
