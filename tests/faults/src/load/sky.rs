//! What the load may expect of the server now.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

/// Shared by all workers of a crew and the fault that happens to them.
#[derive(Debug, Clone, Default)]
pub struct Sky(Arc<State>);

#[derive(Debug, Default)]
struct State {
    stormy: AtomicBool,
    over: AtomicBool,
}

impl Sky {
    /// From now on a reply may be missing, or be 503 with `Retry-After`.
    pub fn storm(&self) {
        self.0.stormy.store(true, SeqCst);
    }

    /// From now on every request must be answered.
    pub fn clear(&self) {
        self.0.stormy.store(false, SeqCst);
    }

    /// The load stops.
    pub fn end(&self) {
        self.0.over.store(true, SeqCst);
    }

    /// The load may begin again, in fair weather.
    pub fn begin(&self) {
        self.clear();
        self.0.over.store(false, SeqCst);
    }

    pub fn is_stormy(&self) -> bool {
        self.0.stormy.load(SeqCst)
    }

    pub fn is_over(&self) -> bool {
        self.0.over.load(SeqCst)
    }
}
