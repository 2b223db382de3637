//! Backups: what a file says of itself, who can open it, and what shows that it is whole.

use crate::error::Fault;
use crate::ids::Id;
use crate::seal::{self, Kind, SealNonce, SealingKey};
use crate::secret::digest_of;
use crate::time::Timestamp;
use aws_lc_rs::hmac;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What stands in clear at the beginning of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    pub id: Id,
    pub made_at: Timestamp,
    /// The version that made it.
    pub valetkey: String,
    /// The last step of the schema that it has.
    pub schema: i64,
}

/// What is sealed under the master key: whoever opens it has the right one.
#[derive(Serialize, Deserialize)]
struct Lock {
    about: [u8; 32],
    key: [u8; 32],
}

/// A key of one backup: every byte of the file is authenticated under it.
#[derive(Clone, Copy)]
pub struct BackupKey([u8; 32]);

impl fmt::Debug for BackupKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl BackupKey {
    pub const fn new(random: [u8; 32]) -> Self {
        Self(random)
    }

    /// Locks it to the master key and to what the file says of itself.
    pub fn lock(&self, master: &SealingKey, about: &str, nonce: SealNonce) -> Result<String, Fault> {
        let lock = Lock { about: digest_of(&[about.as_bytes()]), key: self.0 };
        master.seal(Kind::Backup, nonce, &lock)
    }

    /// `None`: another master key, or the words about it are not its own.
    pub fn unlock(master: &SealingKey, about: &str, lock: &str) -> Option<Self> {
        let lock: Lock = seal::open([master], Kind::Backup, lock)?.record()?;
        (lock.about == digest_of(&[about.as_bytes()])).then_some(Self(lock.key))
    }
}

/// HMAC-SHA-256 over a file as it passes by.
pub struct Seal(hmac::Context);

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal")
    }
}

impl Seal {
    pub fn new(key: &BackupKey) -> Self {
        Self(hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &key.0)))
    }

    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub fn finish(self) -> [u8; 32] {
        let mut sum = [0; 32];
        sum.copy_from_slice(self.0.sign().as_ref());
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_master_key_opens_it_and_only_with_its_own_words() {
        let master = |byte| SealingKey::new("master".into(), Timestamp(0), &[byte; 32]).expect("32 bytes");
        let lock = BackupKey([7; 32]).lock(&master(1), "about", [3; 12]).expect("locked");
        assert_eq!(BackupKey::unlock(&master(1), "about", &lock).map(|key| key.0), Some([7; 32]));
        assert!(BackupKey::unlock(&master(2), "about", &lock).is_none());
        assert!(BackupKey::unlock(&master(1), "other", &lock).is_none());
    }
}
