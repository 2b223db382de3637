//! RFC 6749 §4.1.2.1, §5.2 — what an application was refused, for those who wrote it; and when its secrets were used
//!
//! Gathered in memory, without a write per request, and written by a job in batches. Refusals of one sort are one entry
//! with a count, so what anybody sends in a client's name fills neither memory nor the table.

use crate::error::Denial;
use crate::ids::{ClientId, Id};
use crate::time::Timestamp;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use url::Url;

/// Where it was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Endpoint {
    Authorize,
    Token,
}

impl Endpoint {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Authorize => "authorize",
            Self::Token => "token",
        }
    }
}

/// All refusals of one sort. No token, code or secret: codes and words are literals of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub client: ClientId,
    /// As in [`Endpoint::name`].
    pub endpoint: String,
    /// The standard's code.
    pub code: String,
    pub detail: String,
    /// The address that was not registered, without query and fragment.
    pub hint: Option<String>,
    pub count: u32,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
}

/// One refusal, as it happens.
#[derive(Debug, Clone, Copy)]
pub struct Refused<'a> {
    pub endpoint: Endpoint,
    pub denial: Denial,
    /// The redirect URI, where that is what was wrong.
    pub hint: Option<&'a str>,
}

impl Refused<'_> {
    pub const fn at(endpoint: Endpoint, denial: Denial) -> Self {
        Self { endpoint, denial, hint: None }
    }
}

/// When a secret last proved its client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretUse {
    pub client: ClientId,
    pub secret: Id,
    pub at: Timestamp,
}

/// Sorts of refusals, and secrets, that wait to be written: beyond that nothing new is noted.
const MOST: usize = 5000;
const HINT_LIMIT: usize = 200;

type Sort = (ClientId, Endpoint, &'static str, &'static str);

#[derive(Default)]
struct Waiting {
    uses: HashMap<Id, (ClientId, Timestamp)>,
    failures: HashMap<Sort, Failure>,
}

/// What waits to be written.
pub struct Noted {
    waiting: Mutex<Waiting>,
    /// Traces of the secrets and the second in which each was noted last: a busy client's next use says nothing new, and
    /// takes no lock that all requests share.
    lately: [AtomicU64; TRACES],
}

/// A power of two.
const TRACES: usize = 256;

impl Default for Noted {
    fn default() -> Self {
        Self { waiting: Mutex::default(), lately: [const { AtomicU64::new(0) }; TRACES] }
    }
}

/// 64 bits that no other secret, and no other second of this one, gives but by chance.
fn trace(secret: Id, now: Timestamp) -> u64 {
    let (first, last) = secret.0.split_at(8);
    let half = |bytes: &[u8]| bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    // An odd factor: every second has a place of its own.
    half(first).rotate_left(32) ^ half(last) ^ now.0.unsigned_abs().wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

impl std::fmt::Debug for Noted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let waiting = self.waiting();
        write!(f, "Noted({} uses, {} failures)", waiting.uses.len(), waiting.failures.len())
    }
}

impl Noted {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A secret proved its client.
    pub fn used(&self, client: &ClientId, secret: Id, now: Timestamp) {
        let trace = trace(secret, now);
        let place = &self.lately[usize::from(secret.0[15]) % TRACES];
        if place.load(Relaxed) == trace {
            return;
        }
        let mut waiting = self.waiting();
        if let Some((_, at)) = waiting.uses.get_mut(&secret) {
            *at = now;
        } else if waiting.uses.len() < MOST {
            waiting.uses.insert(secret, (client.clone(), now));
        }
        place.store(trace, Relaxed);
    }

    /// A request of a known client was refused.
    pub fn refused(&self, client: &ClientId, refused: Refused<'_>, now: Timestamp) {
        let Refused { endpoint, denial, hint } = refused;
        let (code, detail) = (denial.code.as_str(), denial.detail);
        let sort = (client.clone(), endpoint, code, detail);
        let hint = hint.and_then(address);
        let mut waiting = self.waiting();
        if let Some(known) = waiting.failures.get_mut(&sort) {
            known.count = known.count.saturating_add(1);
            known.last_at = now;
            known.hint = hint.or(known.hint.take());
        } else if waiting.failures.len() < MOST {
            let failure = Failure {
                client: client.clone(),
                endpoint: endpoint.name().to_owned(),
                code: code.to_owned(),
                detail: detail.to_owned(),
                hint,
                count: 1,
                first_at: now,
                last_at: now,
            };
            waiting.failures.insert(sort, failure);
        }
    }

    /// Takes what waits.
    pub fn take(&self) -> (Vec<SecretUse>, Vec<Failure>) {
        let Waiting { uses, failures } = std::mem::take(&mut *self.waiting());
        let uses = uses.into_iter().map(|(secret, (client, at))| SecretUse { client, secret, at });
        (uses.collect(), failures.into_values().collect())
    }
}

/// An address as it may be shown: what stands before its query and fragment, of a length that can be read.
fn address(uri: &str) -> Option<String> {
    let mut url = Url::parse(uri).ok()?;
    url.set_query(None);
    url.set_fragment(None);
    let plain = url.username().is_empty() && url.password().is_none();
    let text = String::from(url);
    (plain && text.len() <= HINT_LIMIT).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    const WRONG: Denial = Code::InvalidGrant.because("the code was redeemed before");

    #[test]
    fn refusals_of_one_sort_are_one_entry_with_a_count() {
        let noted = Noted::default();
        for second in 0..3 {
            noted.refused(&"app".into(), Refused::at(Endpoint::Token, WRONG), Timestamp(second));
        }
        noted.refused(&"app".into(), Refused::at(Endpoint::Authorize, WRONG), Timestamp(9));
        let (_, mut failures) = noted.take();
        failures.sort_by_key(|failure| failure.last_at);
        let seen: Vec<_> = failures.iter().map(|f| (f.count, f.first_at.0, f.last_at.0)).collect();
        assert_eq!(seen, [(3, 0, 2), (1, 9, 9)]);
        assert!(noted.take().1.is_empty(), "taken once");
    }

    #[test]
    fn memory_has_a_bound_whatever_is_sent() {
        let noted = Noted::default();
        for n in 0..2 * MOST {
            noted.refused(&format!("app{n}").into(), Refused::at(Endpoint::Token, WRONG), Timestamp(0));
        }
        assert_eq!(noted.take().1.len(), MOST);
    }

    #[test]
    fn an_address_is_kept_without_what_may_be_secret() {
        for (uri, want) in [
            ("https://app.example/cb/?code=x#y", Some("https://app.example/cb/")),
            ("https://u:p@app.example/cb", None),
            ("cb", None),
        ] {
            assert_eq!(address(uri).as_deref(), want, "{uri}");
        }
        assert_eq!(address(&format!("https://app.example/{}", "a".repeat(300))), None);
    }

    #[test]
    fn the_last_use_of_a_secret_counts() {
        let noted = Noted::default();
        noted.used(&"app".into(), Id([1; 16]), Timestamp(1));
        noted.used(&"app".into(), Id([1; 16]), Timestamp(5));
        let (uses, _) = noted.take();
        assert_eq!(uses, [SecretUse { client: "app".into(), secret: Id([1; 16]), at: Timestamp(5) }]);
    }

    #[test]
    fn a_use_is_noted_once_a_second_and_again_in_the_next_whoever_else_comes_between() {
        let noted = Noted::default();
        // Two that share a place, and one of its own.
        let [one, two, other] = [[1; 16], [[2; 8], [1; 8]].concat().try_into().expect("16"), [3; 16]].map(Id);
        for second in 1..4 {
            for secret in [one, two, one, other, one] {
                noted.used(&"app".into(), secret, Timestamp(second));
            }
            let (uses, _) = noted.take();
            let all: std::collections::BTreeSet<_> =
                uses.iter().map(|own| (own.secret.0, own.at.0)).collect();
            assert_eq!(all, [one, two, other].map(|own| (own.0, second)).into(), "second {second}");
        }
        noted.used(&"app".into(), other, Timestamp(3));
        assert!(noted.take().0.is_empty(), "its use in that second is written already");
    }
}
