//! RFC 7515–7519 — JSON Web signatures, keys and tokens, as far as an authorization server makes and reads them

pub mod jwe;
pub mod jwk;
pub mod jws;
pub mod jwt;
mod signing_key;

pub use signing_key::{Signer, SigningKey, generate};

use serde::{Deserialize, Serialize};

/// A signature algorithm of RFC 7518 §3.1 or RFC 8037 §3.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
pub enum SigningAlgorithm {
    #[default]
    #[serde(rename = "EdDSA")]
    EdDsa,
    #[serde(rename = "ES256")]
    Es256,
    #[serde(rename = "RS256")]
    Rs256,
    /// RFC 7518 §3.5, with the key of RS256.
    #[serde(rename = "PS256")]
    Ps256,
}

impl SigningAlgorithm {
    pub const ALL: [Self; 4] = [Self::EdDsa, Self::Es256, Self::Rs256, Self::Ps256];
    /// Those that have a key of their own.
    pub const KEYS: [Self; 3] = [Self::EdDsa, Self::Es256, Self::Rs256];

    /// The `alg` value.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
        }
    }

    /// The one whose key signs.
    #[must_use]
    pub const fn key(self) -> Self {
        if matches!(self, Self::Ps256) { Self::Rs256 } else { self }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|alg| alg.name().eq_ignore_ascii_case(text))
    }
}
