//! What a verb sees of a database: a transaction that executes and queries. Engines differ below this line only.

mod row;
pub(crate) mod sqlite;
mod value;

pub(crate) use row::{Cell, Row};
pub(crate) use value::Value;
pub(crate) use value::params;

use std::future::Future;
use valetkey_core::error::Fault;

/// One transaction. SQL is written so that SQLite and PostgreSQL both speak it: parameters `$1 … $n` numbered in the
/// order of their first use, TEXT, BIGINT (INTEGER), BLOB (BYTEA), flags 0/1, seconds since the epoch.
pub(crate) trait Tx: Send {
    /// Runs a statement that returns no rows; answers how many it changed.
    fn execute(
        &mut self,
        sql: &'static str,
        params: &[Value<'_>],
    ) -> impl Future<Output = Result<u64, Fault>> + Send;

    /// Runs a statement and reads all rows it returns.
    fn query(
        &mut self,
        sql: &'static str,
        params: &[Value<'_>],
    ) -> impl Future<Output = Result<Vec<Row>, Fault>> + Send;

    /// Runs a statement and reads the first row it returns, if any.
    fn one(
        &mut self,
        sql: &'static str,
        params: &[Value<'_>],
    ) -> impl Future<Output = Result<Option<Row>, Fault>> + Send {
        async move { Ok(self.query(sql, params).await?.into_iter().next()) }
    }
}

/// A domain verb: one transaction, written once for every engine.
///
/// `run` may be called again after its first attempt was rolled back, so it keeps nothing between calls. An error
/// undoes what the verb wrote; an outcome, however unwelcome, is kept.
pub(crate) trait Verb: Send + Sync {
    /// What the verb answers.
    type Out: Send + 'static;

    fn run<T: Tx>(&self, tx: &mut T) -> impl Future<Output = Result<Self::Out, Fault>> + Send;
}

/// The database behind the store.
#[derive(Debug, Clone)]
pub(crate) enum Engine {
    Sqlite(sqlite::Sqlite),
}

impl Engine {
    /// Runs a verb that only reads, on one snapshot.
    #[expect(clippy::unused_async, reason = "a networked engine waits here; callers are written for both")]
    pub(crate) async fn read<V: Verb>(&self, verb: V) -> Result<V::Out, Fault> {
        match self {
            Self::Sqlite(sqlite) => sqlite.read(&verb),
        }
    }

    /// Runs a verb that writes; answers once it is durable.
    pub(crate) async fn write<V: Verb + 'static>(&self, verb: V) -> Result<V::Out, Fault> {
        match self {
            Self::Sqlite(sqlite) => sqlite.write(verb).await,
        }
    }

    /// Whether the last write failed for a reason outside the verb.
    pub(crate) fn is_ailing(&self) -> bool {
        match self {
            Self::Sqlite(sqlite) => sqlite.is_ailing(),
        }
    }

    /// Finishes what waits and lets the database go. Later calls are refused.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(sqlite) => sqlite.close().await,
        }
    }
}
