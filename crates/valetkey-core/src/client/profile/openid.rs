//! OIDC Registration §2 — what a client wants of ID tokens, userinfo and subjects

use super::{encryption_flaw, is_lonely, members};
use crate::client::metadata::BadMetadata;
use crate::client::{Client, keys, subject};
use crate::jose::SigningAlgorithm;
use crate::jose::jwe::{Algorithm, Encryption};
use serde::{Deserialize, Serialize};
use url::Url;

/// OIDC Core §8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SubjectType {
    Public,
    Pairwise,
}

impl SubjectType {
    pub const ALL: [(&'static str, Self); 2] = [("public", Self::Public), ("pairwise", Self::Pairwise)];
}

members! {
    /// Of OpenID Connect.
    pub struct OpenId {
        /// By which algorithm its ID tokens are signed; none said: RS256.
        pub id_token_signed_response_alg: Option<SigningAlgorithm>,
        /// How they are encrypted for its keys; none said: not at all.
        pub id_token_encrypted_response_alg: Option<Algorithm>,
        pub id_token_encrypted_response_enc: Option<Encryption>,
        /// By which algorithm what userinfo says is signed; none said: it is plain JSON.
        pub userinfo_signed_response_alg: Option<SigningAlgorithm>,
        pub userinfo_encrypted_response_alg: Option<Algorithm>,
        pub userinfo_encrypted_response_enc: Option<Encryption>,
        /// Seconds since the person proved who they are, where a request names none.
        pub default_max_age: Option<u32>,
        /// `auth_time` is in every ID token, asked for or not.
        pub require_auth_time: bool,
        pub default_acr_values: Vec<String>,
        pub subject_type: Option<SubjectType>,
        pub sector_identifier_uri: Option<String>,
        /// OIDC Core §4: where a sign-in can be begun from elsewhere.
        pub initiate_login_uri: Option<String>,
    }
}

/// How something is encrypted for a client.
pub type Encrypted = Option<(Algorithm, Encryption)>;

impl OpenId {
    pub fn is_pairwise(&self) -> bool {
        self.subject_type == Some(SubjectType::Pairwise)
    }

    pub fn id_token_encryption(&self) -> Encrypted {
        let alg = self.id_token_encrypted_response_alg?;
        Some((alg, self.id_token_encrypted_response_enc.unwrap_or_default()))
    }

    pub fn userinfo_encryption(&self) -> Encrypted {
        let alg = self.userinfo_encrypted_response_alg?;
        Some((alg, self.userinfo_encrypted_response_enc.unwrap_or_default()))
    }

    pub(super) fn check(&self, client: &Client) -> Result<(), BadMetadata> {
        let wrong = |why: &str| Err(BadMetadata(why.to_owned()));
        if is_lonely(self.id_token_encrypted_response_alg, self.id_token_encrypted_response_enc)
            || is_lonely(self.userinfo_encrypted_response_alg, self.userinfo_encrypted_response_enc)
        {
            return wrong("an encrypted_response_enc needs its encrypted_response_alg");
        }
        self.check_keys(client)?;
        if self.default_acr_values.len() > 16 || self.default_acr_values.iter().any(|acr| acr.len() > 255) {
            return wrong("default_acr_values has at most 16 values of 255 characters");
        }
        if !self.initiate_login_uri.as_deref().is_none_or(keys::is_readable) {
            return wrong("initiate_login_uri must be an https address, without a fragment");
        }
        self.check_sector(client)
    }

    fn check_keys(&self, client: &Client) -> Result<(), BadMetadata> {
        let algorithms = [self.id_token_encrypted_response_alg, self.userinfo_encrypted_response_alg];
        let flaw = algorithms.into_iter().flatten().find_map(|algorithm| encryption_flaw(client, algorithm));
        flaw.map_or(Ok(()), |words| Err(BadMetadata(words)))
    }

    // OIDC Core §8.1, OIDC Registration §2: the fetcher sees to what stands at the address.
    fn check_sector(&self, client: &Client) -> Result<(), BadMetadata> {
        let wrong = |why: &str| Err(BadMetadata(why.to_owned()));
        if let Some(uri) = &self.sector_identifier_uri
            && !Url::parse(uri).is_ok_and(|url| {
                matches!(url.scheme(), "https" | "http") && url.host().is_some() && url.fragment().is_none()
            })
        {
            return wrong("sector_identifier_uri must be an https address");
        }
        if self.is_pairwise() && subject::sector(client).is_none() {
            return wrong(
                "subject_type pairwise needs redirect URIs of one host, or a sector_identifier_uri that lists them",
            );
        }
        Ok(())
    }
}
