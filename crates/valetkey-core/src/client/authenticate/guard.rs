//! RFC 6749 §2.3.1 — protection against guessing and flooding: what one address does is counted, in memory

use crate::time::{Seconds, Timestamp};
use quick_cache::sync::Cache;
use std::net::IpAddr;

const CAPACITY: usize = 10_000;

type Key = (u64, Option<IpAddr>);

/// Counts by subject and address. Others' calls are never touched.
pub struct Guard {
    counts: Cache<Key, (u32, Timestamp)>,
    free: u32,
    pause: Seconds,
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Guard({} counters)", self.counts.len())
    }
}

fn key(id: &str, address: Option<IpAddr>) -> Key {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    (hasher.finish(), address)
}

impl Guard {
    /// After `free` counts, none of them older than `pause`, an address has to pause as long.
    pub fn new(free: u32, pause: Seconds) -> Self {
        Self { counts: Cache::new(CAPACITY), free, pause }
    }

    pub fn is_paused(&self, subject: &str, address: Option<IpAddr>, now: Timestamp) -> bool {
        !self.counts.is_empty() && self.count(&key(subject, address), now) >= self.free
    }

    pub fn count_one(&self, subject: &str, address: Option<IpAddr>, now: Timestamp) {
        let key = key(subject, address);
        let count = self.count(&key, now);
        self.counts.insert(key, (count + 1, now));
    }

    fn count(&self, key: &Key, now: Timestamp) -> u32 {
        self.counts.get(key).filter(|(_, last)| now - *last < self.pause).map_or(0, |(count, _)| count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guessing_from_one_address_pauses_that_address_only() {
        let guard = Guard::new(30, Seconds(60));
        let (bad, good) = (Some(IpAddr::from([127, 0, 0, 2])), Some(IpAddr::from([127, 0, 0, 3])));
        for _ in 0..30 {
            assert!(!guard.is_paused("app", bad, Timestamp(0)));
            guard.count_one("app", bad, Timestamp(0));
        }
        assert!(guard.is_paused("app", bad, Timestamp(59)));
        assert!(!guard.is_paused("app", good, Timestamp(59)));
        assert!(!guard.is_paused("other", bad, Timestamp(59)));
        assert!(!guard.is_paused("app", bad, Timestamp(60)));
    }
}
