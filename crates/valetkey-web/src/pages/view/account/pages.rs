//! The pages below the account page.

use super::super::new_password::PasswordError;
use super::super::parts::{App, Href};
use super::super::words::When;
use super::AppKey;
use crate::pages::render::{Page, Policy};
use serde::Serialize;

macro_rules! page {
    ($view:ident, $template:literal) => {
        impl Page for $view {
            const TEMPLATE: &'static str = $template;
            const POLICY: Policy = Policy::Stays;
        }
    };
}

/// One page of a list that is longer.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Paging {
    /// "21–40 of 57"; empty where all is shown.
    pub here: String,
    pub back: Option<Href>,
    pub on: Option<Href>,
}

/// `GET /account/apps`: all of them, found by `q`.
#[derive(Debug, Clone, Serialize)]
pub struct AccountApps {
    pub csrf: String,
    pub query: String,
    pub apps: Vec<AppKey>,
    /// Without the search.
    pub total: usize,
    pub paging: Paging,
}

page!(AccountApps, "account_apps.html");

/// `/account/profile`: `name`, `email`, `password`.
#[derive(Debug, Clone, Serialize)]
pub struct AccountProfile {
    pub csrf: String,
    pub username: String,
    pub name: String,
    pub email: String,
    /// What the operator lets people change.
    pub name_editable: bool,
    pub email_editable: bool,
    pub has_password: bool,
    pub errors: Vec<ProfileError>,
    pub confirm: Option<ConfirmError>,
}

page!(AccountProfile, "account_profile.html");

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProfileError {
    NameTooLong,
    EmailInvalid,
    /// An account without a password cannot prove who changes its address.
    EmailNeedsPassword,
}

/// What was wrong with the password that had to be typed once more.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ConfirmError {
    Missing,
    Wrong,
    /// `wait` in words, from `words::span`.
    Throttled {
        wait: String,
    },
    Busy,
}

/// `/account/password`: `password`, `new_password`, and `apps=end`.
#[derive(Debug, Clone, Serialize)]
pub struct AccountPassword {
    pub csrf: String,
    pub username: String,
    pub has_password: bool,
    pub confirm: Option<ConfirmError>,
    pub error: Option<PasswordError>,
    /// The keys of apps are to go too.
    pub apps_end: bool,
    pub password_min: usize,
}

page!(AccountPassword, "account_password.html");

/// `GET /account/log`.
#[derive(Debug, Clone, Serialize)]
pub struct AccountLog {
    pub csrf: String,
    pub entries: Vec<LogEntry>,
    pub newest: bool,
    pub older: Option<Href>,
}

page!(AccountLog, "account_log.html");

/// One thing that happened to the account.
#[derive(Debug, Clone, Serialize)]
pub struct LogEntry {
    /// A sentence; `{app}` in it stands for the application's name.
    pub before: String,
    pub app: Option<String>,
    pub after: String,
    /// Something to look at twice.
    pub alarming: bool,
    pub when: When,
    pub address: Option<String>,
    pub browser: Option<String>,
}

/// `/account/delete`: `password`.
#[derive(Debug, Clone, Serialize)]
pub struct AccountDelete {
    pub csrf: String,
    pub username: String,
    pub has_password: bool,
    /// Who runs the server is not deleted here.
    pub admin: bool,
    pub apps: Vec<App>,
    pub confirm: Option<ConfirmError>,
}

page!(AccountDelete, "account_delete.html");
