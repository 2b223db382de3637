//! The account page: who I am, which apps hold a key, where I am signed in.

use super::parts::{App, Person};
use super::words::When;
use crate::pages::render::{Page, Policy};
use serde::Serialize;

/// `GET /account`. Forms: `/account/apps/revoke` (`client`), `/account/sessions/end` (`session`, or `others` for all
/// but this one), `/account/sign-out`; each with `csrf`.
#[derive(Debug, Clone, Serialize)]
pub struct Account {
    pub csrf: String,
    pub person: Person,
    pub apps: Vec<AppKey>,
    /// This browser's session is among them.
    pub sessions: Vec<SessionRow>,
    pub notice: Option<Notice>,
}

#[derive(Debug, Clone, Serialize)]
pub struct AppKey {
    pub client: String,
    pub app: App,
    /// Its scopes in words.
    pub can: Vec<String>,
    pub since: When,
    pub last_used: Option<When>,
}

#[derive(Debug, Clone, Serialize)]
pub struct SessionRow {
    pub id: String,
    /// The one that looks at this page.
    pub current: bool,
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
}

impl Page for Account {
    const TEMPLATE: &'static str = "account.html";
    const POLICY: Policy = Policy::Stays;
}
