//! RFC 6749 §4.1.1, OIDC Core §3.1.2.1 — a validated authorization request

use crate::claims::{self, Requested};
use crate::context::Server;
use crate::grant::GrantType;
use crate::ids::{ClientId, TenantId};
use crate::proof::dpop::Thumbprint;
use crate::scope::Scope;
use crate::store::Standing;
use crate::time::Seconds;
use crate::token::details::{self, Details};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// `response_type`: what the answer brings (OAuth 2.0 Multiple Response Type Encoding Practices §3, §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ResponseType {
    Code,
    /// RFC 6749 §4.2: an access token.
    Token,
    /// OIDC Core §3.2: who signed in, and nothing that opens anything.
    IdToken,
    IdTokenToken,
    /// OIDC Core §3.3, the hybrids.
    CodeIdToken,
    CodeToken,
    CodeIdTokenToken,
}

impl ResponseType {
    pub const ALL: [(&'static str, Self); 7] = [
        ("code", Self::Code),
        ("token", Self::Token),
        ("id_token", Self::IdToken),
        ("id_token token", Self::IdTokenToken),
        ("code id_token", Self::CodeIdToken),
        ("code token", Self::CodeToken),
        ("code id_token token", Self::CodeIdTokenToken),
    ];

    /// RFC 6749 §3.1.1: the order of the words means nothing.
    pub fn parse(text: &str) -> Option<Self> {
        let of = |name: &str| Self::ALL.into_iter().find(|(own, _)| *own == name).map(|(_, kind)| kind);
        of(text).or_else(|| {
            let mut words: Vec<&str> = text.split(' ').collect();
            words.sort_unstable();
            of(&words.join(" "))
        })
    }

    pub fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, own)| *own == self).map_or("", |(name, _)| name)
    }

    /// Whether a code comes, to be redeemed at the token endpoint.
    pub const fn has_code(self) -> bool {
        matches!(self, Self::Code | Self::CodeIdToken | Self::CodeToken | Self::CodeIdTokenToken)
    }

    /// Whether an access token comes through the browser.
    pub const fn has_token(self) -> bool {
        matches!(self, Self::Token | Self::IdTokenToken | Self::CodeToken | Self::CodeIdTokenToken)
    }

    /// Whether an ID token comes through the browser.
    pub const fn has_id_token(self) -> bool {
        matches!(self, Self::IdToken | Self::IdTokenToken | Self::CodeIdToken | Self::CodeIdTokenToken)
    }

    /// Whether anything comes through the browser that must not stand in a query.
    pub const fn is_in_front(self) -> bool {
        !matches!(self, Self::Code)
    }

    /// The grants that a client needs for it (RFC 7591 §2.1).
    pub const fn grants(self) -> &'static [GrantType] {
        match (self.has_code(), self.is_in_front()) {
            (true, false) => &[GrantType::AuthorizationCode],
            (true, true) => &[GrantType::AuthorizationCode, GrantType::Implicit],
            (false, _) => &[GrantType::Implicit],
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
    /// In the fragment (RFC 6749 §4.2.2).
    Fragment,
    /// Nowhere: the person copies it off a page of ours (opt-in `oob`). Never asked for by name.
    Page,
    /// JARM §2.3.1–2.3.3: the same three, and all of the answer in one signed JWT.
    QueryJwt,
    FormPostJwt,
    FragmentJwt,
    /// Nowhere either: the client fetches it itself (RFC 8628, CIBA). Never asked for by name.
    Elsewhere,
}

impl ResponseMode {
    /// What a request may ask for; `jwt` beside them is whichever of the signed ones is usual (JARM §2.3.4).
    pub const ALL: [(&'static str, Self); 6] = [
        ("query", Self::Query),
        ("fragment", Self::Fragment),
        ("form_post", Self::FormPost),
        ("query.jwt", Self::QueryJwt),
        ("fragment.jwt", Self::FragmentJwt),
        ("form_post.jwt", Self::FormPostJwt),
    ];

    /// JARM §2.3.4.
    pub const SHORT: &str = "jwt";

    /// `usual`: the mode of an answer that names none.
    pub fn parse(text: &str, usual: Self) -> Option<Self> {
        if text == Self::SHORT {
            return Some(usual.signed());
        }
        Self::ALL.into_iter().find(|(name, _)| *name == text).map(|(_, mode)| mode)
    }

    /// How it travels, signed or not.
    #[must_use]
    pub const fn carrier(self) -> Self {
        match self {
            Self::QueryJwt => Self::Query,
            Self::FormPostJwt => Self::FormPost,
            Self::FragmentJwt => Self::Fragment,
            plain => plain,
        }
    }

    /// The same, signed. What is shown on a page stays as it is.
    #[must_use]
    pub const fn signed(self) -> Self {
        match self.carrier() {
            Self::Query => Self::QueryJwt,
            Self::FormPost => Self::FormPostJwt,
            Self::Fragment => Self::FragmentJwt,
            other => other,
        }
    }

    pub const fn is_signed(self) -> bool {
        matches!(self, Self::QueryJwt | Self::FormPostJwt | Self::FragmentJwt)
    }

    /// Whether an answer can travel so: a browser posts forms to web addresses only.
    pub fn reaches(self, redirect_uri: &str) -> bool {
        self.carrier() != Self::FormPost
            || redirect_uri.starts_with("http://")
            || redirect_uri.starts_with("https://")
    }
}

/// `prompt` (OIDC Core §3.1.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Prompt {
    None,
    Login,
    Consent,
    SelectAccount,
    /// OIDC Prompt Create §4.
    Create,
}

impl Prompt {
    pub const ALL: [(&'static str, Self); 5] = [
        ("none", Self::None),
        ("login", Self::Login),
        ("consent", Self::Consent),
        ("select_account", Self::SelectAccount),
        ("create", Self::Create),
    ];

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(name, _)| *name == text).map(|(_, prompt)| prompt)
    }

    /// The values that this server knows; `create` where people make accounts for themselves in some directory.
    pub fn offered(server: &Server) -> impl Iterator<Item = (&'static str, Self)> {
        let sign_up = server.settings.accounts.sign_up.iter().any(|tenant| server.takes_sign_ups(tenant));
        Self::ALL.into_iter().filter(move |(_, own)| sign_up || *own != Self::Create)
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

impl AuthorizationRequest {
    /// What a person is asked for: the scopes, and each claim that is asked for by name and that no scope of them opens
    /// (OIDC Core §5.5).
    pub fn asked(&self) -> Cow<'_, Scope> {
        let mut asked = Cow::Borrowed(&self.scope);
        for name in self.details.claims.iter().flat_map(Requested::names) {
            if self.opener(name).is_none() {
                asked.to_mut().insert(&claims::alone(name));
            }
        }
        asked
    }

    /// Whether who is signed in and what they allowed is all that it asks for, wherever that was read: a plain request for
    /// a code, which nobody has to be asked about.
    pub fn is_met_by(&self, standing: &Standing) -> bool {
        let consent = standing.consent.as_ref().filter(|consent| consent.is_answer());
        self.response_type == ResponseType::Code
            && self.prompts.is_empty()
            && self.max_age.is_none()
            && self.details == Details::default()
            && standing.session.tenant == self.tenant
            && consent.is_some_and(|consent| consent.scope.covers(&self.scope))
    }

    /// The scope of this request that opens a claim.
    fn opener(&self, name: &str) -> Option<&'static str> {
        claims::find(name).map(|claim| claim.scope).filter(|scope| self.scope.contains(scope))
    }

    /// Whether what a person allowed opens a claim.
    pub fn allows_claim(&self, granted: &Scope, name: &str) -> bool {
        match self.opener(name) {
            Some(scope) => granted.contains(scope),
            None => granted.contains(&claims::alone(name)),
        }
    }
}
