//! Whether memory still holds what others have changed: until when the feed of changes was read.

use super::Server;
use crate::error::Fault;
use crate::outbound::Clock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// How old what is known may be, in milliseconds.
const FRESH: u64 = 1000;

/// A flag alone would not do: a process that stood still, however long, wakes with it up.
#[derive(Debug)]
pub(super) struct Hearing {
    told: AtomicBool,
    /// When the last reading began that came to an end.
    heard_ms: AtomicU64,
}

impl Hearing {
    /// Everything is about to be read for the first time.
    pub(super) fn begin(clock: &dyn Clock) -> Self {
        Self { told: AtomicBool::new(true), heard_ms: AtomicU64::new(clock.now_ms()) }
    }

    /// What whoever follows the feed says of it.
    pub(super) fn set(&self, hearing: bool) {
        self.told.store(hearing, Ordering::Release);
    }

    pub(super) fn is_told(&self) -> bool {
        self.told.load(Ordering::Acquire)
    }

    /// All is known that stood in the feed then.
    pub(super) fn heard(&self, began_ms: u64) {
        // The latest that ended, not the greatest: a clock that was set back must be believed again.
        self.heard_ms.store(began_ms, Ordering::Release);
    }

    pub(super) fn holds(&self, clock: &dyn Clock) -> bool {
        let heard_ms = self.heard_ms.load(Ordering::Acquire);
        self.is_told() && clock.now_ms().abs_diff(heard_ms) <= FRESH
    }
}

impl Server {
    /// Whether what others change is heard of within a second; said by whoever follows the feed. Whoever was deaf reads
    /// everything anew, whatever the feed says.
    pub fn set_hearing(&self, hearing: bool) {
        if !hearing {
            self.doubtful.store(true, Ordering::Release);
        }
        self.hearing.set(hearing);
    }

    pub fn is_hearing(&self) -> bool {
        self.hearing.is_told()
    }

    /// Asked before a token is judged from memory. A server that does not hear of changes, or is told to be strict, asks
    /// the store for them first, and says that it cannot tell where the store does not answer.
    pub async fn hear(&self) -> Result<(), Fault> {
        if self.may_remember() {
            return Ok(());
        }
        // Boxed: hardly ever wanted, and large.
        Box::pin(self.follow_changes()).await
    }

    /// Whether memory is as good as the store, for what others change: within a second.
    pub fn may_remember(&self) -> bool {
        self.hearing.holds(&*self.clock) && !self.settings.strict_introspection
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct At(AtomicU64);

    impl Clock for At {
        fn now_ms(&self) -> u64 {
            self.0.load(Ordering::Relaxed)
        }
    }

    #[test]
    fn what_was_read_a_second_ago_is_not_trusted_whatever_is_told() {
        let clock = At(AtomicU64::new(50_000));
        let hearing = Hearing::begin(&clock);
        for (now, told, heard, want) in [
            (50_000, true, None, true),
            (51_000, true, None, true),
            (51_001, true, None, false),
            (80_000, true, Some(79_500), true),
            (80_000, false, Some(79_900), false),
            // Set back by a minute, and then read.
            (20_000, true, None, false),
            (20_000, true, Some(19_999), true),
        ] {
            clock.0.store(now, Ordering::Relaxed);
            hearing.set(told);
            if let Some(began) = heard {
                hearing.heard(began);
            }
            assert_eq!(hearing.holds(&clock), want, "{now} {told} {heard:?}");
        }
    }
}
