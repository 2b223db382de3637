//! Who was signed in a moment ago, and what they allowed a client, in memory. It is good until something is written here
//! that may have changed it, and until the feed of changes is read again, whatever stands in that: so it is never older
//! than what else is heard from other servers. What it leads to is a code, and the write that redeems a code asks for
//! session, consent, person and client anew; so memory may say yes, and never no.

use crate::ids::ClientId;
use crate::secret::SecretHash;
use crate::store::{Consent, Session, Standing};
use crate::time::Timestamp;
use quick_cache::sync::Cache;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// At most a few megabytes.
const CAPACITY: usize = 2048;

/// Longer than the feed is ever left unread, by the clock: should nobody read it any more.
const LONGEST_MS: u64 = 1000;

/// Standings as they once stood in the store, by the hash of the session's cookie.
pub struct LateStandings {
    entries: Cache<SecretHash, Arc<Held>>,
    /// How often the feed was read.
    round: AtomicU64,
}

/// When something is read. What is read from then on is no older.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    round: u64,
    writes: u64,
    at_ms: u64,
}

impl Moment {
    /// Whether what was read then may still be believed at `now`.
    fn reaches(self, now: Self) -> bool {
        let age = now.at_ms.checked_sub(self.at_ms);
        (self.round, self.writes) == (now.round, now.writes) && age.is_some_and(|age| age <= LONGEST_MS)
    }
}

#[derive(Debug)]
struct Held {
    standing: Arc<Standing>,
    client: ClientId,
    read: Moment,
}

impl Default for LateStandings {
    fn default() -> Self {
        Self { entries: Cache::new(CAPACITY), round: AtomicU64::new(0) }
    }
}

impl std::fmt::Debug for LateStandings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LateStandings({} entries)", self.entries.len())
    }
}

impl LateStandings {
    /// The present, with what the store has written so far. Asked before it is read.
    pub fn moment(&self, writes: u64, at_ms: u64) -> Moment {
        Moment { round: self.round.load(Ordering::Acquire), writes, at_ms }
    }

    /// What was read lately and could not have changed since.
    pub fn get(&self, token: &SecretHash, client: &ClientId, now: Moment) -> Option<Arc<Standing>> {
        let held = self.entries.get(token)?;
        (held.client == *client && held.read.reaches(now)).then(|| Arc::clone(&held.standing))
    }

    /// That nobody is signed in, or was asked nothing yet, is not worth keeping.
    pub fn keep(&self, token: SecretHash, client: &ClientId, standing: &Arc<Standing>, read: Moment) {
        if standing.consent.as_ref().is_some_and(Consent::is_answer) {
            let held = Held { standing: Arc::clone(standing), client: client.clone(), read };
            self.entries.insert(token, Arc::new(held));
        }
    }

    /// The feed is about to be read: what is held counts for nothing from here on.
    pub fn pass(&self) {
        self.round.fetch_add(1, Ordering::AcqRel);
    }
}

impl Session {
    /// Whether it has neither ended nor been left alone for too long.
    pub fn is_live(&self, now: Timestamp, idle_since: Timestamp) -> bool {
        self.expires_at > now && self.last_seen_at > idle_since
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scope::Scope;

    fn standing(implied: bool) -> Arc<Standing> {
        let session = crate::interaction::tests::session(0);
        let consent = Consent {
            user: session.user.clone(),
            client: "app".into(),
            scope: Scope::default(),
            granted_at: Timestamp(0),
            updated_at: Timestamp(0),
            implied,
        };
        Arc::new(Standing { session, consent: Some(consent) })
    }

    #[test]
    fn memory_is_good_until_something_is_written_or_the_feed_is_read_or_a_second_has_passed() {
        let (late, app, token) = (LateStandings::default(), ClientId::from("app"), SecretHash::of("cookie"));
        late.keep(token, &app, &standing(false), late.moment(7, 5000));
        let holds = |client: &str, writes, at_ms| {
            late.get(&token, &ClientId::from(client), late.moment(writes, at_ms)).is_some()
        };
        for (client, writes, at_ms, want) in [
            ("app", 7, 5000, true),
            ("app", 7, 6000, true),
            ("app", 7, 6001, false),
            ("app", 7, 4999, false),
            ("app", 8, 5000, false),
            ("other", 7, 5000, false),
        ] {
            assert_eq!(holds(client, writes, at_ms), want, "{client} {writes} {at_ms}");
        }
        late.pass();
        assert!(!holds("app", 7, 5000), "the feed is being read");
    }

    #[test]
    fn what_was_read_before_a_write_ended_is_not_believed_after_it() {
        let (late, app, token) = (LateStandings::default(), ClientId::from("app"), SecretHash::of("cookie"));
        let before = late.moment(7, 5000);
        late.pass();
        late.keep(token, &app, &standing(false), before);
        assert!(late.get(&token, &app, late.moment(7, 5000)).is_none());
        late.keep(token, &app, &standing(false), late.moment(7, 5000));
        assert!(late.get(&token, &app, late.moment(8, 5000)).is_none());
    }

    #[test]
    fn only_an_answer_of_the_person_is_kept() {
        let (late, app, token) = (LateStandings::default(), ClientId::from("app"), SecretHash::of("cookie"));
        let now = late.moment(0, 0);
        let unasked = Arc::new(Standing { consent: None, ..(*standing(false)).clone() });
        for none in [standing(true), unasked] {
            late.keep(token, &app, &none, now);
            assert!(late.get(&token, &app, now).is_none());
        }
    }
}
