//! Other issuers whose word counts here: for people, for workloads, or for the makers of software; and how far it goes.

mod people;
mod verify;

pub use people::{Somebody, somebody};
pub use verify::{Distrust, Statement, verify};

use crate::client::keys::Keys;
use crate::ids::TenantId;
use crate::jose::jwk::Algorithm;
use crate::settings::Accounts;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What an issuer is believed about. Each is said by the operator; none follows from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// Who a person is (RFC 7523 §2.1, RFC 8693 §2.1).
    Users,
    /// The same, and what the person's organisation lets an application do
    /// (draft-ietf-oauth-identity-assertion-authz-grant §4).
    IdJag,
    /// Which workload a client is (RFC 7523 §2.2): Kubernetes, CI.
    Workloads,
    /// What software an application is (RFC 7591 §2.3).
    SoftwareStatements,
}

impl Trust {
    pub const ALL: [(&'static str, Self); 4] = [
        ("users", Self::Users),
        ("id_jag", Self::IdJag),
        ("workloads", Self::Workloads),
        ("software_statements", Self::SoftwareStatements),
    ];

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(name, _)| *name == text).map(|(_, own)| own)
    }
}

/// By what a person of the issuer is known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum MatchBy {
    /// The identity that is linked to an account: issuer and subject, as for signing in there.
    #[default]
    Identity,
    /// `preferred_username`, or where there is none `sub`, is the user name here: for an issuer that gives the names out itself.
    Username,
    /// The e-mail address, verified there and here.
    Email,
}

impl MatchBy {
    pub const ALL: [(&'static str, Self); 3] =
        [("identity", Self::Identity), ("username", Self::Username), ("email", Self::Email)];

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(name, _)| *name == text).map(|(_, own)| own)
    }
}

/// An issuer, as its operator described it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustedIssuer {
    pub id: String,
    /// `iss`, character for character.
    pub issuer: String,
    /// Its public keys; with neither of the two they are where its metadata say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// What its tokens may be for, beside our issuer.
    #[serde(default)]
    pub audiences: Vec<String>,
    /// By which it may sign; empty: EdDSA, ES256, PS256, RS256.
    #[serde(default)]
    pub algorithms: Vec<String>,
    pub trusted_for: Vec<Trust>,
    /// Whose people its people are.
    #[serde(default)]
    pub tenant: TenantId,
    #[serde(default)]
    pub match_by: MatchBy,
    /// Whether a person who is not known yet gets an account.
    #[serde(default)]
    pub sign_up: bool,
    /// Whether its word stands for the person's consent. An ID-JAG's always does: that is what it says.
    #[serde(default)]
    pub implies_consent: bool,
    #[serde(default)]
    pub disabled: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    #[serde(skip)]
    pub version: i64,
}

impl TrustedIssuer {
    /// Its keys, where the operator said where they are.
    fn keys(&self) -> Option<Keys<'_>> {
        self.jwks.as_ref().map(Keys::Given).or(self.jwks_uri.as_deref().map(Keys::At))
    }

    /// Whether it knows people by user names that strangers give themselves here: the first to take one would be its person.
    pub fn mistakes_strangers(&self, accounts: &Accounts) -> bool {
        let people = self.trusted_for.iter().any(|trust| matches!(trust, Trust::Users | Trust::IdJag));
        people && self.match_by == MatchBy::Username && accounts.lets_sign_up(&self.tenant)
    }

    /// Whether a word of its lets an application have something of these people whom nobody asked.
    pub fn vouches_for(&self, tenant: &TenantId) -> bool {
        let implies = |trust: &Trust| match trust {
            Trust::IdJag => true,
            Trust::Users => self.implies_consent,
            Trust::Workloads | Trust::SoftwareStatements => false,
        };
        !self.disabled && self.tenant == *tenant && self.trusted_for.iter().any(implies)
    }

    fn takes(&self, algorithm: Algorithm) -> bool {
        let named = |name: &String| Algorithm::parse(name) == Some(algorithm);
        self.algorithms.is_empty() || self.algorithms.iter().any(named)
    }
}
