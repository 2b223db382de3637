//! Documents in memory: bounded in bytes, kept as long as they are fresh, and asked for once by however many want them.

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use std::future::Future;
use std::sync::Arc;
use valetkey_core::outbound::Unfetched;

/// How many documents, and how many bytes of them.
const DOCUMENTS: usize = 4096;
const BYTES: u64 = 32 << 20;
/// Beside its body, what an entry costs.
const ENTRY: u64 = 256;

/// What came of asking, and until when it counts.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) result: Result<Arc<[u8]>, Unfetched>,
    pub(crate) since_ms: u64,
    pub(crate) until_ms: u64,
}

#[derive(Debug, Clone)]
struct ByBytes;

impl Weighter<Arc<str>, Known> for ByBytes {
    fn weight(&self, url: &Arc<str>, known: &Known) -> u64 {
        ENTRY + (url.len() + known.result.as_ref().map_or(0, |body| body.len())) as u64
    }
}

#[derive(Debug)]
pub(crate) struct Documents(Cache<Arc<str>, Known, ByBytes>);

impl Default for Documents {
    fn default() -> Self {
        Self(Cache::with_weighter(DOCUMENTS, BYTES, ByBytes))
    }
}

impl Documents {
    /// What is known of `url` at `now_ms`, or else what `ask` finds out; those who ask meanwhile wait for it.
    pub(crate) async fn get_or_ask<F>(
        &self,
        url: &str,
        now_ms: u64,
        ask: impl FnOnce() -> F,
    ) -> Result<Arc<[u8]>, Unfetched>
    where
        F: Future<Output = Known>,
    {
        let key: Arc<str> = url.into();
        loop {
            // Someone else's question, on its way while we came, is answer enough even where it is not kept.
            let waited = self.0.get(&key).is_none();
            match self.0.get_value_or_guard_async(&key).await {
                Ok(known) if known.until_ms > now_ms || waited => return known.result,
                Ok(_) => drop(self.0.remove_if(&key, |known| known.until_ms <= now_ms)),
                Err(place) => {
                    let known = ask().await;
                    let result = known.result.clone();
                    drop(place.insert(known));
                    return result;
                }
            }
        }
    }

    pub(crate) fn forget_if_before(&self, url: &str, before_ms: u64) {
        self.0.remove_if(url, |known| known.since_ms <= before_ms);
    }
}
