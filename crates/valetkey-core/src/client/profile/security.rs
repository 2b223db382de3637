//! RFC 9126 §6, RFC 9101 §10.5, JARM §3, RFC 9396 §10, FAPI 2.0 §5 — what a client binds itself to

use super::members;
use crate::client::Client;
use crate::client::metadata::BadMetadata;
use crate::interaction::ResponseType;
use crate::jose::SigningAlgorithm;
use crate::jose::jwk::Algorithm;
use serde::{Deserialize, Serialize};

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
        /// By which algorithm it signs its request objects; none said: any of ours.
        pub request_object_signing_alg: Option<String>,
        /// By which algorithm a signed answer (JARM) is signed; none said: RS256, or ES256 under `fapi2`.
        pub authorization_signed_response_alg: Option<SigningAlgorithm>,
        /// RFC 9396 §10: the types that it may ask for; empty: any that is registered here.
        pub authorization_details_types: Vec<String>,
        /// OIDC Core §4: where a sign-in can be begun for it.
        pub initiate_login_uri: Option<String>,
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

    pub(super) fn check(&self, _client: &Client) -> Result<(), BadMetadata> {
        Ok(())
    }
}
