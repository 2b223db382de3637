//! The keys in use: parsed once, read without a lock, replaced as a whole when the store says so.

use crate::error::{Fault, FaultKind};
use crate::ids::KeyId;
use crate::jose::jwe::decrypt::{DecryptionKey, KeyKind};
use crate::jose::{Signer, SigningAlgorithm, SigningKey};
use crate::seal::{self, Kind, SealNonce, SealingKey};
use crate::settings::{JWKS_MAX_AGE, LONGEST_ACCESS_TOKEN};
use crate::store::{KeyPurpose, StoredKey};
use crate::time::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

/// The algorithm name of sealing keys as stored.
pub const SEALING_ALGORITHM: &str = "A256GCMSIV";

/// Every key of the server, oldest first.
#[derive(Debug, Default)]
pub struct KeyRing {
    sealing: Vec<SealingKey>,
    signing: Vec<SigningKey>,
    decrypting: Vec<DecryptionKey>,
    stored: Vec<StoredKey>,
    /// How far the change feed had come when they were read.
    pub(crate) read_at: i64,
}

/// A key at rest is this record, sealed under the master key.
#[derive(Serialize, serde::Deserialize)]
struct AtRest<'a> {
    id: &'a str,
    bytes: &'a [u8],
}

/// Wraps a private key for the store.
pub fn wrap(master: &SealingKey, id: &KeyId, bytes: &[u8], nonce: SealNonce) -> Result<Vec<u8>, Fault> {
    master.seal(Kind::StoredKey, nonce, &AtRest { id: id.as_str(), bytes }).map(String::into_bytes)
}

impl KeyRing {
    /// Unwraps and parses what the store holds.
    pub fn unwrap(master: &SealingKey, stored: Vec<StoredKey>) -> Result<Self, Fault> {
        let mut ring = Self::default();
        for row in &stored {
            let wrong = || {
                Fault::bare(
                    FaultKind::Corrupt,
                    "the master key does not open the stored keys; every server on one database needs the same one",
                )
            };
            let text = std::str::from_utf8(&row.wrapped).map_err(|_| wrong())?;
            let opened = seal::open([master], Kind::StoredKey, text).ok_or_else(wrong)?;
            let at_rest: AtRest<'_> =
                opened.record().filter(|r: &AtRest<'_>| r.id == row.id.as_str()).ok_or_else(wrong)?;
            match row.purpose {
                KeyPurpose::Sealing => {
                    ring.sealing.push(SealingKey::new(row.id.clone(), row.active_at, at_rest.bytes)?);
                }
                KeyPurpose::Signing => {
                    // A newer version on the same database signs with what this one does not know.
                    let Some(algorithm) = SigningAlgorithm::parse(&row.algorithm) else { continue };
                    let (id, active, retired) = (row.id.clone(), row.active_at, row.retired_at);
                    ring.signing.push(SigningKey::parse(id, algorithm, active, retired, at_rest.bytes)?);
                }
                KeyPurpose::Encryption => {
                    let Some(kind) = KeyKind::parse(&row.algorithm) else { continue };
                    let (id, active, retired) = (row.id.clone(), row.active_at, row.retired_at);
                    ring.decrypting.push(DecryptionKey::parse(id, kind, active, retired, at_rest.bytes)?);
                }
            }
        }
        ring.stored = stored;
        Ok(ring)
    }

    /// The key that sealed, or would have sealed, at a moment: the newest active then.
    pub fn sealing_at(&self, at: Timestamp) -> Result<&SealingKey, Fault> {
        let mut active = self.sealing.iter().filter(|key| key.active_at <= at);
        active
            .next_back()
            .or(self.sealing.first())
            .ok_or(Fault::bare(FaultKind::Internal, "there is no sealing key"))
    }

    pub fn sealing(&self) -> impl Iterator<Item = &SealingKey> {
        self.sealing.iter().rev()
    }

    /// The key that signs now.
    pub fn signing_at(&self, algorithm: SigningAlgorithm, now: Timestamp) -> Result<Signer<'_>, Fault> {
        let mut own = self.signing.iter().rev().filter(|key| key.algorithm == algorithm.key());
        own.find(|key| key.active_at <= now)
            .or_else(|| self.signing.iter().find(|key| key.algorithm == algorithm.key()))
            .map(|key| key.by(algorithm))
            .ok_or(Fault::bare(FaultKind::Internal, "there is no signing key of that algorithm"))
    }

    pub fn signing(&self) -> impl Iterator<Item = &SigningKey> {
        self.signing.iter().rev()
    }

    pub fn stored(&self) -> &[StoredKey] {
        &self.stored
    }

    /// Those that somebody may still encrypt for who read the public ones a while ago, the newest first.
    pub fn decrypting(&self, now: Timestamp) -> impl Iterator<Item = &DecryptionKey> {
        self.decrypting.iter().rev().filter(move |key| is_kept(key.retired_at, now))
    }

    /// The one of each kind that is to be encrypted for now.
    fn encrypting(&self, now: Timestamp) -> impl Iterator<Item = &DecryptionKey> {
        let newest =
            move |kind: KeyKind| self.decrypting.iter().rfind(|key| key.kind == kind && key.active_at <= now);
        KeyKind::ALL.into_iter().filter_map(newest)
    }

    /// RFC 7517 §5 — the public keys: for signatures, each from before its first use until its last token has expired (OIDC
    /// Core §10.1.1); for encryption (§10.2), the one that everybody knows already.
    pub fn jwks(&self, now: Timestamp) -> Value {
        let live = self.signing.iter().filter(|key| is_kept(key.retired_at, now));
        let signing = live.flat_map(Signer::all).map(|key| key.public_jwk());
        let encrypting = self.encrypting(now).flat_map(DecryptionKey::public_jwks);
        json!({"keys": signing.chain(encrypting).collect::<Vec<_>>()})
    }
}

/// Whether something of the time before a key retired may still come.
fn is_kept(retired_at: Option<Timestamp>, now: Timestamp) -> bool {
    retired_at.is_none_or(|at| at + LONGEST_ACCESS_TOKEN + JWKS_MAX_AGE > now)
}
