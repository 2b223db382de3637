//! OIDC Core §3.1.2.3–3.1.2.4 — what a person must do before an application gets its answer

mod request;

pub use request::{AuthorizationRequest, Prompt, ResponseMode, ResponseType};

use crate::client::redirect_uri::{self, Destination};
use crate::client::{Client, Origin};
use crate::context::Context;
use crate::error::{Code, Denial, Fault};
use crate::ids::{Id, SessionId};
use crate::scope::Scope;
use crate::seal::{self, Kind};
use crate::secret::SecretHash;
use crate::store::{Consent, Session};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// An authorization in the making: the validated request and how far its person has come.
/// Sealed and handed to the browser, never stored; each tab has its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interaction {
    pub request: AuthorizationRequest,
    /// The browser it began in, as the hash of its cookie: nobody else can go on with it.
    browser: SecretHash,
    /// The session begun by a login in this very interaction.
    pub signed_in: Option<SessionId>,
    /// The session chosen on the account page of this very interaction.
    pub chosen: Option<SessionId>,
    expires_at: Timestamp,
    /// What it decides, where that was asked for elsewhere.
    pub approval: Option<Id>,
}

/// Why an interaction cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stale {
    /// Damaged, forged, or sealed by keys long gone.
    Unknown,
    Expired,
    /// It began in another browser, or the cookie was lost.
    OtherBrowser,
}

impl Interaction {
    pub fn new(cx: &Context, request: AuthorizationRequest, browser: &str) -> Self {
        let expires_at = cx.now + cx.settings.lifetimes.interaction;
        Self {
            request,
            browser: SecretHash::of(browser),
            signed_in: None,
            chosen: None,
            expires_at,
            approval: None,
        }
    }

    /// The same for what was asked for elsewhere: in this browser it is decided.
    #[must_use]
    pub fn deciding(self, approval: Id) -> Self {
        Self { approval: Some(approval), ..self }
    }

    pub fn seal(&self, cx: &Context) -> Result<String, Fault> {
        cx.keys().sealing_at(cx.now)?.seal(Kind::Interaction, cx.nonce(), self)
    }

    /// Opens an interaction in the browser that it began in.
    pub fn open(cx: &Context, text: &str, browser: Option<&str>) -> Result<Self, Stale> {
        let opened = seal::open(cx.keys().sealing(), Kind::Interaction, text).ok_or(Stale::Unknown)?;
        let own: Self = opened.record().ok_or(Stale::Unknown)?;
        if own.expires_at <= cx.now {
            return Err(Stale::Expired);
        }
        if !browser.is_some_and(|cookie| own.browser.matches(cookie)) {
            return Err(Stale::OtherBrowser);
        }
        Ok(own)
    }
}

/// What comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Login(LoginReason),
    /// Ask for `ask`; `held` was allowed before.
    Consent {
        ask: Scope,
        held: Scope,
    },
    /// The account's e-mail address must be proven before any application gets anything.
    VerifiedEmail,
    Finish,
    /// Tell the application.
    Refuse(Denial),
}

/// Why the login page is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginReason {
    /// Nobody is signed in.
    SignedOut,
    /// The application wants the person to prove again who they are.
    Again,
    /// The application wants the person to choose an account.
    Choose,
    /// The application wants the person to make an account (OIDC Prompt Create §4).
    Create,
}

/// When and where it is decided.
#[derive(Debug, Clone)]
pub struct Here {
    pub now: Timestamp,
    /// The server itself is reached without TLS, and so by this machine alone: its loopback stands for https.
    pub on_loopback: bool,
    /// What is missing of who is signed in, by what only the store knows: another account, a better proof, a confirmed
    /// address.
    pub lacking: Option<Step>,
}

/// Decides. Pure: everything it looks at is given. The order is that of the pages: who it is, whether that account may have
/// anything, what it allows; what comes first is what a silent request is told, too.
pub fn next_step(
    interaction: &Interaction,
    client: &Client,
    session: Option<&Session>,
    consent: Option<&Consent>,
    Here { now, on_loopback, lacking }: Here,
) -> Step {
    let request = &interaction.request;
    // A session of another directory is somebody else's affair: here nobody is signed in.
    let session = session.filter(|session| session.tenant == request.tenant);
    let quiet = request.prompts.contains(&Prompt::None);
    if let Some(reason) = login_needed(interaction, session, now) {
        return match (quiet, reason) {
            (false, reason) => Step::Login(reason),
            (true, _) => {
                Step::Refuse(Code::LoginRequired.because("the user is not signed in, or not recently enough"))
            }
        };
    }
    if let Some(step) = lacking {
        return step;
    }
    // The operator opened the API to people in a browser: there is no application that could be asked about.
    if client.origin == Origin::Gateway {
        return Step::Finish;
    }
    // What an issuer's word implies nobody was asked about.
    let consent = consent.filter(|consent| consent.is_answer());
    let held = consent.map(|consent| &consent.scope);
    let asked = request.asked();
    // RFC 8628 §5.4, RFC 10027: who holds the other device is known to nobody but the person.
    // What is agreed in detail is agreed each time (RFC 9396 §4).
    let again = request.prompts.contains(&Prompt::Consent)
        || !request.details.authorization_details.is_empty()
        || interaction.approval.is_some()
        || must_always_ask(client, request, on_loopback);
    if held.is_some_and(|held| held.covers(&asked)) && !again {
        return Step::Finish;
    }
    if quiet {
        return Step::Refuse(
            Code::ConsentRequired.because("the user has not allowed this application all it asks for"),
        );
    }
    let held = held.map(|held| held.filter(|name| asked.contains(name))).unwrap_or_default();
    Step::Consent { ask: asked.into_owned(), held }
}

fn login_needed(interaction: &Interaction, session: Option<&Session>, now: Timestamp) -> Option<LoginReason> {
    let request = &interaction.request;
    let create = request.prompts.contains(&Prompt::Create);
    let Some(session) = session else {
        return Some(if create { LoginReason::Create } else { LoginReason::SignedOut });
    };
    // A login in this very interaction satisfies whatever freshness was asked for.
    if interaction.signed_in == Some(session.id) {
        return None;
    }
    // Whoever has an account and says so goes on with that one.
    let chosen = interaction.chosen == Some(session.id);
    if create && !chosen {
        return Some(LoginReason::Create);
    }
    let too_old = request.max_age.is_some_and(|max| now - session.auth_time > max || max.0 == 0);
    if request.prompts.contains(&Prompt::Login) || too_old {
        return Some(LoginReason::Again);
    }
    let choose = request.prompts.contains(&Prompt::SelectAccount) && !chosen;
    choose.then_some(LoginReason::Choose)
}

/// RFC 8252 §8.6, RFC 9700 §4.15: a public client whose redirect does not prove who it is — any program on the device can
/// take a loopback port or a private-use scheme — is never waved through. Nor is a public one that registered itself, nor any
/// that describes itself: it may be another today than the one that was allowed something.
fn must_always_ask(client: &Client, request: &AuthorizationRequest, on_loopback: bool) -> bool {
    let public = client.is_public();
    // A code shown on a page, and a token that needs no secret to be used, prove the client no better than a public one.
    let unproven =
        public || request.response_type.is_in_front() || redirect_uri::is_oob(&request.redirect_uri);
    let is_safe = || match redirect_uri::check(&request.redirect_uri) {
        Ok(Destination::Web(_)) => true,
        Ok(Destination::Loopback(_)) => on_loopback && !public,
        Ok(_) | Err(_) => false,
    };
    client.origin == Origin::Document || unproven && !is_safe() || public && client.origin == Origin::Dynamic
}

#[cfg(test)]
pub(crate) mod tests;
