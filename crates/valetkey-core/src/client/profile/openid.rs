//! OIDC Registration 1.0 §2 — what a client wants of ID tokens, userinfo and subjects

use super::members;
use crate::client::Client;
use crate::client::metadata::BadMetadata;

members! {
    /// Of OpenID Connect.
    pub struct OpenId {
        /// By which algorithm its ID tokens are signed; none said: RS256.
        pub id_token_signed_response_alg: Option<String>,
    }
}

impl OpenId {
    pub(super) fn check(&self, _client: &Client) -> Result<(), BadMetadata> {
        Ok(())
    }
}
