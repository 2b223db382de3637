//! RFC 6749 §2.3.1 — protection of client secrets against guessing: failures are counted by client and address, in memory

use crate::error::{Code, Denial};
use crate::time::{Seconds, Timestamp};
use quick_cache::sync::Cache;
use std::net::IpAddr;

/// Failures by one address for one client before a pause; others' calls are not touched.
const FREE: u32 = 30;
const PAUSE: Seconds = Seconds(60);
const CAPACITY: usize = 10_000;

type Key = (u64, Option<IpAddr>);

/// Counts of failed client authentications.
pub struct Guard(Cache<Key, (u32, Timestamp)>);

impl Default for Guard {
    fn default() -> Self {
        Self(Cache::new(CAPACITY))
    }
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Guard({} counters)", self.0.len())
    }
}

fn key(id: &str, address: Option<IpAddr>) -> Key {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    (hasher.finish(), address)
}

impl Guard {
    /// Refuses while a pause lasts.
    pub fn check(&self, id: &str, address: Option<IpAddr>, now: Timestamp) -> Result<(), Denial> {
        if self.0.is_empty() {
            return Ok(());
        }
        match self.0.get(&key(id, address)) {
            Some((count, last)) if count >= FREE && now - last < PAUSE => {
                Err(Code::InvalidClient.because("too many wrong secrets from this address: wait a minute"))
            }
            _ => Ok(()),
        }
    }

    /// Counts a failure.
    pub fn failed(&self, id: &str, address: Option<IpAddr>, now: Timestamp) {
        let key = key(id, address);
        let before = self.0.get(&key).filter(|(_, last)| now - *last < PAUSE).map_or(0, |(count, _)| count);
        self.0.insert(key, (before + 1, now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guessing_from_one_address_pauses_that_address_only() {
        let guard = Guard::default();
        let (bad, good) = (Some(IpAddr::from([127, 0, 0, 2])), Some(IpAddr::from([127, 0, 0, 3])));
        for _ in 0..FREE {
            assert!(guard.check("app", bad, Timestamp(0)).is_ok());
            guard.failed("app", bad, Timestamp(0));
        }
        assert!(guard.check("app", bad, Timestamp(59)).is_err());
        assert!(guard.check("app", good, Timestamp(59)).is_ok());
        assert!(guard.check("other", bad, Timestamp(59)).is_ok());
        assert!(guard.check("app", bad, Timestamp(60)).is_ok());
    }
}
