//! RFC 9126 §6, RFC 9101 §10.5, JARM §3, RFC 9396 §10, FAPI 2.0 §5 — what a client binds itself to

use super::{Encrypted, encryption_flaw, is_lonely, members};
use crate::client::Client;
use crate::client::compat::Compat;
use crate::client::keys::{self, Keys};
use crate::client::metadata::BadMetadata;
use crate::interaction::ResponseType;
use crate::jose::SigningAlgorithm;
use crate::jose::jwe;
use crate::jose::jwk::Algorithm;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// More types than any one client asks for.
const MOST_TYPES: usize = 50;
/// More places than any one client puts its requests at.
const MOST_URIS: usize = 20;

/// A set of demands that is switched on as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecurityProfile {
    /// FAPI 2.0 Security Profile.
    Fapi2,
}

members! {
    /// What is demanded of its requests, and how it is answered.
    pub struct Security {
        /// Switches on all that a profile needs, and refuses what it forbids.
        pub profile: Option<SecurityProfile>,
        /// RFC 7591 §2; empty: what its grants allow.
        pub response_types: Vec<String>,
        pub require_pushed_authorization_requests: bool,
        pub require_signed_request_object: bool,
        /// By which algorithm it signs its client assertions; none said: any of ours.
        pub token_endpoint_auth_signing_alg: Option<String>,
        /// By which algorithm it signs its request objects; none said: any of ours.
        pub request_object_signing_alg: Option<String>,
        /// By which algorithm it means to encrypt them for a key of ours. It may use another, or none (OIDC Registration §2).
        pub request_object_encryption_alg: Option<jwe::Algorithm>,
        pub request_object_encryption_enc: Option<jwe::Encryption>,
        /// OIDC Registration §2: where its request objects may be read, if requests may come by reference at all.
        pub request_uris: Vec<String>,
        /// By which algorithm a signed answer (JARM) is signed; none said: RS256, or ES256 under `fapi2`.
        pub authorization_signed_response_alg: Option<SigningAlgorithm>,
        /// How such an answer is encrypted for its keys; none said: not at all.
        pub authorization_encrypted_response_alg: Option<jwe::Algorithm>,
        pub authorization_encrypted_response_enc: Option<jwe::Encryption>,
        /// RFC 9396 §10: the types that it may ask for; empty: any that is registered here.
        pub authorization_details_types: Vec<String>,
    }
}

impl Security {
    pub const fn is_fapi2(&self) -> bool {
        matches!(self.profile, Some(SecurityProfile::Fapi2))
    }

    /// Whether what it signs may be signed so (FAPI 2.0 §5.4.1).
    pub const fn takes(&self, algorithm: Algorithm) -> bool {
        !self.is_fapi2() || !matches!(algorithm, Algorithm::Rs256)
    }

    /// OIDC Registration §2: whether a client assertion may be signed so.
    pub fn takes_assertion(&self, algorithm: Algorithm) -> bool {
        let named = self.token_endpoint_auth_signing_alg.as_deref();
        self.takes(algorithm) && named.is_none_or(|name| Algorithm::parse(name) == Some(algorithm))
    }

    /// Whether it registered for this response type, or for none in particular.
    pub fn has_response_type(&self, kind: ResponseType) -> bool {
        let named = |name: &String| ResponseType::parse(name) == Some(kind);
        self.response_types.is_empty() || self.response_types.iter().any(named)
    }

    /// JARM §3.
    pub fn response_algorithm(&self) -> SigningAlgorithm {
        let usual = if self.is_fapi2() { SigningAlgorithm::Es256 } else { SigningAlgorithm::Rs256 };
        self.authorization_signed_response_alg.unwrap_or(usual)
    }

    /// JARM §3.
    pub fn response_encryption(&self) -> Encrypted {
        let alg = self.authorization_encrypted_response_alg?;
        Some((alg, self.authorization_encrypted_response_enc.unwrap_or_default()))
    }

    pub(super) fn check(&self, client: &Client) -> Result<(), BadMetadata> {
        let wrong = self.flaw(client).or_else(|| self.is_fapi2().then(|| fapi2_flaw(client)).flatten());
        wrong.map_or(Ok(()), |words| Err(BadMetadata(words)))
    }

    fn flaw(&self, client: &Client) -> Option<String> {
        let open = |kind: ResponseType| {
            let granted = kind.grants().iter().all(|grant| client.allows(*grant));
            granted && (!kind.is_in_front() || client.compat.contains(&Compat::Implicit))
        };
        let closed = |name: &&String| !ResponseType::parse(name).is_some_and(open);
        if let Some(name) = self.response_types.iter().find(closed) {
            let needs = "the grants it stands for, and but for code the opt-in implicit";
            return Some(format!("response_types: {name} is unknown here or needs {needs}"));
        }
        let signs = self.require_signed_request_object || self.request_object_signing_alg.is_some();
        for (member, named) in [
            ("request_object_signing_alg", &self.request_object_signing_alg),
            ("token_endpoint_auth_signing_alg", &self.token_endpoint_auth_signing_alg),
        ] {
            if named.as_deref().is_some_and(|name| Algorithm::parse(name).is_none()) {
                return Some(format!("{member} must be EdDSA, ES256, PS256 or RS256"));
            }
        }
        if signs && Keys::of(client).is_none() {
            return Some("signed requests need the client's public keys: a jwks or jwks_uri".to_owned());
        }
        if is_lonely(self.request_object_encryption_alg, self.request_object_encryption_enc)
            || is_lonely(self.authorization_encrypted_response_alg, self.authorization_encrypted_response_enc)
        {
            return Some(
                "request_object_encryption_enc and authorization_encrypted_response_enc need their alg"
                    .to_owned(),
            );
        }
        if let Some(flaw) =
            self.authorization_encrypted_response_alg.and_then(|alg| encryption_flaw(client, alg))
        {
            return Some(flaw);
        }
        if !self.request_uris.iter().all(|uri| is_request_uri(uri)) || self.request_uris.len() > MOST_URIS {
            return Some("request_uris: at most 20 https addresses of at most 512 characters".to_owned());
        }
        let types = &self.authorization_details_types;
        if types.len() > MOST_TYPES || types.iter().any(|name| name.is_empty() || name.len() > 200) {
            return Some("authorization_details_types: at most 50 names of 1 to 200 characters".to_owned());
        }
        None
    }
}

/// OIDC Core §6.2. The fragment is a hash of what stands there.
fn is_request_uri(uri: &str) -> bool {
    let url = uri.split_once('#').map_or(uri, |(url, _)| url);
    uri.len() <= 512 && uri.is_ascii() && keys::is_readable(url)
}

/// What FAPI 2.0 forbids of how a client is registered.
fn fapi2_flaw(client: &Client) -> Option<String> {
    let needs = |words: &str| Some(format!("the profile fapi2 {words}"));
    if client.is_public() || client.auth_method.is_by_secret() {
        return needs("needs a client that proves itself by private_key_jwt or mutual TLS");
    }
    if let Some(compat) = client.compat.first() {
        return needs(&format!("forbids the opt-in {}", compat.name()));
    }
    if client.profile.security.response_types.iter().any(|name| name != "code") {
        return needs("allows response_types [\"code\"] alone");
    }
    if let Some(uri) = client.redirect_uris.iter().find(|uri| !uri.starts_with("https://")) {
        return needs(&format!("needs https redirect URIs: {uri}"));
    }
    if !client.profile.federation.workload.is_empty() {
        return needs("forbids tokens of a workload: they are good for more than one request");
    }
    let signed = |name: &str| name.ends_with("_signed_response_alg") || name.ends_with("signing_alg");
    let weak = |value: &Value| {
        value.as_str().is_some_and(|alg| !["PS256", "ES256", "EdDSA", "Ed25519"].contains(&alg))
    };
    let members = client.profile.members();
    let found = members.iter().find(|(name, value)| signed(name) && weak(value));
    found.and_then(|(name, _)| needs(&format!("signs by PS256, ES256 or EdDSA alone: {name}")))
}
