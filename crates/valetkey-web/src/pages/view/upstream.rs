//! Signing in at an existing provider: when it came to nothing, and the ways to sign in of an account.

use super::account::ConfirmError;
use super::parts::Link;
use super::words::When;
use crate::pages::render::{Page, Policy};
use serde::Serialize;

/// A sign-in at a provider that ended here.
#[derive(Debug, Clone, Serialize)]
pub struct UpstreamTrouble {
    pub kind: WhatWentWrong,
    /// As its button calls it.
    pub provider: String,
    /// Where the person can go on.
    pub back: Link,
    /// To quote; the logs carry it too.
    pub request_id: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WhatWentWrong {
    /// It began elsewhere, took too long or was finished before.
    Stale,
    /// The person or the provider said no.
    Declined,
    /// The provider does not answer.
    Away,
    /// What it answered does not hold.
    Untrue,
    /// The account here is switched off.
    Off,
    /// Nobody here is linked, and nobody gets an account this way.
    Unknown,
    /// Somebody here has the address that the provider vouches for.
    HasAccount,
}

impl WhatWentWrong {
    pub const ALL: [Self; 7] =
        [Self::Stale, Self::Declined, Self::Away, Self::Untrue, Self::Off, Self::Unknown, Self::HasAccount];

    /// The HTTP status that goes with the words.
    pub const fn status(self) -> u16 {
        match self {
            Self::Stale | Self::Declined => 400,
            Self::Off | Self::Unknown | Self::HasAccount => 403,
            Self::Untrue => 502,
            Self::Away => 503,
        }
    }
}

impl Page for UpstreamTrouble {
    const TEMPLATE: &'static str = "upstream.html";
    const POLICY: Policy = Policy::Stays;
}

/// `GET /account/methods`. Forms: `/account/methods/link` (`upstream`, `password`), `/account/methods/unlink` (`issuer`,
/// `subject`); each with `csrf`.
#[derive(Debug, Clone, Serialize)]
pub struct AccountMethods {
    pub csrf: String,
    pub username: String,
    pub has_password: bool,
    pub linked: Vec<Linked>,
    /// Providers that could be linked.
    pub offers: Vec<Offer>,
    pub notice: Option<MethodsNotice>,
    pub confirm: Option<ConfirmError>,
}

/// Somebody at a provider who signs in here.
#[derive(Debug, Clone, Serialize)]
pub struct Linked {
    /// The provider's name, or its issuer where it is offered no longer.
    pub provider: String,
    pub label: String,
    pub issuer: String,
    pub subject: String,
    pub since: When,
    /// Another way in remains.
    pub removable: bool,
}

#[derive(Debug, Clone, Serialize)]
pub struct Offer {
    pub id: String,
    pub name: String,
}

/// What was just done, after the redirect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum MethodsNotice {
    Linked,
    Unlinked,
    /// That identity signs in to an account already.
    Taken,
    /// The last way in stays.
    Last,
    /// An account without a password must have been signed in to just now.
    SignInAgain,
}

impl MethodsNotice {
    pub const ALL: [(&'static str, Self); 5] = [
        ("linked", Self::Linked),
        ("unlinked", Self::Unlinked),
        ("taken", Self::Taken),
        ("last", Self::Last),
        ("again", Self::SignInAgain),
    ];
}

impl Page for AccountMethods {
    const TEMPLATE: &'static str = "account_methods.html";
    // Linking leads to the provider, by redirect.
    const POLICY: Policy = Policy::LeadsOut;
}
