//! OIDC Core §3.1, RFC 9700 §4.4, §4.5 — signing in at an existing provider: there and back again
//!
//! The way there is kept in a sealed cookie of this browser, one for each try; `state` only names it. What comes back is
//! believed when it comes to the provider's own redirect URI, in the browser that began it, for the first time, with the
//! provider's `iss`, by a code that our verifier redeems, and with an ID token that the provider's key signed for us and for
//! this very try. A person is known again by issuer and subject and by nothing else.

mod arrival;
mod id_token;
mod provider;
mod transaction;

pub use arrival::{Arrived, Whose, arrive, link, whose};
pub use id_token::Person;
pub use transaction::{Purpose, Transaction};

/// How long a person may take at the provider.
pub const LIFETIME: Seconds = transaction::LIFETIME;

use crate::context::Context;
use crate::error::{Fault, becomes};
use crate::outbound::Unfetched;
use crate::time::Seconds;
use crate::upstream::{ClaimNames, Upstream};
use serde_json::{Map, Value};

/// The person whom claims name, by their standard names.
pub fn person_of(claims: &Map<String, Value>) -> Option<Person> {
    id_token::person(claims, &ClaimNames::default(), None).ok()
}

/// Why a sign-in at a provider came to nothing.
#[derive(Debug)]
pub enum Trouble {
    /// It began in another browser, was finished already, or took too long.
    Stale,
    /// The person, or the provider, said no.
    Declined,
    /// The provider does not answer, or answers that it cannot.
    Away,
    /// What the provider answered does not hold: why, for the operator's log.
    Untrue(&'static str),
    Failed(Fault),
}

becomes!(Fault => Trouble::Failed);

impl From<Unfetched> for Trouble {
    fn from(_: Unfetched) -> Self {
        Self::Away
    }
}

/// The way to the provider, and the cookie that the browser needs to come back.
#[derive(Debug)]
pub struct Departure {
    pub location: String,
    /// What `state` names: part of the cookie's name.
    pub state: String,
    pub sealed: String,
}

/// What the provider sent the browser back with.
#[derive(Debug, Clone, Copy)]
pub struct Return<'a> {
    pub code: Option<&'a str>,
    pub error: Option<&'a str>,
    /// RFC 9207.
    pub iss: Option<&'a str>,
}

/// Begins a sign-in. `fresh`: the person must prove there anew who they are.
pub async fn depart(
    cx: &Context,
    upstream: &Upstream,
    browser: &str,
    purpose: Purpose,
    fresh: bool,
) -> Result<Departure, Trouble> {
    let endpoints = provider::endpoints(cx, upstream).await?;
    let transaction = Transaction::new(cx, upstream, browser, purpose, fresh);
    Ok(Departure {
        location: provider::authorization_url(cx, upstream, &endpoints, &transaction)?,
        sealed: transaction.seal(cx)?,
        state: transaction.state,
    })
}

/// Finds out who came back.
pub async fn recognize(
    cx: &Context,
    upstream: &Upstream,
    transaction: &Transaction,
    answer: &Return<'_>,
) -> Result<Person, Trouble> {
    let endpoints = provider::endpoints(cx, upstream).await?;
    // RFC 9207 §2.4, before anything else of the answer is looked at: errors too.
    provider::check_iss(upstream, &endpoints, answer.iss)?;
    match (answer.error, answer.code) {
        (Some("temporarily_unavailable" | "server_error"), _) => Err(Trouble::Away),
        (Some(_), _) => Err(Trouble::Declined),
        (None, None) => Err(Trouble::Untrue("the answer has neither code nor error")),
        (None, Some(code)) => {
            let tokens = provider::redeem(cx, upstream, &endpoints, transaction, code).await?;
            provider::person(cx, upstream, &endpoints, transaction, &tokens).await
        }
    }
}
