//! What a connection is doing and since when: written by its socket and its requests, read by its one timer.
//!
//! Orderings are relaxed: the words only decide when a timer looks again, and no data hangs on them.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::Limits;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Waiting for the rest of a request's headers.
    Header = 0,
    /// Bytes came after idling, and whether they are a whole request is not known yet.
    Waking = 1,
    /// At least one request is being answered.
    Busy = 2,
    /// Nothing to do, or still writing the last answer.
    Idle = 3,
    /// Our side is shut; waiting for the client to close its own.
    Closing = 4,
}

const PHASE_BITS: u32 = 3;

#[derive(Debug)]
pub(super) struct Pulse {
    base: Instant,
    /// Milliseconds since `base`, shifted, and the phase that began then.
    state: AtomicU64,
    in_flight: AtomicU32,
    /// HTTP/2: a byte is not the start of a request there.
    multiplexed: AtomicBool,
    /// The last write found the socket full.
    stalled: AtomicBool,
}

impl Pulse {
    pub(super) fn new(base: Instant) -> Self {
        let pulse = Self {
            base,
            state: AtomicU64::new(0),
            in_flight: AtomicU32::new(0),
            multiplexed: AtomicBool::new(false),
            stalled: AtomicBool::new(false),
        };
        pulse.enter(Phase::Header, Instant::now());
        pulse
    }

    pub(super) fn phase(&self) -> Phase {
        phase_of(self.state.load(Relaxed))
    }

    pub(super) fn is_multiplexed(&self) -> bool {
        self.multiplexed.load(Relaxed)
    }

    /// Since when there is nothing to do, and the last answer is written; None otherwise.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        let state = self.state.load(Relaxed);
        let idle = phase_of(state) == Phase::Idle && !self.stalled.load(Relaxed);
        idle.then(|| self.base + Duration::from_millis(state >> PHASE_BITS))
    }

    /// When the present phase has lasted too long, by `limits`.
    pub(super) fn deadline(&self, limits: &Limits) -> Instant {
        let state = self.state.load(Relaxed);
        let allowed = match phase_of(state) {
            Phase::Header | Phase::Waking => limits.header_timeout,
            Phase::Busy => limits.request_timeout,
            Phase::Idle => limits.idle_timeout,
            Phase::Closing => limits.linger_timeout,
        };
        self.base + Duration::from_millis(state >> PHASE_BITS) + allowed
    }

    /// Bytes arrived. Costs no clock reading: the clock is read only if they are not a whole request.
    pub(super) fn received(&self) {
        let state = self.state.load(Relaxed);
        if phase_of(state) == Phase::Idle && !self.is_multiplexed() {
            self.state.store(state & !((1 << PHASE_BITS) - 1) | Phase::Waking as u64, Relaxed);
        }
    }

    /// The socket has no more bytes for now.
    pub(super) fn awaiting(&self) {
        if self.phase() == Phase::Waking {
            self.enter(Phase::Header, Instant::now());
        }
    }

    /// The socket takes no more bytes for now.
    pub(super) fn write_stalled(&self) {
        self.stalled.store(true, Relaxed);
    }

    /// Bytes went out; after a stall that is progress, which starts the idle time anew.
    pub(super) fn written(&self) {
        if self.stalled.load(Relaxed) {
            self.stalled.store(false, Relaxed);
            self.enter(self.phase(), Instant::now());
        }
    }

    pub(super) fn closing(&self) {
        if self.phase() != Phase::Closing {
            self.enter(Phase::Closing, Instant::now());
        }
    }

    /// A request begins at `now`.
    pub(super) fn request(&self, multiplexed: bool, now: Instant) {
        if multiplexed {
            self.multiplexed.store(true, Relaxed);
        }
        self.in_flight.fetch_add(1, Relaxed);
        self.enter(Phase::Busy, now);
    }

    /// A piece of an answer that takes its time went out: what it waits for now counts from here.
    pub(super) fn progressed(&self, now: Instant) {
        if self.phase() == Phase::Busy {
            self.enter(Phase::Busy, now);
        }
    }

    /// A request was answered, or dropped, at `now`.
    pub(super) fn answered(&self, now: Instant) {
        let before = self.in_flight.fetch_sub(1, Relaxed);
        self.enter(if before == 1 { Phase::Idle } else { Phase::Busy }, now);
    }

    fn enter(&self, phase: Phase, now: Instant) {
        let since = u64::try_from(now.saturating_duration_since(self.base).as_millis())
            .unwrap_or(u64::MAX >> PHASE_BITS);
        self.state.store(since << PHASE_BITS | phase as u64, Relaxed);
    }
}

fn phase_of(state: u64) -> Phase {
    match state & ((1 << PHASE_BITS) - 1) {
        0 => Phase::Header,
        1 => Phase::Waking,
        2 => Phase::Busy,
        3 => Phase::Idle,
        _ => Phase::Closing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits {
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_mins(1),
            request_timeout: Duration::from_mins(2),
            linger_timeout: Duration::from_secs(1),
            ..Limits::default()
        }
    }

    #[test]
    fn each_phase_has_its_own_deadline() {
        let base = Instant::now();
        let pulse = Pulse::new(base);
        let at = |seconds| base + Duration::from_secs(seconds);
        pulse.request(false, at(5));
        assert_eq!(pulse.deadline(&limits()), at(125));
        pulse.answered(at(6));
        assert_eq!(pulse.deadline(&limits()), at(66), "idle");
        pulse.received();
        assert_eq!(pulse.deadline(&limits()), at(16), "a byte after idling asks for a header soon");
        pulse.closing();
        assert_eq!(pulse.phase(), Phase::Closing);
    }

    #[test]
    fn a_byte_that_is_no_whole_request_starts_the_header_time_anew() {
        let pulse = Pulse::new(Instant::now());
        pulse.request(false, Instant::now());
        pulse.answered(Instant::now());
        pulse.received();
        pulse.awaiting();
        assert_eq!(pulse.phase(), Phase::Header);
        pulse.received();
        assert_eq!(pulse.phase(), Phase::Header, "further bytes do not extend it");
    }

    #[test]
    fn a_multiplexed_connection_idles_only_when_its_last_request_is_answered() {
        let base = Instant::now();
        let pulse = Pulse::new(base);
        pulse.request(true, base);
        pulse.request(true, base);
        pulse.answered(base);
        assert_eq!(pulse.phase(), Phase::Busy);
        pulse.answered(base);
        assert_eq!(pulse.phase(), Phase::Idle);
        pulse.received();
        assert_eq!(pulse.phase(), Phase::Idle, "a PING frame is not a request");
    }
}
