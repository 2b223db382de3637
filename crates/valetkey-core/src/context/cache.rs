//! Clients in memory: bounded, and never older than the change feed.

use crate::client::Client;
use crate::error::Fault;
use crate::ids::ClientId;
use quick_cache::sync::Cache;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const CAPACITY: usize = 10_000;

/// A bounded cache whose entries go when the change feed names them.
pub struct ClientCache {
    entries: Cache<ClientId, Arc<Client>>,
    /// Rises with every `forget`, so that a read that began before one is not kept after it.
    epoch: AtomicU64,
}

impl Default for ClientCache {
    fn default() -> Self {
        Self { entries: Cache::new(CAPACITY), epoch: AtomicU64::new(0) }
    }
}

impl std::fmt::Debug for ClientCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ClientCache({} entries)", self.entries.len())
    }
}

impl ClientCache {
    /// From memory, or read and kept unless something was forgotten meanwhile.
    pub async fn get_or_read<F>(
        &self,
        id: &str,
        read: impl FnOnce() -> F,
    ) -> Result<Option<Arc<Client>>, Fault>
    where
        F: Future<Output = Result<Option<Client>, Fault>>,
    {
        if let Some(client) = self.entries.get(id) {
            return Ok(Some(client));
        }
        let epoch = self.epoch.load(Ordering::Acquire);
        let Some(client) = read().await?.map(Arc::new) else { return Ok(None) };
        self.entries.insert(client.id.clone(), Arc::clone(&client));
        if self.epoch.load(Ordering::Acquire) != epoch {
            self.entries.remove(id);
        }
        Ok(Some(client))
    }

    pub fn forget(&self, id: &str) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
        self.entries.remove(id);
    }

    pub fn clear(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
        self.entries.clear();
    }
}
