//! The ports of a test: a clock that moves when told, and hashing that is quick because it is weak.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use async_trait::async_trait;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use valetkey_core::error::Fault;
use valetkey_core::outbound::{Busy, Clock, Entropy, HashPermit, Hasher};
use valetkey_core::secret::Secret;

/// 2026-11-21T12:00:00Z.
const START_MS: u64 = 1_795_262_400_000;

/// Stands still until moved.
#[derive(Debug)]
pub struct TestClock(AtomicU64);

impl Default for TestClock {
    fn default() -> Self {
        Self(AtomicU64::new(START_MS))
    }
}

impl TestClock {
    pub fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds * 1000, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// The operating system's: ids and keys must differ between tests that share a process.
#[derive(Debug)]
pub(crate) struct TestEntropy;

impl Entropy for TestEntropy {
    #[expect(clippy::disallowed_methods, reason = "this is the port")]
    fn fill(&self, bytes: &mut [u8]) {
        aws_lc_rs::rand::fill(bytes).expect("randomness");
    }
}

/// argon2id at the least cost that it allows.
#[derive(Debug, Default)]
pub struct TestHasher {
    busy: AtomicBool,
    outdated: AtomicBool,
}

impl TestHasher {
    /// From now on, whether every permit is taken.
    pub fn set_busy(&self, busy: bool) {
        self.busy.store(busy, Ordering::SeqCst);
    }

    /// From now on, whether every hash is one of the past.
    pub fn set_outdated(&self, outdated: bool) {
        self.outdated.store(outdated, Ordering::SeqCst);
    }
}

fn argon2() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8, 1, 1, None).expect("parameters"))
}

#[async_trait]
impl Hasher for TestHasher {
    async fn reserve(&self) -> Result<Box<dyn HashPermit>, Busy> {
        if self.busy.load(Ordering::SeqCst) { Err(Busy) } else { Ok(Box::new(TestPermit)) }
    }

    fn is_outdated(&self, _: &str) -> bool {
        self.outdated.load(Ordering::SeqCst)
    }
}

struct TestPermit;

#[async_trait]
impl HashPermit for TestPermit {
    async fn verify(self: Box<Self>, password: &Secret, phc: Option<&str>) -> Result<bool, Fault> {
        let Some(phc) = phc else { return Ok(false) };
        let hash = PasswordHash::new(phc).expect("a hash of ours");
        Ok(argon2().verify_password(password.expose().as_bytes(), &hash).is_ok())
    }

    async fn hash(self: Box<Self>, password: &Secret) -> Result<String, Fault> {
        let mut salt = [0; 16];
        TestEntropy.fill(&mut salt);
        let hash = argon2().hash_password_with_salt(password.expose().as_bytes(), &salt).expect("hash");
        Ok(hash.to_string())
    }
}
