//! Grants that were refreshed lately, in memory. What a token says of a grant never changes, and whether the grant still
//! gives any is asked again in the write; so memory may say yes, and never no.

use crate::ids::GrantId;
use crate::store::Grant;
use quick_cache::sync::Cache;
use std::sync::Arc;

/// At most some megabytes.
const CAPACITY: usize = 8192;

/// Grants as they once stood in the store.
pub struct LateGrants(Cache<GrantId, Arc<Grant>>);

impl Default for LateGrants {
    fn default() -> Self {
        Self(Cache::new(CAPACITY))
    }
}

impl std::fmt::Debug for LateGrants {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LateGrants({} entries)", self.0.len())
    }
}

impl LateGrants {
    pub fn get(&self, id: &GrantId) -> Option<Arc<Grant>> {
        self.0.get(id)
    }

    pub fn keep(&self, grant: &Arc<Grant>) {
        self.0.insert(grant.id, Arc::clone(grant));
    }

    /// What was read from another database is worth nothing.
    pub fn clear(&self) {
        self.0.clear();
    }
}
