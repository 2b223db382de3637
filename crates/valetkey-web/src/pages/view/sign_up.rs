//! The page where people make accounts for themselves, and the one that says that an address is still to be confirmed.

use super::login::{KnownAccount, Tenant};
use super::parts::{App, Destination, Href, Person};
use super::setup::SetupError;
use crate::pages::render::{Page, Policy};
use serde::Serialize;

/// `GET`/`POST /sign-up`. The form posts `i`, `csrf`, `tenant_id`, `username`, `name`, `email`, `password` to `/sign-up`.
#[derive(Debug, Clone, Serialize)]
pub struct SignUp {
    /// The sealed interaction; none where no app asks.
    pub i: Option<String>,
    pub csrf: String,
    pub app: Option<App>,
    pub tenant: Option<Tenant>,
    /// The tenant that was asked for by a link, where no app asks.
    pub tenant_id: Option<String>,
    /// Where the browser goes afterwards, if an app asked.
    pub destination: Option<Destination>,
    /// The query of the form's address, where a page of ours sent the person here.
    pub next: Option<String>,
    /// For who has an account.
    pub sign_in: Href,
    /// Who is signed in in this browser already; where an app asks, its button goes on with that account.
    pub signed_in: Option<KnownAccount>,
    /// For who has yet another account, where an app asks and somebody is signed in.
    pub switch: Option<Href>,
    /// As typed; a password is never sent back.
    pub username: String,
    pub name: String,
    pub email: String,
    /// Whether there is no account without an address, which must be confirmed before any app gets anything.
    pub email_needed: bool,
    pub password_min: usize,
    /// At most one a field, in the order of the fields.
    pub errors: Vec<SetupError>,
    pub trouble: Option<SignUpTrouble>,
}

/// Why there is no account although nothing is wrong with what was typed.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SignUpTrouble {
    /// `wait` in words, from `words::span`.
    Throttled {
        wait: String,
    },
    /// The page was open for too long, or its cookie is gone; this fresh one works.
    Expired,
    Busy,
}

impl Page for SignUp {
    const TEMPLATE: &'static str = "sign_up.html";
    const POLICY: Policy = Policy::LeadsOut;
}

/// `GET`/`POST /login/unconfirmed`: the person is signed in, and no app gets anything yet. The form posts `i`, `csrf`.
#[derive(Debug, Clone, Serialize)]
pub struct Unconfirmed {
    /// The sealed interaction; none where no app asks.
    pub i: Option<String>,
    pub csrf: String,
    pub app: Option<App>,
    pub person: Person,
    /// The address that is not confirmed, if there is one.
    pub email: Option<String>,
    /// Providers that these people can link.
    pub providers: Vec<String>,
    /// Looks again.
    pub again: Href,
    pub not_you: Option<Href>,
}

impl Page for Unconfirmed {
    const TEMPLATE: &'static str = "unconfirmed.html";
    const POLICY: Policy = Policy::LeadsOut;
}
