//! The page that says what went wrong and what to do now.

use super::parts::{App, Link};
use crate::pages::render::{Page, Policy};
use serde::Serialize;

#[derive(Debug, Clone, Serialize)]
pub struct ErrorPage {
    pub kind: ErrorKind,
    /// To quote; the logs carry it too.
    pub request_id: String,
    /// The standard's code (`invalid_request`), behind "Technical details".
    pub code: Option<String>,
    /// The denial's own sentence: a literal of ours, never input.
    pub detail: Option<String>,
    /// The asking app, if the request got far enough to know it.
    pub app: Option<App>,
    /// A way on, if there is one that works: back to the app, or to our home page.
    pub back: Option<Link>,
    /// In words, from `words::span`: when to try again.
    pub wait: Option<String>,
}

impl ErrorPage {
    pub fn new(kind: ErrorKind, request_id: &str) -> Self {
        Self {
            kind,
            request_id: request_id.to_owned(),
            code: None,
            detail: None,
            app: None,
            back: None,
            wait: None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// RFC 6749 §4.1.2.1: never redirect there.
    BadRedirectUri,
    UnknownClient,
    /// A link to a sign-in names no user directory, or one that is switched off.
    UnknownTenant,
    /// Anything else wrong with the request before its redirect URI could be trusted.
    BadRequest,
    /// An interaction, a link or a form that is too old or was used.
    Expired,
    /// The browser did not send the cookie that this page is bound to.
    CookieMissing,
    /// A form that did not come from our page.
    Forgery,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    Internal,
    /// Overloaded, or the store is away.
    Busy,
}

impl ErrorKind {
    pub const ALL: [Self; 12] = [
        Self::BadRedirectUri,
        Self::UnknownClient,
        Self::UnknownTenant,
        Self::BadRequest,
        Self::Expired,
        Self::CookieMissing,
        Self::Forgery,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Internal,
        Self::Busy,
    ];

    /// The HTTP status that goes with the words.
    pub const fn status(self) -> u16 {
        match self {
            Self::BadRedirectUri
            | Self::UnknownClient
            | Self::UnknownTenant
            | Self::BadRequest
            | Self::Expired
            | Self::CookieMissing => 400,
            Self::Forgery | Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::Internal => 500,
            Self::Busy => 503,
        }
    }
}

impl Page for ErrorPage {
    const TEMPLATE: &'static str = "error.html";
    const POLICY: Policy = Policy::Stays;
}
