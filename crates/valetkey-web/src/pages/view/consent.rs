//! The consent page.

use super::device::Elsewhere;
use super::parts::{App, Destination, Href, Person};
use super::words::When;
use crate::pages::render::{Page, Policy};
use serde::Serialize;

/// `GET`/`POST /consent`. The form posts `i`, `csrf`, any number of `scope`, and `decision` = `allow` or `deny`.
#[derive(Debug, Clone, Serialize)]
pub struct Consent {
    pub i: String,
    pub csrf: Option<String>,
    pub app: App,
    pub person: Person,
    /// The user directory, if it has a name worth showing.
    pub tenant: Option<String>,
    /// "Not you?": the way to another account.
    pub not_you: Href,
    /// What can be given or not, one by one.
    pub asked: Vec<Asked>,
    /// What is asked for in detail (RFC 9396): all of it, or nothing.
    pub details: Vec<Detail>,
    /// What comes with any key (`openid`), in words.
    pub fixed: Vec<Held>,
    /// What the app may do already.
    pub held: Vec<Held>,
    /// Something is asked for that the app may not do already.
    pub more: bool,
    /// What the app may do already is asked about too, and may be taken back.
    pub again: bool,
    /// The APIs that the key opens (RFC 8707), by name; empty if none was named.
    pub apis: Vec<String>,
    pub registered: Registered,
    pub destination: Destination,
    /// Where it was asked, if not in this browser: then the browser goes nowhere.
    pub elsewhere: Option<Elsewhere>,
    pub lasts: Lasts,
    /// OIDC Registration §2: pages of the application about what it does with data, and on which terms.
    pub policy: Option<Href>,
    pub terms: Option<Href>,
    pub technical: Technical,
    /// "Allow" was pressed with nothing selected.
    pub nothing_selected: bool,
}

/// A scope with a checkbox.
#[derive(Debug, Clone, Serialize)]
pub struct Asked {
    /// The scope's name: the checkbox's value.
    pub value: String,
    pub words: String,
    pub detail: Option<String>,
    pub access: Access,
    /// The app has a key already, and this was not on it.
    pub new: bool,
    pub checked: bool,
}

/// One of the authorization details.
#[derive(Debug, Clone, Serialize)]
pub struct Detail {
    pub words: String,
    /// What the words do not speak of, by member.
    pub members: Vec<(String, String)>,
}

/// A scope without a choice.
#[derive(Debug, Clone, Serialize)]
pub struct Held {
    pub words: String,
    pub detail: Option<String>,
}

/// What a scope allows, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    Read,
    Change,
    Offline,
    /// Nothing to say: no tag.
    Plain,
}

/// Who brought the app here, and whether anybody looked.
#[derive(Debug, Clone, Serialize)]
pub struct Registered {
    pub by: Option<String>,
    pub since: When,
    pub checked: Checked,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Checked {
    /// The people who run this server did.
    ByOperator,
    /// Nobody: a developer of this place registered it.
    Nobody,
    /// Nobody: it registered itself over the network (RFC 7591).
    SelfRegistered,
    /// Nobody: it describes itself at the host in `by`.
    Document,
}

/// For how long the key works. Spans in words, from `words::span`.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Lasts {
    /// Until it is taken back or not used for `idle`.
    Lasting { idle: String },
    /// Until it is taken back, used or not.
    Forever,
    /// For the life of one access token.
    Once { span: String },
    /// `Once`, and `Lasting` if offline access stays ticked.
    Either { span: String, idle: String },
}

/// For those who want to see it raw.
#[derive(Debug, Clone, Serialize)]
pub struct Technical {
    pub client_id: String,
    pub redirect_uri: String,
    pub scopes: Vec<String>,
    pub resources: Vec<String>,
}

impl Page for Consent {
    const TEMPLATE: &'static str = "consent.html";
    const POLICY: Policy = Policy::LeadsOut;
}
