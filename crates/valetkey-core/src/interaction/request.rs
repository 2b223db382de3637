//! RFC 6749 §4.1.1, OIDC Core §3.1.2.1 — a validated authorization request

use crate::ids::ClientId;
use crate::scope::Scope;
use crate::time::Seconds;
use serde::{Deserialize, Serialize};

/// How the answer reaches the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ResponseMode {
    /// In the query of the redirect URI (RFC 6749 §4.1.2).
    Query,
    /// In the body of a POST by the browser (OAuth 2.0 Form Post Response Mode §2).
    FormPost,
}

impl ResponseMode {
    pub const ALL: [(&'static str, Self); 2] = [("query", Self::Query), ("form_post", Self::FormPost)];

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(name, _)| *name == text).map(|(_, mode)| mode)
    }

    /// Whether an answer can travel so: a browser posts forms to web addresses only.
    pub fn reaches(self, redirect_uri: &str) -> bool {
        self == Self::Query || redirect_uri.starts_with("http://") || redirect_uri.starts_with("https://")
    }
}

/// `prompt` (OIDC Core §3.1.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Prompt {
    None,
    Login,
    Consent,
    SelectAccount,
}

impl Prompt {
    pub const ALL: [(&'static str, Self); 4] = [
        ("none", Self::None),
        ("login", Self::Login),
        ("consent", Self::Consent),
        ("select_account", Self::SelectAccount),
    ];

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(name, _)| *name == text).map(|(_, prompt)| prompt)
    }
}

/// Every parameter checked; the client and its redirect URI first of all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationRequest {
    pub client: ClientId,
    pub redirect_uri: String,
    pub response_mode: ResponseMode,
    pub state: Option<String>,
    pub scope: Scope,
    pub resources: Vec<String>,
    /// RFC 7636 §4.2, S256.
    pub challenge: String,
    pub nonce: Option<String>,
    pub prompts: Vec<Prompt>,
    pub max_age: Option<Seconds>,
    pub login_hint: Option<String>,
}
