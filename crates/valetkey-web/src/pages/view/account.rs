//! The account: who I am, which apps hold a key, where I am signed in; and the pages below it.

mod details;
mod pages;

pub use details::{AccountDetails, ClaimField, ClaimGroup, ClaimKind};
pub use pages::{
    AccountApps, AccountDelete, AccountLog, AccountPassword, AccountProfile, ConfirmError, LogEntry, Paging,
    ProfileError,
};

use super::parts::{App, Href, Person};
use super::words::When;
use crate::pages::render::{Page, Policy};
use serde::Serialize;

/// `GET /account`. Forms: `/account/apps/revoke` (`client`), `/account/sessions/end` (`session`, or `others` for all
/// but this one), `/account/sign-out`; each with `csrf`.
#[derive(Debug, Clone, Serialize)]
pub struct Account {
    pub csrf: String,
    pub person: Person,
    /// The user directory, if it has a name worth showing.
    pub tenant: Option<String>,
    /// Whether the e-mail address was proven; without an address, nothing to say.
    pub email_verified: bool,
    /// No app gets anything before the address is confirmed.
    pub held_up: bool,
    pub has_password: bool,
    /// Those used last.
    pub apps: Vec<AppKey>,
    /// How many there are.
    pub apps_total: usize,
    /// What applications ask of this person right now.
    pub requests: Vec<RequestRow>,
    /// This browser's session is among them.
    pub sessions: Vec<SessionRow>,
    pub notice: Option<Notice>,
    /// Links to the other pages of a person who may more than this, such as the portal.
    pub further: Vec<super::parts::Link>,
}

#[derive(Debug, Clone, Serialize)]
pub struct AppKey {
    pub client: String,
    pub app: App,
    /// Where a sign-in to it begins (OIDC Core §4), if it said so.
    pub open: Option<Href>,
    /// Its scopes in words.
    pub can: Vec<String>,
    pub since: When,
    pub last_used: Option<When>,
    /// Nobody asked the person: one of these may vouch for them, and one did.
    pub vouched: Option<Vec<String>>,
}

/// What waits for an answer (CIBA).
#[derive(Debug, Clone, Serialize)]
pub struct RequestRow {
    /// The page that asks.
    pub look: Href,
    pub app: App,
    /// What stands on the other screen; empty where nothing does.
    pub message: String,
    pub asked: When,
}

#[derive(Debug, Clone, Serialize)]
pub struct SessionRow {
    pub id: String,
    /// The one that looks at this page.
    pub current: bool,
    /// Whether it began at this browser's address.
    pub near: bool,
    /// From `words::device`.
    pub device: String,
    pub address: String,
    pub since: When,
    pub last_seen: When,
}

/// What was just done, after the redirect.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Notice {
    KeyTaken { app: String },
    SessionEnded,
    OthersEnded,
    ProfileChanged,
    PasswordChanged,
}

impl Page for Account {
    const TEMPLATE: &'static str = "account.html";
    const POLICY: Policy = Policy::Stays;
}

/// A page below `/account`, reached by a link of that name.
pub(crate) fn below(path: &str) -> Href {
    Href::local(&format!("/account/{path}")).unwrap_or_else(Href::root)
}
