//! RFC 6749 §2.3.1 — protection against guessing and flooding: what one address does is counted, in memory
//!
//! What was counted is added up in the store by a job, so that an address that turns from server to server gets no more tries
//! than one that stays: whoever has had them is announced to all. Nothing is asked or written where nothing went wrong.

use crate::login::throttle::neighbourhood;
use crate::secret::digest_of;
use crate::store::Counted;
use crate::time::{Seconds, Timestamp};
use quick_cache::sync::Cache;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::{Arc, Mutex, PoisonError};

const CAPACITY: usize = 10_000;
/// How many different counters may wait to be added up: more of them come from more addresses than counting helps against.
const WAITING: usize = 2_000;

type Key = (u64, Option<IpAddr>);
/// What is counted, for all servers the same.
type Digest = [u8; 32];

/// Who has to pause on account of all servers together.
pub struct Pauses {
    until: Cache<Digest, Timestamp>,
    /// Whether there ever was one: asking the cache whether it is empty takes the lock of each of its parts.
    any: AtomicBool,
}

impl Default for Pauses {
    fn default() -> Self {
        Self { until: Cache::new(CAPACITY), any: AtomicBool::new(false) }
    }
}

impl std::fmt::Debug for Pauses {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pauses({})", self.until.len())
    }
}

impl Pauses {
    pub fn pause(&self, digest: Digest, until: Timestamp) {
        self.until.insert(digest, until);
        self.any.store(true, Release);
    }

    fn has_any(&self) -> bool {
        self.any.load(Acquire)
    }

    fn holds(&self, digest: &Digest, now: Timestamp) -> bool {
        self.until.get(digest).is_some_and(|until| now < until)
    }
}

/// Counts by subject and address, one IPv6 subscriber's being one ([`neighbourhood`]). Others' calls are never touched.
pub struct Guard {
    name: &'static str,
    counts: Cache<Key, (u32, Timestamp)>,
    /// Whether anything was ever counted.
    any: AtomicBool,
    free: u32,
    pause: Seconds,
    /// Counted here, and not yet added to what others counted.
    waiting: Mutex<HashMap<Digest, u32>>,
    pauses: Arc<Pauses>,
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Guard({}, {} counters)", self.name, self.counts.len())
    }
}

fn key(id: &str, address: Option<IpAddr>) -> Key {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    (hasher.finish(), neighbourhood(address))
}

impl Guard {
    /// After `free` counts, none of them older than `pause`, an address has to pause as long. `name` is this guard's, on
    /// every server.
    pub fn new(name: &'static str, free: u32, pause: Seconds, pauses: &Arc<Pauses>) -> Self {
        let (counts, pauses) = (Cache::new(CAPACITY), Arc::clone(pauses));
        let any = AtomicBool::new(false);
        Self { name, counts, any, free, pause, waiting: Mutex::default(), pauses }
    }

    pub fn is_paused(&self, subject: &str, address: Option<IpAddr>, now: Timestamp) -> bool {
        let here = self.any.load(Acquire) && self.count(&key(subject, address), now) >= self.free;
        here || (self.pauses.has_any() && self.pauses.holds(&self.digest(subject, address), now))
    }

    /// How long an address that has to pause has to.
    pub fn wait(&self, subject: &str, address: Option<IpAddr>, now: Timestamp) -> Seconds {
        let own = self.counts.get(&key(subject, address)).filter(|(count, _)| *count >= self.free);
        let here = own.map_or(Seconds(0), |(_, last)| (last + self.pause) - now);
        let there =
            self.pauses.until.get(&self.digest(subject, address)).map_or(Seconds(0), |until| until - now);
        here.max(there).max(Seconds(1))
    }

    pub fn count_one(&self, subject: &str, address: Option<IpAddr>, now: Timestamp) {
        let key = key(subject, address);
        let count = self.count(&key, now);
        self.counts.insert(key, (count + 1, now));
        self.any.store(true, Release);
        let digest = self.digest(subject, address);
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < WAITING || waiting.contains_key(&digest) {
            *waiting.entry(digest).or_default() += 1;
        }
    }

    /// What was counted here since the last call.
    pub(crate) fn take(&self) -> Vec<Counted> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let counted = |(key, by)| Counted { key, by, free: self.free, window: self.pause };
        waiting.drain().map(counted).collect()
    }

    fn digest(&self, subject: &str, address: Option<IpAddr>) -> Digest {
        let address = neighbourhood(address).map(|address| address.to_string()).unwrap_or_default();
        digest_of(&[b"guard", self.name.as_bytes(), subject.as_bytes(), address.as_bytes()])
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
        let guard = Guard::new("test", 30, Seconds(60), &Arc::default());
        let (bad, good) = (Some(IpAddr::from([127, 0, 0, 2])), Some(IpAddr::from([127, 0, 0, 3])));
        for _ in 0..30 {
            assert!(!guard.is_paused("app", bad, Timestamp(0)));
            guard.count_one("app", bad, Timestamp(0));
        }
        assert!(guard.is_paused("app", bad, Timestamp(59)));
        assert_eq!(guard.wait("app", bad, Timestamp(20)), Seconds(40));
        assert!(!guard.is_paused("app", good, Timestamp(59)));
        assert!(!guard.is_paused("other", bad, Timestamp(59)));
        assert!(!guard.is_paused("app", bad, Timestamp(60)));
    }

    #[test]
    fn one_ipv6_subscriber_is_one_address_here_and_on_every_other_server() {
        let pauses = Arc::default();
        let guard = Guard::new("test", 30, Seconds(60), &pauses);
        for nth in 0..30_u16 {
            guard.count_one("app", Some(IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, nth])), Timestamp(0));
        }
        let at = |text: &str| text.parse::<IpAddr>().ok();
        assert!(guard.is_paused("app", at("2001:db8::ffff:1"), Timestamp(20)));
        assert_eq!(guard.wait("app", at("2001:db8::ffff:1"), Timestamp(20)), Seconds(40));
        assert!(!guard.is_paused("app", at("2001:db8:0:1::1"), Timestamp(20)));
        let taken = guard.take();
        assert_eq!(taken.len(), 1, "and is added up as one");
        let elsewhere = Guard::new("test", 30, Seconds(60), &pauses);
        pauses.pause(taken[0].key, Timestamp(60));
        assert!(elsewhere.is_paused("app", at("2001:db8::2"), Timestamp(20)));
        assert!(!elsewhere.is_paused("app", at("2001:db8:0:1::2"), Timestamp(20)));
    }

    #[test]
    fn what_others_counted_pauses_here_too_and_only_whom_it_is_about() {
        let pauses = Arc::default();
        let guard = Guard::new("test", 30, Seconds(60), &pauses);
        let (bad, good) = (Some(IpAddr::from([127, 0, 0, 2])), Some(IpAddr::from([127, 0, 0, 3])));
        guard.count_one("app", bad, Timestamp(0));
        guard.count_one("app", bad, Timestamp(0));
        let taken = guard.take();
        assert_eq!(taken.iter().map(|one| (one.by, one.free)).collect::<Vec<_>>(), [(2, 30)]);
        assert!(guard.take().is_empty());
        pauses.pause(taken[0].key, Timestamp(60));
        assert!(guard.is_paused("app", bad, Timestamp(59)) && !guard.is_paused("app", bad, Timestamp(60)));
        assert!(!guard.is_paused("app", good, Timestamp(0)) && !guard.is_paused("other", bad, Timestamp(0)));
        let other = Guard::new("another", 30, Seconds(60), &pauses);
        assert!(!other.is_paused("app", bad, Timestamp(0)), "another guard counts other things");
    }
}
