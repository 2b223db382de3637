//! RFC 6749 §1.5 — refresh tokens: the grant's id and generation, sealed so that sealing them again gives the same text

use crate::context::Server;
use crate::error::Fault;
use crate::ids::GrantId;
use crate::proof::dpop::Thumbprint;
use crate::seal::{self, Kind};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What a refresh token says; everything else stands in the grant's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshToken {
    pub grant: GrantId,
    pub generation: i64,
    /// RFC 9449 §5: of a public client, the key that alone may use it.
    pub key: Option<Thumbprint>,
}

/// A token that is bound to nothing; a bound one has its key behind that.
#[derive(Serialize, Deserialize)]
struct Record {
    grant: GrantId,
    generation: i64,
}

impl RefreshToken {
    /// Seals with the key that was active when the generation began, so that a retry gets the same text
    /// even across a key rotation.
    pub fn seal(&self, server: &Server, since: Timestamp) -> Result<String, Fault> {
        let (id, generation) = (self.grant.0.as_bytes(), self.generation.to_be_bytes());
        let record = Record { grant: self.grant, generation: self.generation };
        let keys = server.keys();
        let sealing = keys.sealing_at(since)?;
        match &self.key {
            None => {
                let nonce = seal::derived_nonce(Kind::RefreshToken, &[id, &generation]);
                sealing.seal(Kind::RefreshToken, nonce, &record)
            }
            Some(key) => {
                let nonce = seal::derived_nonce(Kind::BoundRefreshToken, &[id, &generation, key]);
                sealing.seal(Kind::BoundRefreshToken, nonce, &(record, key))
            }
        }
    }

    pub fn open(server: &Server, text: &str) -> Option<Self> {
        let keys = server.keys();
        let open = |kind| seal::open(keys.sealing(), kind, text);
        if text.starts_with(Kind::BoundRefreshToken.prefix()) {
            let (record, key): (Record, Thumbprint) = open(Kind::BoundRefreshToken)?.record()?;
            return Some(Self { grant: record.grant, generation: record.generation, key: Some(key) });
        }
        let record: Record = open(Kind::RefreshToken)?.record()?;
        Some(Self { grant: record.grant, generation: record.generation, key: None })
    }
}
