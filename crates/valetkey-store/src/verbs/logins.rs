//! Counters of login attempts.

use super::revocations::announce;
use crate::Store;
use crate::engine::{Tx, Verb, overtaken, params};
use async_trait::async_trait;
use valetkey_core::error::Fault;
use valetkey_core::store::{Attempt, AttemptKey, ChangeKind, Counted, Logins};
use valetkey_core::time::{Seconds, Timestamp};

/// A counter untouched for this long starts anew.
pub(super) const FORGOTTEN: Seconds = Seconds::hours(24);

/// A counter as it stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Counter {
    count: i64,
    wait_until: Timestamp,
}

struct Begin {
    keys: Vec<AttemptKey>,
    now: Timestamp,
}

impl Verb for Begin {
    type Out = Attempt;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Attempt, Fault> {
        let mut counters = Vec::with_capacity(self.keys.len());
        let mut there = Vec::with_capacity(self.keys.len());
        for key in &self.keys {
            let found = stored(tx, key, self.now).await?;
            there.push(found.is_some());
            counters.push(found.unwrap_or_default());
        }
        let first = counters.first().map_or(0, |counter| counter.count);
        let waits = self.keys.iter().zip(&counters).filter(|(key, _)| key.spares <= first);
        let waits = waits.filter_map(|(key, counter)| waiting(key, counter, self.now));
        if let Some(longest) = waits.max() {
            return Ok(Attempt::Wait(longest));
        }
        for ((key, counter), there) in self.keys.iter().zip(&counters).zip(there) {
            let next = counted(key, counter, self.now);
            let (count, wait_until) = (next.count, next.wait_until);
            let written = if there {
                tx.execute(RAISE, params![count, wait_until, self.now, &key.key]).await?
            } else {
                tx.execute(BEGIN, params![&key.key, count, wait_until, self.now]).await?
            };
            if written == 0 {
                // A counter that was not there to be held is there now.
                return Err(overtaken());
            }
        }
        Ok(Attempt::Allowed)
    }
}

const BEGIN: &str = "INSERT INTO attempts (key, count, wait_until, updated_at) VALUES ($1, $2, $3, $4)
                     ON CONFLICT (key) DO NOTHING";

const RAISE: &str = "UPDATE attempts SET count = $1, wait_until = $2, updated_at = $3 WHERE key = $4";

/// A counter, held until the commit so that no attempt is counted once for two.
async fn stored<T: Tx>(tx: &mut T, key: &AttemptKey, now: Timestamp) -> Result<Option<Counter>, Fault> {
    let sql = "SELECT count, wait_until, updated_at FROM attempts WHERE key = $1 /*pg FOR UPDATE */";
    let Some(row) = tx.one(sql, params![&key.key]).await? else { return Ok(None) };
    let updated_at = row.time(2)?;
    // Also a counter from the future is forgotten: a clock that went wrong and back again must not lock anybody out.
    let counts = updated_at > now - FORGOTTEN && updated_at < now + FORGOTTEN;
    let counter = Counter { count: row.int(0)?, wait_until: row.time(1)? };
    Ok(Some(if counts { counter } else { Counter::default() }))
}

/// How long the counter still asks to wait. Longer than it could ever have asked means that the clock was set back.
fn waiting(key: &AttemptKey, counter: &Counter, now: Timestamp) -> Option<Seconds> {
    let left = counter.wait_until - now;
    (left > Seconds(0) && left <= key.longest).then_some(left)
}

/// The counter after one more attempt.
fn counted(key: &AttemptKey, counter: &Counter, now: Timestamp) -> Counter {
    let count = counter.count.saturating_add(1);
    let beyond = count - key.free;
    if beyond <= 0 {
        return Counter { count, wait_until: Timestamp(0) };
    }
    let factor =
        1_i64.checked_shl(u32::try_from(beyond - 1).unwrap_or(u32::MAX)).filter(|factor| *factor > 0);
    let wait = factor.map_or(key.longest.0, |factor| key.wait.0.saturating_mul(factor)).min(key.longest.0);
    Counter { count, wait_until: now + Seconds(wait) }
}

struct CountTogether {
    counted: Vec<Counted>,
    now: Timestamp,
}

impl Verb for CountTogether {
    type Out = Vec<([u8; 32], Seconds)>;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Self::Out, Fault> {
        // A counter from the future is begun anew, as for logins.
        let sql = "INSERT INTO attempts (key, count, wait_until, updated_at) VALUES ($1, $2, 0, $3)
                   ON CONFLICT (key) DO UPDATE SET
                     count = CASE WHEN attempts.updated_at > $4 AND attempts.updated_at < $5
                             THEN attempts.count + excluded.count ELSE excluded.count END,
                     updated_at = excluded.updated_at
                   RETURNING count";
        let mut pauses = Vec::new();
        for one in &self.counted {
            let (since, until) = (self.now - one.window, self.now + one.window);
            let values = params![&one.key, i64::from(one.by), self.now, since, until];
            let count = tx.one(sql, values).await?.map_or(Ok(0), |row| row.int(0))?;
            if count >= i64::from(one.free) {
                let told = [&one.key[..], &one.window.0.to_be_bytes()].concat();
                announce(tx, self.now, ChangeKind::Pause, &told).await?;
                pauses.push((one.key, one.window));
            }
        }
        Ok(pauses)
    }
}

struct Clear {
    keys: Vec<AttemptKey>,
}

impl Verb for Clear {
    type Out = ();
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<(), Fault> {
        clear(tx, &self.keys).await
    }
}

/// Forgets counters; of a shared one, the one attempt that succeeded.
pub(super) async fn clear<T: Tx>(tx: &mut T, keys: &[AttemptKey]) -> Result<(), Fault> {
    for key in keys {
        let sql = "DELETE FROM attempts WHERE key = $1 AND ($2 = 0 OR count <= 1)";
        if tx.execute(sql, params![&key.key, key.shared]).await? == 0 && key.shared {
            let sql = "UPDATE attempts SET count = count - 1, wait_until = 0 WHERE key = $1";
            tx.execute(sql, params![&key.key]).await?;
        }
    }
    Ok(())
}

#[async_trait]
impl Logins for Store {
    async fn begin_attempt(&self, keys: &[AttemptKey], now: Timestamp) -> Result<Attempt, Fault> {
        self.engine.write(Begin { keys: keys.to_vec(), now }).await
    }

    async fn count_together(
        &self,
        counted: &[Counted],
        now: Timestamp,
    ) -> Result<Vec<([u8; 32], Seconds)>, Fault> {
        // Always in one order: two servers that add up the same ones do not wait for each other in a circle.
        let mut counted = counted.to_vec();
        counted.sort_by_key(|one| one.key);
        self.engine.write(CountTogether { counted, now }).await
    }

    async fn clear_attempts(&self, keys: &[AttemptKey]) -> Result<(), Fault> {
        self.engine.write(Clear { keys: keys.to_vec() }).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_with_each_attempt_beyond_the_free_ones_up_to_the_longest() {
        let key = AttemptKey {
            key: [0; 32],
            free: 3,
            wait: Seconds(5),
            longest: Seconds(60),
            spares: 0,
            shared: false,
        };
        let now = Timestamp(1000);
        let waits =
            [(0, 0), (2, 0), (3, 5), (4, 10), (5, 20), (6, 40), (7, 60), (64, 60), (70, 60), (i64::MAX, 60)];
        for (count, want) in waits {
            let next = counted(&key, &Counter { count, wait_until: now }, now);
            assert_eq!(waiting(&key, &next, now).unwrap_or_default(), Seconds(want), "after {count}");
        }
    }

    #[test]
    fn a_wait_set_by_a_clock_that_ran_ahead_locks_nobody_out() {
        let key = AttemptKey {
            key: [0; 32],
            free: 0,
            wait: Seconds(5),
            longest: Seconds(60),
            spares: 0,
            shared: false,
        };
        let counter = Counter { count: 1, wait_until: Timestamp(1_000_000) };
        assert_eq!(waiting(&key, &counter, Timestamp(1000)), None);
    }
}
