//! Existing providers at which people may sign in: what an operator says of each, and who is linked to whom.

use crate::context::Server;
use crate::error::{Fault, FaultKind};
use crate::ids::{TenantId, UserId};
use crate::seal::{self, Kind};
use crate::secret::Secret;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// How the provider is spoken to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Provider {
    /// An OpenID Provider; everything else stands in its metadata (OIDC Discovery §4).
    OpenId { issuer: String },
    /// A plain OAuth 2 service whose userinfo says who somebody is.
    OAuth { authorize_url: String, token_url: String, userinfo_url: String },
}

/// How we prove ourselves there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum OurMethod {
    #[default]
    ClientSecretBasic,
    ClientSecretPost,
    None,
}

impl OurMethod {
    pub const ALL: [(&'static str, Self); 3] = [
        ("client_secret_basic", Self::ClientSecretBasic),
        ("client_secret_post", Self::ClientSecretPost),
        ("none", Self::None),
    ];

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(name, _)| *name == text).map(|(_, method)| method)
    }

    pub fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, own)| *own == self).map_or("", |(name, _)| name)
    }
}

/// What the provider calls what we want to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClaimNames {
    /// Names a person for ever: never a name that can be given to somebody else.
    pub subject: String,
    pub username: String,
    pub name: String,
    pub email: String,
    pub email_verified: String,
}

impl Default for ClaimNames {
    fn default() -> Self {
        Self {
            subject: "sub".to_owned(),
            username: "preferred_username".to_owned(),
            name: "name".to_owned(),
            email: "email".to_owned(),
            email_verified: "email_verified".to_owned(),
        }
    }
}

/// A provider, as its operator described it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upstream {
    /// Stands in the redirect URI `/login/upstream/{id}/callback`.
    pub id: String,
    /// As people read it on the button.
    pub name: String,
    /// Whose people sign in with it.
    pub tenant: TenantId,
    pub provider: Provider,
    pub client_id: String,
    /// Sealed by the master key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
    #[serde(default)]
    pub auth_method: OurMethod,
    pub scope: String,
    #[serde(default)]
    pub claims: ClaimNames,
    /// Whether a person who is not known yet gets an account.
    pub sign_up: bool,
    #[serde(default)]
    pub disabled: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    #[serde(skip)]
    pub version: i64,
}

impl Upstream {
    /// Whose subjects its subjects are: the issuer, or for a plain service the address that vouches for them.
    pub fn issuer(&self) -> &str {
        match &self.provider {
            Provider::OpenId { issuer } => issuer,
            Provider::OAuth { userinfo_url, .. } => userinfo_url,
        }
    }

    pub fn is_openid(&self) -> bool {
        matches!(self.provider, Provider::OpenId { .. })
    }

    /// RFC 9700 §4.4.2: each provider has a redirect URI of its own.
    pub fn redirect_uri(&self, server: &Server) -> String {
        server.settings.url(&format!("/login/upstream/{}/callback", self.id))
    }

    /// Our secret there, in clear.
    pub fn secret(&self, server: &Server) -> Result<Option<Secret>, Fault> {
        let Some(sealed) = &self.client_secret else { return Ok(None) };
        let opened = seal::open([&server.master], Kind::UpstreamSecret, sealed);
        let text: Option<&str> = opened.as_ref().and_then(seal::Opened::record);
        let lost = Fault::bare(
            FaultKind::Corrupt,
            "an upstream's client secret cannot be opened with the master key",
        );
        text.map(|text| Some(Secret::new(text))).ok_or(lost)
    }
}

/// The form in which a secret is kept.
pub fn seal_secret(server: &Server, secret: &Secret) -> Result<String, Fault> {
    server.master.seal(Kind::UpstreamSecret, server.nonce(), &secret.expose())
}

/// One person at one provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedIdentity {
    pub tenant: TenantId,
    /// `Upstream::issuer`; together with `subject` the only thing by which people are known again.
    pub issuer: String,
    pub subject: String,
    pub user: UserId,
    /// What the person is called there, for the account page.
    pub label: String,
    pub linked_at: Timestamp,
}
