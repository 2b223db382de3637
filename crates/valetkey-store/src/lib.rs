//! The store of Valetkey: domain verbs, written once, over SQLite and PostgreSQL.

mod backup;
mod engine;
mod error;
mod lock;
mod migrate;
mod open;
mod transfer;
mod verbs;

pub use backup::{Head, Place, Report, backup, restore};
pub use error::{BackupError, OpenError, TransferError};
pub use lock::{LOCK_FILE, ServerLock};
pub use open::{Options, PostgresOptions};
pub use transfer::transfer;

use engine::{Counted, Engine, Group};
use std::sync::Arc;
use verbs::Step;

/// An open store: it implements every port of `valetkey_core::store`. Clones share one database.
#[derive(Debug, Clone)]
pub struct Store {
    engine: Counted,
    /// Refreshes that wait together.
    rotations: Arc<Group<Step>>,
}

impl Store {
    /// Opens the SQLite database of `options`, bringing its schema up to date. Blocks for some milliseconds.
    pub fn open(options: &Options) -> Result<Self, OpenError> {
        Ok(Self::on(Engine::Sqlite(engine::sqlite::Sqlite::open(options)?)))
    }

    /// Connects to the PostgreSQL database of `options`, bringing its schema up to date.
    pub async fn connect(options: &PostgresOptions) -> Result<Self, OpenError> {
        Ok(Self::on(Engine::Postgres(engine::postgres::Postgres::open(options).await?)))
    }

    fn on(engine: Engine) -> Self {
        Self { engine: Counted::new(engine), rotations: Arc::default() }
    }

    /// Reads an address without connecting to it.
    pub fn check_address(url: &str) -> Result<(), OpenError> {
        engine::postgres::check_address(url)
    }

    /// Finishes the writes that wait and lets the database go; later calls are refused. Dropping the last clone does
    /// the same, but blocks the thread for it.
    pub async fn close(&self) {
        self.engine.close().await;
    }
}
