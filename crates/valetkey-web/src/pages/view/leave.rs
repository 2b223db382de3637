//! Pages on the way out: form_post, sign-out and its confirmation.

use super::parts::{App, Destination, Href, Link, Person};
use crate::pages::render::{Page, Policy};
use http::HeaderValue;
use serde::Serialize;
use url::Url;

/// OAuth 2.0 Form Post Response Mode: the answer travels in a form to the app's redirect URI.
#[derive(Debug, Clone, Serialize)]
pub struct FormPost {
    pub app: App,
    pub destination: Destination,
    /// The checked redirect URI.
    pub action: Href,
    /// `code`, `state`, `iss`, or `error` and its kin.
    pub fields: Vec<Field>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Field {
    pub name: String,
    pub value: String,
}

impl Field {
    pub fn new(name: &str, value: &str) -> Self {
        Self { name: name.to_owned(), value: value.to_owned() }
    }
}

impl Page for FormPost {
    const TEMPLATE: &'static str = "form_post.html";
    const POLICY: Policy = Policy::Script;
}

/// The answer to an app that has no address: the person carries it over by hand.
#[derive(Debug, Clone, Serialize)]
pub struct OutOfBand {
    pub app: App,
    pub came: Came,
    /// For how long the code is good: "1 minute".
    pub lasts: String,
}

#[derive(Debug, Clone, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Came {
    Code { code: String },
    Error { denied: bool, error: String, detail: String },
}

impl Page for OutOfBand {
    const TEMPLATE: &'static str = "out_of_band.html";
    const POLICY: Policy = Policy::Stays;
}

/// "Sign out?": the form posts `fields`.
#[derive(Debug, Clone, Serialize)]
pub struct SignOut {
    /// `csrf`, and whatever the flow needs.
    pub fields: Vec<Field>,
    pub person: Person,
    /// The app that asked for it.
    pub app: Option<App>,
    /// Where "Stay signed in" leads.
    pub stay: Href,
}

impl Page for SignOut {
    const TEMPLATE: &'static str = "sign_out.html";
    const POLICY: Policy = Policy::LeadsOut;
}

/// "You are signed out."
#[derive(Debug, Clone, Serialize)]
pub struct SignedOut {
    /// Back to the app, if it gave a checked address.
    pub back: Option<Link>,
    /// Apps keep their keys when a person signs out; true says so.
    pub keys_remain: bool,
    /// Pages of apps that sign the person out there (OIDC Front-Channel Logout §2).
    pub frames: Vec<Href>,
    /// Where the browser goes on by itself, once they had the time to load; with the app's name.
    pub next: Option<Link>,
}

impl SignedOut {
    /// Nothing to load, and nowhere to go.
    pub const fn plain(keys_remain: bool) -> Self {
        Self { back: None, keys_remain, frames: Vec::new(), next: None }
    }
}

impl Page for SignedOut {
    const TEMPLATE: &'static str = "signed_out.html";
    const POLICY: Policy = Policy::Stays;

    fn policy(&self) -> HeaderValue {
        let origin = |frame: &Href| Url::parse(frame.as_str()).ok().map(|url| url.origin());
        let origins: Vec<_> = self.frames.iter().filter_map(origin).collect();
        Policy::framing(&origins)
    }
}
