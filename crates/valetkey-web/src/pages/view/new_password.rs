//! The page between a right password and the account, where the password must be changed.

use super::login::Tenant;
use super::parts::{App, Person};
use crate::pages::render::{Page, Policy};
use serde::Serialize;
use valetkey_core::login::password::{PasswordFlaw, SHORTEST};

/// Drawn by `POST /login`. The form posts `i`, `csrf`, `new_password` to `/login/password`.
#[derive(Debug, Clone, Serialize)]
pub struct NewPassword {
    /// The sealed interaction; none for a plain sign-in.
    pub i: Option<String>,
    /// That the old password was right, for this browser.
    pub csrf: String,
    pub person: Person,
    pub tenant: Option<Tenant>,
    /// Who asked for the sign-in.
    pub app: Option<App>,
    pub error: Option<PasswordError>,
    /// Fewest characters of a password.
    pub password_min: usize,
}

impl NewPassword {
    pub fn new(proof: &str, person: Person) -> Self {
        Self {
            i: None,
            csrf: proof.to_owned(),
            person,
            tenant: None,
            app: None,
            error: None,
            password_min: SHORTEST,
        }
    }
}

/// Why a new password was not taken; the template has the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PasswordError {
    Missing,
    TooShort,
    TooLong,
    Common,
    Personal,
    Same,
    /// No free place to check it.
    Busy,
}

impl PasswordError {
    pub const ALL: [Self; 7] =
        [Self::Missing, Self::TooShort, Self::TooLong, Self::Common, Self::Personal, Self::Same, Self::Busy];
}

impl From<PasswordFlaw> for PasswordError {
    fn from(flaw: PasswordFlaw) -> Self {
        match flaw {
            PasswordFlaw::TooShort => Self::TooShort,
            PasswordFlaw::TooLong => Self::TooLong,
            PasswordFlaw::Guessable => Self::Common,
            PasswordFlaw::Context => Self::Personal,
            PasswordFlaw::Same => Self::Same,
        }
    }
}

impl Page for NewPassword {
    const TEMPLATE: &'static str = "new_password.html";
    const POLICY: Policy = Policy::LeadsOut;
}
