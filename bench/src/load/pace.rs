//! A party at a fixed rate: what is due while every connection is busy waits, and its waiting counts as latency.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

#[derive(Debug)]
pub(super) struct Pace {
    interval: Duration,
    due: Option<Instant>,
    backlog: VecDeque<Instant>,
    pub(super) idle: Vec<usize>,
}

impl Pace {
    pub(super) fn new(rate: f64) -> Self {
        Self {
            interval: Duration::from_secs_f64(1.0 / rate),
            due: None,
            backlog: VecDeque::new(),
            idle: Vec::new(),
        }
    }

    pub(super) fn begin(&mut self, now: Instant) {
        self.due = Some(now);
        self.backlog.clear();
        self.idle.clear();
    }

    /// An idle connection and when its unit was due, if one is due by `now`.
    pub(super) fn next(&mut self, now: Instant) -> Option<(usize, Instant)> {
        while let Some(due) = self.due.filter(|due| *due <= now) {
            self.due = Some(due + self.interval);
            match self.idle.pop() {
                // Not `due` but `now`: the generator's own lateness is not the server's.
                Some(index) => return Some((index, now)),
                None => self.backlog.push_back(due),
            }
        }
        None
    }

    /// A connection has become free: when its next unit was due, or `None` if it is idle now.
    pub(super) fn free(&mut self, index: usize) -> Option<Instant> {
        let due = self.backlog.pop_front();
        if due.is_none() {
            self.idle.push(index);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_that_find_no_idle_connection_keep_their_due_time() {
        let mut pace = Pace::new(1000.0);
        let begin = Instant::now();
        pace.begin(begin);
        pace.idle.push(7);
        assert_eq!(pace.next(begin), Some((7, begin)));
        assert_eq!(pace.next(begin + Duration::from_millis(2)), None);
        assert_eq!(pace.free(7), Some(begin + Duration::from_millis(1)));
        assert_eq!(pace.free(7), Some(begin + Duration::from_millis(2)));
        assert_eq!(pace.free(7), None);
        assert_eq!(pace.idle, [7]);
    }
}
