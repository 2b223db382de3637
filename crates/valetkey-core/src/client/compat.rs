//! Compatibility opt-ins: what RFC 9700 and OAuth 2.1 advise against, off unless an operator turns it on for one client.

use serde::{Deserialize, Serialize};

/// One opt-in of one client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compat {
    /// `access_token_lifetime` over 24 hours.
    LongLivedAccessToken,
}

impl Compat {
    /// Every opt-in this server can honour, with its risk in words.
    pub const ALL: [(&'static str, Self, &'static str); 1] = [(
        "long_lived_access_token",
        Self::LongLivedAccessToken,
        "a stolen access token stays useful for as long as it lives; revoke it by hand",
    )];

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(name, ..)| *name == text).map(|(_, compat, _)| compat)
    }

    pub fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, own, _)| *own == self).map_or("", |(name, ..)| name)
    }
}
