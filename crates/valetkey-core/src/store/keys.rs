//! Keys at rest: wrapped by the master key, shared by every node.

use crate::audit::Record;
use crate::error::Fault;
use crate::ids::KeyId;
use crate::time::Timestamp;
use async_trait::async_trait;
use serde::Serialize;

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyPurpose {
    /// AES-256-GCM-SIV, for what only Valetkey opens.
    Sealing,
    /// Signs JWTs; its public half stands in the JWKS.
    Signing,
    /// Decrypts what others encrypted for us; its public half stands in the JWKS.
    Encryption,
}

/// A key as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoredKey {
    pub id: KeyId,
    pub purpose: KeyPurpose,
    /// `A256GCMSIV`, `EdDSA`, `ES256`, `RS256`, `RSA-OAEP-256`, `ECDH-ES`.
    pub algorithm: String,
    /// The private key, sealed under the master key.
    #[serde(skip)]
    pub wrapped: Vec<u8>,
    pub created_at: Timestamp,
    /// Published before, used from then on.
    pub active_at: Timestamp,
    /// Signing keys: still published, no longer used from then on. Encryption keys: still used, no longer published.
    pub retired_at: Option<Timestamp>,
}

#[async_trait]
pub trait Keys: Send + Sync {
    /// Oldest first.
    async fn keys(&self) -> Result<Vec<StoredKey>, Fault>;
    /// Adds keys and retires others, in one transaction. False (and nothing written) where a key of the same purpose and
    /// algorithm was added by somebody else after `seen`, the newest key the caller knew of: one rotator at a time.
    async fn add_keys(
        &self,
        add: &[StoredKey],
        retire: &[(KeyId, Timestamp)],
        seen: Option<&KeyId>,
        record: &Record,
    ) -> Result<bool, Fault>;
}
