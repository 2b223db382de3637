//! How far a server may believe the clock when it forgets what has ended: retention counts by time and by running.

use crate::time::{Seconds, Timestamp};

/// How much faster than it runs the horizon may move: so it catches up after an outage.
const PACE: i64 = 2;
/// A clock that is ahead for so long while the server runs is right: it was the one before that was wrong.
const CONVINCED: Seconds = Seconds::days(7);

/// Up to when what has ended may be forgotten. A clock that jumps ahead moves it no faster than the server runs, so that
/// no revocation is swept in a minute that only looked like a year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Horizon {
    pub until: Timestamp,
    /// For how long the server has run with a clock ahead of this.
    pub ahead: Seconds,
}

impl Horizon {
    /// A store that has none yet.
    pub const fn begun(now: Timestamp) -> Self {
        Self { until: now, ahead: Seconds(0) }
    }

    /// After the server ran for `ran` by a clock that cannot jump.
    #[must_use]
    pub fn moved(self, now: Timestamp, ran: Seconds) -> Self {
        let reach = self.until + Seconds(ran.0.saturating_mul(PACE));
        let ahead = Seconds(self.ahead.0.saturating_add(ran.0));
        if now <= reach || ahead >= CONVINCED { Self::begun(now) } else { Self { until: reach, ahead } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp(1_000_000);

    #[test]
    fn it_goes_with_a_clock_that_goes_well_or_back() {
        let horizon = Horizon::begun(NOON);
        for now in [NOON + Seconds(60), NOON + Seconds(120), NOON, NOON - Seconds::days(3)] {
            assert_eq!(horizon.moved(now, Seconds(60)), Horizon::begun(now));
        }
    }

    #[test]
    fn a_jump_ahead_is_followed_no_faster_than_the_server_runs() {
        let mut horizon = Horizon::begun(NOON);
        for minutes in 1..=10 {
            horizon = horizon.moved(NOON + Seconds::days(3650), Seconds(60));
            assert_eq!(horizon.until, NOON + Seconds::minutes(2 * minutes));
        }
        let back = horizon.moved(NOON + Seconds::minutes(11), Seconds(60));
        assert_eq!(back, Horizon::begun(NOON + Seconds::minutes(11)), "and the way back is free");
    }

    #[test]
    fn an_outage_is_caught_up_with_and_a_clock_that_stays_ahead_is_believed() {
        let (mut horizon, mut now) = (Horizon::begun(NOON), NOON + Seconds::days(30));
        let mut ran = Seconds(0);
        while horizon.until < now && ran < Seconds::days(8) {
            ran = Seconds(ran.0 + 3600);
            now = now + Seconds(3600);
            horizon = horizon.moved(now, Seconds(3600));
        }
        assert_eq!((ran, horizon), (CONVINCED, Horizon::begun(now)));
    }
}
