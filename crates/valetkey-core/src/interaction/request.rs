//! RFC 6749 §4.1.1, OIDC Core §3.1.2.1 — a validated authorization request

use crate::grant::GrantType;
use crate::ids::{ClientId, TenantId};
use crate::proof::dpop::Thumbprint;
use crate::scope::Scope;
use crate::time::Seconds;
use crate::token::details::{self, Details};
use serde::{Deserialize, Serialize};

/// `response_type`: what the answer brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ResponseType {
    Code,
    /// RFC 6749 §4.2: an access token; only with the opt-in `implicit`.
    Token,
}

impl ResponseType {
    pub const ALL: [(&'static str, Self); 2] = [("code", Self::Code), ("token", Self::Token)];

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(name, _)| *name == text).map(|(_, kind)| kind)
    }

    /// The grant that a client needs for it.
    pub const fn grant(self) -> GrantType {
        match self {
            Self::Code => GrantType::AuthorizationCode,
            Self::Token => GrantType::Implicit,
        }
    }
}

/// How the answer reaches the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ResponseMode {
    /// In the query of the redirect URI (RFC 6749 §4.1.2).
    Query,
    /// In the body of a POST by the browser (OAuth 2.0 Form Post Response Mode §2).
    FormPost,
    /// In the fragment (RFC 6749 §4.2.2): how tokens travel, and nothing else. Never asked for by name.
    Fragment,
    /// Nowhere: the person copies it off a page of ours (opt-in `oob`). Never asked for by name.
    Page,
}

impl ResponseMode {
    /// What a request may ask for.
    pub const ALL: [(&'static str, Self); 2] = [("query", Self::Query), ("form_post", Self::FormPost)];

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(name, _)| *name == text).map(|(_, mode)| mode)
    }

    /// Whether an answer can travel so: a browser posts forms to web addresses only.
    pub fn reaches(self, redirect_uri: &str) -> bool {
        self != Self::FormPost || redirect_uri.starts_with("http://") || redirect_uri.starts_with("https://")
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
    pub response_type: ResponseType,
    pub response_mode: ResponseMode,
    pub state: Option<String>,
    pub scope: Scope,
    pub resources: Vec<String>,
    /// RFC 7636 §4.2, S256; empty where the opt-in `no_pkce` let it be left out.
    pub challenge: String,
    pub nonce: Option<String>,
    /// RFC 9449 §10, `dpop_jkt`: the key that must redeem the code.
    pub key: Option<Thumbprint>,
    pub prompts: Vec<Prompt>,
    pub max_age: Option<Seconds>,
    pub login_hint: Option<String>,
    /// The user directory: who belongs to another is not signed in here.
    pub tenant: TenantId,
    #[serde(with = "details::text")]
    pub details: Details,
}
