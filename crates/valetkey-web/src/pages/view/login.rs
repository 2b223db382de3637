//! The sign-in page.

use super::parts::{App, Destination, Href, Person};
use super::words::initial;
use crate::pages::render::{Page, Policy};
use serde::Serialize;

/// `GET`/`POST /login`. The form posts `i`, `csrf`, `username`, `password` to `/login`.
#[derive(Debug, Clone, Serialize)]
pub struct Login {
    /// The sealed interaction; none for a plain sign-in.
    pub i: Option<String>,
    /// For forms without an interaction.
    pub csrf: Option<String>,
    /// Who asks for the sign-in; none for a plain one.
    pub app: Option<App>,
    /// OIDC Registration §2: pages of the application about what it does with data, and on which terms.
    pub policy: Option<Href>,
    pub terms: Option<Href>,
    /// Whose accounts are meant, if the tenant has a name worth showing.
    pub tenant: Option<Tenant>,
    /// The tenant that was asked for by a link to a plain sign-in.
    pub tenant_id: Option<String>,
    /// Where the browser goes afterwards, if an app asked.
    pub destination: Option<Destination>,
    /// For who is asked again and is somebody else.
    pub switch: Option<Href>,
    /// What the person typed last, or the `login_hint`.
    pub username: String,
    pub mode: LoginMode,
    pub error: Option<LoginError>,
    /// The query of the form's address, where a page of ours sent the person here.
    pub next: Option<String>,
    /// Existing providers at which these people can sign in.
    pub upstreams: Vec<UpstreamButton>,
    /// Only if there is such a page.
    pub forgotten: Option<Href>,
    /// Only if registration is open.
    pub register: Option<Href>,
}

/// A user directory, as its people know it.
#[derive(Debug, Clone, Serialize)]
pub struct Tenant {
    pub name: String,
    /// One character, where there is no picture.
    pub initial: String,
    pub logo: Option<Href>,
}

impl Tenant {
    pub fn new(name: &str, logo: Option<Href>) -> Self {
        Self { name: name.to_owned(), initial: initial(name), logo }
    }
}

/// The way to a provider: a form of its own that posts `i` or `csrf`.
#[derive(Debug, Clone, Serialize)]
pub struct UpstreamButton {
    pub name: String,
    pub action: Href,
}

/// How much is known about who sits there.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LoginMode {
    /// Nothing: username and password.
    Fresh,
    /// `prompt=login`, `max_age`: the same person again; the username is fixed to `Login::username`.
    Again,
    /// `prompt=select_account`: go on with one of these, or sign in as somebody else.
    Choose { accounts: Vec<KnownAccount> },
}

/// A session of this browser; its button posts `account` = `session`.
#[derive(Debug, Clone, Serialize)]
pub struct KnownAccount {
    pub session: String,
    pub person: Person,
}

/// Why the person is still here. None of these tells whether an account exists.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LoginError {
    WrongCredentials,
    /// A field was left empty.
    Missing {
        username: bool,
        password: bool,
    },
    /// `wait` in words, from `words::span`.
    Throttled {
        wait: String,
    },
    /// The page was open for too long, or its cookie is gone; this fresh one works.
    Expired,
    /// No free place to check the password; nothing was counted.
    Busy,
}

impl Page for Login {
    const TEMPLATE: &'static str = "login.html";
    const POLICY: Policy = Policy::LeadsOut;
}
