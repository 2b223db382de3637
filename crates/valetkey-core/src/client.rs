//! RFC 6749 §2 — an application that acts for users or for itself

mod assertion;
pub mod authenticate;
pub mod compat;
pub mod document;
pub mod keys;
pub mod listing;
pub mod metadata;
pub mod noted;
pub mod profile;
pub mod redirect_uri;
pub mod subject;

use crate::grant::GrantType;
use crate::ids::{ClientId, Id, TenantId};
use crate::interaction::ResponseType;
use crate::jose::SigningAlgorithm;
use crate::scope::Scope;
use crate::secret::SecretHash;
use crate::time::{Seconds, Timestamp};
use compat::Compat;
use listing::Listing;
use profile::Profile;
use serde::{Deserialize, Serialize};

/// How a client proves itself at the token endpoint (RFC 7591 §2, `token_endpoint_auth_method`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// A secret, by Basic or in the body: the client may use either.
    ClientSecret,
    ClientSecretBasic,
    ClientSecretPost,
    /// A statement signed with a key of its own (RFC 7523 §2.2, OIDC Core §9).
    PrivateKeyJwt,
    /// A certificate that an authority of the operator's vouches for (RFC 8705 §2.1).
    TlsClientAuth,
    /// A certificate that stands among its keys (RFC 8705 §2.2).
    SelfSignedTlsClientAuth,
    /// A public client: it cannot keep a secret.
    None,
}

impl AuthMethod {
    pub const ALL: [(&'static str, Self); 7] = [
        ("client_secret", Self::ClientSecret),
        ("client_secret_basic", Self::ClientSecretBasic),
        ("client_secret_post", Self::ClientSecretPost),
        ("private_key_jwt", Self::PrivateKeyJwt),
        ("tls_client_auth", Self::TlsClientAuth),
        ("self_signed_tls_client_auth", Self::SelfSignedTlsClientAuth),
        ("none", Self::None),
    ];

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(name, _)| *name == text).map(|(_, method)| method)
    }

    /// Whether it is proven in the TLS handshake.
    pub fn is_by_certificate(self) -> bool {
        matches!(self, Self::TlsClientAuth | Self::SelfSignedTlsClientAuth)
    }

    /// Whether a client of this method has a secret at all.
    pub fn is_by_secret(self) -> bool {
        matches!(self, Self::ClientSecret | Self::ClientSecretBasic | Self::ClientSecretPost)
    }
}

/// One of a client's secrets; several may be valid at a time, so that rotation overlaps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientSecret {
    pub id: Id,
    pub hash: SecretHash,
    pub created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// What its owners call it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
}

impl ClientSecret {
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|at| at > now)
    }
}

/// Who brought the client here: it decides how the consent page speaks of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// An operator, on the command line or in a file.
    #[default]
    Operator,
    /// A developer, in the portal.
    Developer,
    /// The application itself (RFC 7591).
    Dynamic,
    /// Nobody: its id is the address at which it describes itself.
    Document,
    /// Nobody either: it stands for people at an API in a browser, and is never stored.
    Gateway,
}

/// A registered application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    pub id: ClientId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantId>,
    pub name: String,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub website: String,
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    #[serde(default)]
    pub post_logout_redirect_uris: Vec<String>,
    pub grant_types: Vec<GrantType>,
    /// What it may ask for; `None`: any scope registered here (an operator's choice, never a developer's).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// What a token for the application itself may have of it; `None`: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application_scope: Option<Scope>,
    pub auth_method: AuthMethod,
    #[serde(default)]
    pub secrets: Vec<ClientSecret>,
    /// `jwks`: the public keys by which it proves itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks: Option<serde_json::Value>,
    /// Where they are to be read instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// May introspect any token, not only its own.
    #[serde(default)]
    pub introspect: bool,
    #[serde(default)]
    pub compat: Vec<Compat>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_token_lifetime: Option<Seconds>,
    #[serde(default)]
    pub origin: Origin,
    /// RFC 7592 §3: of the token by which a self-registered client manages its registration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration_token: Option<SecretHash>,
    #[serde(flatten)]
    pub profile: Profile,
    #[serde(default, skip_serializing_if = "Listing::is_empty")]
    pub listing: Listing,
    #[serde(default)]
    pub disabled: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Rises with every change; a writer that saw an older one is refused.
    #[serde(skip)]
    pub version: i64,
}

impl Client {
    pub fn is_public(&self) -> bool {
        self.auth_method == AuthMethod::None
    }

    pub fn allows(&self, grant: GrantType) -> bool {
        self.grant_types.contains(&grant)
    }

    /// Under FAPI 2.0 no opt-in counts, however it came to be registered.
    pub fn has(&self, compat: Compat) -> bool {
        self.compat.contains(&compat) && !self.is_fapi2()
    }

    /// Whether it may have such an answer: by its grants and what it registered for, and through the browser by an opt-in.
    pub fn may_have(&self, kind: ResponseType) -> bool {
        let granted = kind.grants().iter().all(|grant| self.allows(*grant));
        let opted = !kind.is_in_front() || self.has(Compat::Implicit);
        granted && opted && self.profile.security.has_response_type(kind)
    }

    pub const fn is_fapi2(&self) -> bool {
        self.profile.security.is_fapi2()
    }

    /// By which algorithm its ID tokens and logout tokens are signed (OIDC Registration §2; FAPI 2.0 §5.4.1).
    pub fn id_token_algorithm(&self) -> SigningAlgorithm {
        let usual = if self.is_fapi2() { SigningAlgorithm::Es256 } else { SigningAlgorithm::Rs256 };
        self.profile.openid.id_token_signed_response_alg.unwrap_or(usual)
    }

    /// Whether the client may ask for a scope. Standard and registered names are checked elsewhere.
    pub fn may_ask_for(&self, name: &str) -> bool {
        self.scope.as_ref().is_none_or(|own| own.contains(name))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A confidential web client for the tables of other modules.
    pub(crate) fn client(id: &str) -> Client {
        Client {
            id: id.into(),
            tenant: None,
            name: id.to_owned(),
            description: String::new(),
            website: String::new(),
            redirect_uris: vec!["https://app.example/cb".to_owned()],
            post_logout_redirect_uris: Vec::new(),
            grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
            scope: None,
            application_scope: None,
            auth_method: AuthMethod::ClientSecret,
            secrets: Vec::new(),
            jwks: None,
            jwks_uri: None,
            introspect: false,
            compat: Vec::new(),
            access_token_lifetime: None,
            origin: Origin::Operator,
            registration_token: None,
            profile: Profile::default(),
            listing: Listing::default(),
            disabled: false,
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
            version: 1,
        }
    }
}
