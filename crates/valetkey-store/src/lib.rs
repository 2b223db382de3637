//! The store of Valetkey: domain verbs, written once, over SQLite.

mod engine;
mod error;
mod lock;
mod migrate;
mod open;
mod verbs;

pub use error::OpenError;
pub use lock::{LOCK_FILE, ServerLock};
pub use open::Options;

use engine::Engine;

/// An open store: it implements every port of `valetkey_core::store`. Clones share one database.
#[derive(Debug, Clone)]
pub struct Store {
    engine: Engine,
}

impl Store {
    /// Opens the SQLite database of `options`, bringing its schema up to date. Blocks for some milliseconds.
    pub fn open(options: &Options) -> Result<Self, OpenError> {
        Ok(Self { engine: Engine::Sqlite(engine::sqlite::Sqlite::open(options)?) })
    }

    /// Finishes the writes that wait and lets the database go; later calls are refused. Dropping the last clone does
    /// the same, but blocks the thread for it.
    pub async fn close(&self) {
        self.engine.close().await;
    }
}
