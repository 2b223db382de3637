//! Compatibility opt-ins: what RFC 9700 and OAuth 2.1 advise against, off unless an operator turns it on for one client.

use crate::grant::GrantType;
use serde::{Deserialize, Serialize};

/// One opt-in of one client. `query_access_token` is an API's and stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compat {
    /// `response_type=token` (RFC 6749 §4.2).
    Implicit,
    /// `grant_type=password` (RFC 6749 §4.3).
    Password,
    /// `urn:ietf:wg:oauth:2.0:oob` as a redirect URI: the code is shown on a page.
    Oob,
    /// Parameters of a token request in the URL's query.
    QueryCredentials,
    /// A confidential client may do without PKCE.
    NoPkce,
    /// The refresh token neither rotates nor expires.
    ReusableRefreshToken,
    /// A redeemed code works as a refresh token of its grant.
    CodeAsRefreshToken,
    /// `access_token_lifetime` over 24 hours.
    LongLivedAccessToken,
    /// A client's own statement may name the token endpoint as its audience (RFC 7523 §3, OIDC Core §9).
    TokenEndpointAudience,
}

impl Compat {
    /// Every opt-in this server can honour, with its risk in words.
    pub const ALL: [(&'static str, Self, &'static str); 9] = [
        (
            "implicit",
            Self::Implicit,
            "the access token travels in the address of a page: scripts, extensions and the browser's history can read \
             it, and nothing proves that it reaches the application it was made for",
        ),
        (
            "password",
            Self::Password,
            "the application sees the person's password; there is no consent, no second factor, and people learn to \
             type their password anywhere",
        ),
        (
            "oob",
            Self::Oob,
            "the code is shown on a page to be copied: a person can be talked into handing it to somebody else",
        ),
        (
            "query_credentials",
            Self::QueryCredentials,
            "the client secret stands in the request's address, which proxies and tools on the way write into their logs",
        ),
        (
            "no_pkce",
            Self::NoPkce,
            "a code that leaks or is injected can be exchanged: only the client secret stands in the way",
        ),
        (
            "reusable_refresh_token",
            Self::ReusableRefreshToken,
            "a stolen refresh token works unnoticed, beside the true one, until somebody revokes the grant",
        ),
        (
            "code_as_refresh_token",
            Self::CodeAsRefreshToken,
            "the code, which passed through the browser's address, keeps working as a refresh token: whoever finds it \
             in a history and knows the client secret has access until somebody revokes the grant",
        ),
        (
            "long_lived_access_token",
            Self::LongLivedAccessToken,
            "a stolen access token stays useful for as long as it lives; revoke it by hand",
        ),
        (
            "token_endpoint_audience",
            Self::TokenEndpointAudience,
            "an authorization server that the application also uses can say that our token endpoint is its own, and then \
             act here as the application with the statement that was meant for it",
        ),
    ];

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(name, ..)| *name == text).map(|(_, compat, _)| compat)
    }

    pub fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, own, _)| *own == self).map_or("", |(name, ..)| name)
    }

    /// What can go wrong with it, for the person who turns it on.
    pub fn risk(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, own, _)| *own == self).map_or("", |(.., risk)| risk)
    }

    /// The grant that needs it.
    pub fn opens(self) -> Option<GrantType> {
        GrantType::ALL.into_iter().find(|grant| Self::needed_for(*grant) == Some(self))
    }

    /// What was switched from one list to another, for the audit trail: `+implicit -oob`. `None`: nothing.
    pub fn switched(before: &[Self], after: &[Self]) -> Option<String> {
        let on = Self::ALL.iter().filter(|(_, own, _)| after.contains(own) && !before.contains(own));
        let off = Self::ALL.iter().filter(|(_, own, _)| before.contains(own) && !after.contains(own));
        let words: Vec<_> =
            on.map(|(name, ..)| format!("+{name}")).chain(off.map(|(name, ..)| format!("-{name}"))).collect();
        (!words.is_empty()).then(|| words.join(" "))
    }

    /// The opt-in that a grant needs besides being registered for the client.
    pub const fn needed_for(grant: GrantType) -> Option<Self> {
        match grant {
            GrantType::Implicit => Some(Self::Implicit),
            GrantType::Password => Some(Self::Password),
            GrantType::AuthorizationCode
            | GrantType::ClientCredentials
            | GrantType::RefreshToken
            | GrantType::DeviceCode
            | GrantType::Ciba
            | GrantType::TokenExchange
            | GrantType::JwtBearer => None,
        }
    }
}
