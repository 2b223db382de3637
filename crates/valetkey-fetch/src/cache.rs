//! Documents in memory: bounded in bytes, kept as long as they are fresh, and asked for once by however many want them.

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use std::future::Future;
use std::sync::Arc;
use valetkey_core::outbound::Unfetched;

/// How many documents, and how many bytes of them.
const DOCUMENTS: usize = 4096;
const BYTES: u64 = 32 << 20;
/// The same of those that were let go of before their time.
const FORGOTTEN: usize = 256;
const FORGOTTEN_BYTES: u64 = 4 << 20;
/// For how long such a one stands in before its server is asked again, in milliseconds.
const STANDS_IN_MS: u64 = 10_000;
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
pub(crate) struct Documents {
    known: Cache<Arc<str>, Known, ByBytes>,
    forgotten: Cache<Arc<str>, Known, ByBytes>,
}

impl Default for Documents {
    fn default() -> Self {
        Self {
            known: Cache::with_weighter(DOCUMENTS, BYTES, ByBytes),
            forgotten: Cache::with_weighter(FORGOTTEN, FORGOTTEN_BYTES, ByBytes),
        }
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
            let waited = self.known.get(&key).is_none();
            match self.known.get_value_or_guard_async(&key).await {
                Ok(known) if known.until_ms > now_ms || waited => return known.result,
                Ok(_) => drop(self.known.remove_if(&key, |known| known.until_ms <= now_ms)),
                Err(place) => {
                    let known = ask().await;
                    let result = known.result.clone();
                    drop(place.insert(known));
                    return result;
                }
            }
        }
    }

    /// Why `url` could not be read, while that counts.
    pub(crate) fn failure(&self, url: &str, now_ms: u64) -> Option<Unfetched> {
        self.known.get(url).filter(|known| known.until_ms > now_ms)?.result.err()
    }

    pub(crate) fn keep(&self, url: &str, known: Known) {
        self.known.insert(url.into(), known);
    }

    pub(crate) fn forget_if_before(&self, url: &str, before_ms: u64) {
        let Some((url, known)) = self.known.remove_if(url, |known| known.since_ms <= before_ms) else {
            return;
        };
        if known.result.is_ok() {
            self.forgotten.insert(url, known);
        }
    }

    /// What was let go of, while it would still have been good: better than nothing where its server is away.
    pub(crate) fn as_before(&self, url: &str, now_ms: u64) -> Option<Known> {
        let known = self.forgotten.get(url).filter(|known| known.until_ms > now_ms)?;
        let until_ms = known.until_ms.min(now_ms + STANDS_IN_MS);
        Some(Known { until_ms, since_ms: now_ms, ..known })
    }
}
