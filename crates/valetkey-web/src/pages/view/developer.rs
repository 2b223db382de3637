//! The developer portal: a person's applications, and one of them.

use super::account::Paging;
use super::parts::{App, Href, Person};
use super::words::When;
use crate::pages::render::{Page, Policy};
use serde::Serialize;

/// `GET /developer`.
#[derive(Debug, Clone, Serialize)]
pub struct Developer {
    pub csrf: String,
    pub person: Person,
    /// Whether there is a console to go to.
    pub console: bool,
    /// Those of this page of the listing.
    pub apps: Vec<AppRow>,
    /// All that the person owns.
    pub total: usize,
    /// How many a person may own.
    pub most: u32,
    pub query: String,
    pub paging: Paging,
    /// Ownership that others offer.
    pub offers: Vec<OfferedToMe>,
    pub done: Option<Done>,
    /// Something was not done: why.
    pub problem: Option<String>,
    /// Where nothing is registered yet: the form that registers.
    pub form: Option<AppForm>,
}

#[derive(Debug, Clone, Serialize)]
pub struct AppRow {
    pub href: Href,
    pub app: App,
    pub kind: &'static str,
    pub state: State,
    pub since: When,
}

/// How an application stands, for its owners.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum State {
    Active,
    /// It waits for review.
    Pending,
    Rejected {
        reason: String,
    },
    /// An owner switched it off.
    Paused,
    /// Those who run the server did.
    SwitchedOff,
}

/// An ownership that waits for this person.
#[derive(Debug, Clone, Serialize)]
pub struct OfferedToMe {
    pub id: String,
    pub app: App,
    /// Who offers, where that person is still known.
    pub by: Option<String>,
    pub transfer: bool,
    pub until: When,
}

/// What was just done, after a redirect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Done {
    Registered,
    Changed,
    SecretAdded,
    SecretDeleted,
    Logo,
    LogoRemoved,
    Offered,
    Withdrawn,
    OwnerRemoved,
    Left,
    Taken,
    Declined,
    Paused,
    Resumed,
    Deleted,
    ReviewAsked,
}

impl Done {
    const ALL: [(&'static str, Self); 16] = [
        ("registered", Self::Registered),
        ("changed", Self::Changed),
        ("secret-added", Self::SecretAdded),
        ("secret-deleted", Self::SecretDeleted),
        ("logo", Self::Logo),
        ("logo-removed", Self::LogoRemoved),
        ("offered", Self::Offered),
        ("withdrawn", Self::Withdrawn),
        ("owner-removed", Self::OwnerRemoved),
        ("left", Self::Left),
        ("taken", Self::Taken),
        ("declined", Self::Declined),
        ("paused", Self::Paused),
        ("resumed", Self::Resumed),
        ("deleted", Self::Deleted),
        ("review-asked", Self::ReviewAsked),
    ];

    /// The word for an address.
    pub fn word(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, own)| *own == self).map_or("", |(word, _)| word)
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(own, _)| *own == word).map(|(_, done)| done)
    }
}

/// The fields of an application. `redirect_uris` has one address a line.
#[derive(Debug, Clone, Serialize, Default)]
pub struct AppForm {
    pub name: String,
    pub website: String,
    pub description: String,
    pub redirect_uris: String,
    /// Empty where the kind stands.
    pub kinds: Vec<KindChoice>,
    /// Makes a form that is sent twice make one application.
    pub draft: Option<String>,
    /// Somebody looks at it first, or again.
    pub review: bool,
    /// It has no callback to fill in.
    pub machine: bool,
    pub flaws: Flaws,
}

#[derive(Debug, Clone, Serialize)]
pub struct KindChoice {
    pub value: &'static str,
    pub words: &'static str,
    pub detail: &'static str,
    pub checked: bool,
}

/// What is wrong, by field; each a sentence.
#[derive(Debug, Clone, Serialize, Default)]
pub struct Flaws {
    pub name: Vec<String>,
    pub website: Vec<String>,
    pub description: Vec<String>,
    pub redirect_uris: Vec<String>,
    /// Of no field.
    pub other: Vec<String>,
}

impl Flaws {
    pub fn is_empty(&self) -> bool {
        [&self.name, &self.website, &self.description, &self.redirect_uris, &self.other]
            .into_iter()
            .all(Vec::is_empty)
    }
}

/// `GET`/`POST /developer/new`.
#[derive(Debug, Clone, Serialize)]
pub struct NewApplication {
    pub csrf: String,
    pub person: Person,
    /// Whether there is a console to go to.
    pub console: bool,
    pub form: AppForm,
    /// The person owns as many as anybody may.
    pub full: Option<u32>,
}

/// One application: `GET /developer/apps/{id}`.
#[derive(Debug, Clone, Serialize)]
pub struct Application {
    pub csrf: String,
    pub person: Person,
    /// Whether there is a console to go to.
    pub console: bool,
    /// Its own address; the pages and forms of it are below.
    pub home: Href,
    pub id: String,
    pub app: App,
    pub kind: &'static str,
    pub description: String,
    pub state: State,
    pub done: Option<Done>,
    pub problem: Option<String>,
    /// Shown this once.
    pub fresh: Option<Fresh>,
    /// It proves itself by a secret.
    pub by_secret: bool,
    pub secrets: Vec<SecretRow>,
    pub new_secret: SecretForm,
    pub callbacks: Vec<CallbackRow>,
    pub issuer: String,
    pub sample: Option<Sample>,
    /// Where the console is told of this application.
    pub try_it: Option<Href>,
    pub snippets: Vec<Snippet>,
    pub users: String,
    pub grants: String,
    pub failures: Vec<FailureRow>,
    /// What it may ask for, in words.
    pub may: Vec<Scope>,
    pub grant_types: Vec<&'static str>,
    pub opt_ins: Vec<OptIn>,
}

/// Credentials just made.
#[derive(Debug, Clone, Serialize)]
pub struct Fresh {
    /// The application was registered a moment ago.
    pub registered: bool,
    pub secret: Option<String>,
    pub name: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct SecretRow {
    pub id: String,
    pub name: String,
    pub created: When,
    pub last_used: Option<When>,
    pub expires: Option<When>,
    pub expired: bool,
    /// Made a moment ago, with this very page.
    pub fresh: bool,
}

#[derive(Debug, Clone, Serialize, Default)]
pub struct SecretForm {
    pub draft: String,
    pub name: String,
    pub error: Option<String>,
    /// There is no room for one more.
    pub full: bool,
}

#[derive(Debug, Clone, Serialize)]
pub struct CallbackRow {
    pub uri: String,
    /// It is a loopback address, where any port fits.
    pub any_port: bool,
    /// It is an app's own scheme.
    pub scheme: bool,
}

/// A link that starts the flow, and what to do with what comes back.
#[derive(Debug, Clone, Serialize)]
pub struct Sample {
    pub href: Href,
    pub verifier: String,
    pub redirect_uri: String,
}

/// Code that runs as it stands, but for the secret.
#[derive(Debug, Clone, Serialize)]
pub struct Snippet {
    pub language: &'static str,
    pub lines: Vec<Line>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Line {
    pub text: String,
    pub comment: bool,
}

#[derive(Debug, Clone, Serialize)]
pub struct FailureRow {
    pub endpoint: String,
    pub code: String,
    pub detail: String,
    /// The address that was sent.
    pub hint: Option<String>,
    pub advice: &'static str,
    pub count: u32,
    pub last: When,
}

#[derive(Debug, Clone, Serialize)]
pub struct Scope {
    pub name: String,
    pub words: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct OptIn {
    pub name: &'static str,
    pub risk: &'static str,
}

/// `GET`/`POST /developer/apps/{id}/edit`, and what else is set there.
#[derive(Debug, Clone, Serialize)]
pub struct Settings {
    pub csrf: String,
    pub person: Person,
    /// Whether there is a console to go to.
    pub console: bool,
    pub home: Href,
    pub id: String,
    pub app: App,
    pub kind: &'static str,
    pub state: State,
    pub done: Option<Done>,
    pub form: AppForm,
    pub logo_error: Option<String>,
    pub owners: Vec<OwnerRow>,
    pub offers: Vec<OpenOffer>,
    pub owner_form: OwnerForm,
    /// Something else was not done: why.
    pub problem: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct OwnerRow {
    pub user: String,
    pub username: String,
    pub name: Option<String>,
    pub you: bool,
    pub since: When,
}

/// An offer that nobody took yet.
#[derive(Debug, Clone, Serialize)]
pub struct OpenOffer {
    pub id: String,
    pub username: String,
    pub transfer: bool,
    pub until: When,
}

#[derive(Debug, Clone, Serialize, Default)]
pub struct OwnerForm {
    pub username: String,
    pub transfer: bool,
    pub error: Option<String>,
}

/// A page that asks before something that cannot be undone.
#[derive(Debug, Clone, Serialize)]
pub struct Confirm {
    pub csrf: String,
    pub person: Person,
    /// Whether there is a console to go to.
    pub console: bool,
    pub home: Href,
    pub app: App,
    pub what: Confirmed,
}

#[derive(Debug, Clone, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Confirmed {
    /// `POST …/delete` with `name`.
    Delete { users: String, grants: String, typed: String, wrong: bool },
    /// `POST …/secrets/delete` with `secret` and `confirm`.
    LastSecret { secret: String, name: String },
}

impl Page for Developer {
    const TEMPLATE: &'static str = "developer.html";
    const POLICY: Policy = Policy::Stays;
}

impl Page for NewApplication {
    const TEMPLATE: &'static str = "developer_new.html";
    const POLICY: Policy = Policy::Stays;
}

impl Page for Application {
    const TEMPLATE: &'static str = "developer_app.html";
    const POLICY: Policy = Policy::Stays;
}

impl Page for Settings {
    const TEMPLATE: &'static str = "developer_settings.html";
    const POLICY: Policy = Policy::Stays;
}

impl Page for Confirm {
    const TEMPLATE: &'static str = "developer_confirm.html";
    const POLICY: Policy = Policy::Stays;
}
