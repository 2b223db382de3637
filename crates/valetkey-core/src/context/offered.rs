//! Which grants and answers that need an opt-in any client has: what discovery may promise. Held until a client changes.

use crate::error::Fault;
use crate::grant::GrantType;
use crate::interaction::ResponseType;
use arc_swap::ArcSwapOption;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What at least one client has.
#[derive(Debug, Clone)]
pub struct InUse {
    pub grants: Vec<GrantType>,
    /// Through the browser.
    pub answers: Vec<ResponseType>,
}

/// The answer, with the count of changes at which it was found.
type Held = (u64, InUse);

#[derive(Debug, Default)]
pub struct Offered {
    held: ArcSwapOption<Held>,
    changes: AtomicU64,
}

impl Offered {
    /// A client changed: what is held is good no longer, and neither is what is being read now.
    pub fn forget(&self) {
        self.changes.fetch_add(1, Ordering::AcqRel);
    }

    pub async fn get_or_read<F>(&self, read: impl FnOnce() -> F) -> Result<InUse, Fault>
    where
        F: Future<Output = Result<InUse, Fault>>,
    {
        let changes = self.changes.load(Ordering::Acquire);
        let held = self.held.load_full();
        if let Some(held) = held.as_ref().filter(|held| held.0 == changes) {
            return Ok(held.1.clone());
        }
        let found = match (read().await, held) {
            (Ok(found), _) => found,
            // With the store away, a promise of a moment ago is better than none: the endpoints judge anew anyway.
            (Err(_), Some(held)) => return Ok(held.1.clone()),
            (Err(fault), None) => return Err(fault),
        };
        self.held.store(Some(Arc::new((changes, found.clone()))));
        Ok(found)
    }
}
