//! Tells a connection's task when its phase has lasted too long and when the drain enters a stage.
//!
//! Polling a tokio timer or a `Notified` takes a lock, and the task is polled at every request. Their wakers are
//! therefore registered once, and again only after they fired; in between, plain loads decide.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::sync::futures::Notified;
use tokio::task::unconstrained;
use tokio::time::Sleep;

use super::pulse::{Phase, Pulse};
use super::server::{Server, Stage};

pub(super) enum Event {
    Stage(Stage),
    /// The phase's time is up; it stays so until the pulse changes.
    Overdue(Phase),
    /// The connection has idled long enough to give back what it does not need for that. Said once.
    Rest,
}

pub(super) struct Watch<'a, 'p> {
    server: &'a Server,
    pulse: &'a Pulse,
    timer: Pin<&'p mut Sleep>,
    stage_change: Pin<&'p mut Notified<'a>>,
    seen: Stage,
    /// When the timer rings: never later than the pulse's deadline.
    armed: Instant,
    registered: bool,
    /// Whether a connection that idles is to rest soon.
    pub(super) rests: bool,
}

impl<'a, 'p> Watch<'a, 'p> {
    pub(super) fn new(
        server: &'a Server,
        pulse: &'a Pulse,
        timer: Pin<&'p mut Sleep>,
        stage_change: Pin<&'p mut Notified<'a>>,
    ) -> Self {
        let armed = timer.deadline().into_std();
        Self {
            server,
            pulse,
            timer,
            stage_change,
            seen: Stage::Running,
            armed,
            registered: false,
            rests: false,
        }
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        loop {
            let stage = self.server.stage();
            if stage != self.seen {
                self.seen = stage;
                self.stage_change.set(self.server.stage_change());
                self.registered = false;
                return Poll::Ready(Event::Stage(stage));
            }
            let resting = if self.rests { self.pulse.idle_since() } else { None };
            let deadline = match resting {
                Some(since) => since + self.server.rest_after(),
                None => self.pulse.deadline(&self.server.limits),
            };
            let rang = self.timer.is_elapsed();
            if rang && deadline <= Instant::now() {
                if resting.is_none() {
                    return Poll::Ready(Event::Overdue(self.pulse.phase()));
                }
                self.rests = false;
                return Poll::Ready(Event::Rest);
            }
            if rang || deadline < self.armed {
                self.armed = deadline;
                self.timer.as_mut().reset(deadline.into());
                self.registered = false;
            }
            if self.registered {
                return Poll::Pending;
            }
            // Unconstrained: a task that has used up its budget on a large answer would get Pending without its waker
            // being registered, and would never look again.
            let changed = pin!(unconstrained(self.stage_change.as_mut())).poll(cx).is_ready();
            if changed {
                // Made before the stage is looked at again, so no change falls between the two.
                self.stage_change.set(self.server.stage_change());
            }
            let rang = pin!(unconstrained(self.timer.as_mut())).poll(cx).is_ready();
            self.registered = !(changed || rang);
        }
    }
}
