//! The handle by which a signal handler, the readiness check and the listeners agree that the process is ending.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::sync::Notify;

const RUNNING: u8 = 0;
const BEGUN: u8 = 1;
const ABORTED: u8 = 2;

/// Begins a graceful end, once for every clone. Cheap to clone and to ask.
#[derive(Debug, Clone, Default)]
pub struct Drain(Arc<State>);

#[derive(Debug, Default)]
struct State {
    stage: AtomicU8,
    changed: Notify,
}

impl Drain {
    pub fn new() -> Self {
        Self::default()
    }

    /// Stop accepting and finish what runs. Further calls change nothing.
    pub fn begin(&self) {
        self.raise(BEGUN);
    }

    /// Cut everything now: the second signal.
    pub fn abort(&self) {
        self.raise(ABORTED);
    }

    pub fn is_draining(&self) -> bool {
        self.0.stage.load(Ordering::Acquire) != RUNNING
    }

    /// Resolves once [`begin`](Self::begin) or [`abort`](Self::abort) was called.
    pub async fn begun(&self) {
        self.reached(BEGUN).await;
    }

    /// Resolves once [`abort`](Self::abort) was called.
    pub async fn aborted(&self) {
        self.reached(ABORTED).await;
    }

    fn raise(&self, stage: u8) {
        self.0.stage.fetch_max(stage, Ordering::AcqRel);
        self.0.changed.notify_waiters();
    }

    async fn reached(&self, stage: u8) {
        loop {
            // Made before the check: a change between the two still wakes it.
            let changed = self.0.changed.notified();
            if self.0.stage.load(Ordering::Acquire) >= stage {
                return;
            }
            changed.await;
        }
    }
}
