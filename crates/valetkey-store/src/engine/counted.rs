//! An engine that counts its writes, so that whoever keeps in memory what was read knows when to read it anew.

use super::{Engine, Verb};
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use valetkey_core::error::Fault;

/// An engine, and how often something was written through it that memory might still hold otherwise.
#[derive(Debug, Clone)]
pub(crate) struct Counted {
    engine: Engine,
    writes: Arc<AtomicU64>,
}

/// Counts when it goes: after the commit, before the caller hears of it, and also where the caller has gone.
struct Ends<'a>(&'a AtomicU64);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}

impl Counted {
    pub(crate) fn new(engine: Engine) -> Self {
        Self { engine, writes: Arc::default() }
    }

    /// As [`Engine::write`]; counted, unless the verb says that it leaves aside what memory holds.
    pub(crate) async fn write<V: Verb + 'static>(&self, verb: V) -> Result<V::Out, Fault> {
        let _ends = (!V::ASIDE).then(|| Ends(&self.writes));
        self.engine.write(verb).await
    }

    pub(crate) fn writes(&self) -> u64 {
        self.writes.load(Ordering::Acquire)
    }
}

impl Deref for Counted {
    type Target = Engine;
    fn deref(&self) -> &Engine {
        &self.engine
    }
}
