//! RFC 6749 §1.5 — refresh tokens: the grant's id and generation, sealed so that sealing them again gives the same text

use crate::context::Server;
use crate::error::Fault;
use crate::ids::GrantId;
use crate::seal::{self, Kind};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What a refresh token says; everything else stands in the grant's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshToken {
    pub grant: GrantId,
    pub generation: i64,
}

impl RefreshToken {
    /// Seals with the key that was active when the generation began, so that a retry gets the same text
    /// even across a key rotation.
    pub fn seal(&self, server: &Server, since: Timestamp) -> Result<String, Fault> {
        let nonce = seal::derived_nonce(
            Kind::RefreshToken,
            &[self.grant.0.as_bytes(), &self.generation.to_be_bytes()],
        );
        server.keys().sealing_at(since)?.seal(Kind::RefreshToken, nonce, self)
    }

    pub fn open(server: &Server, text: &str) -> Option<Self> {
        seal::open(server.keys().sealing(), Kind::RefreshToken, text)?.record()
    }
}
