//! What a verb sees of a database: a transaction that executes and queries. Engines differ below this line only.

mod counted;
pub(crate) mod postgres;
mod row;
pub(crate) mod sqlite;
mod value;

pub(crate) use counted::Counted;
pub(crate) use postgres::group::Group;
pub(crate) use postgres::overtaken;
pub(crate) use row::{Cell, Row};
pub(crate) use value::Value;
pub(crate) use value::params;

use std::future::Future;
use std::sync::Arc;
use valetkey_core::error::Fault;

/// One transaction. SQL is written so that SQLite and PostgreSQL both speak it: parameters `$1 … $n` numbered in the
/// order of their first use, TEXT, BIGINT (INTEGER), BLOB (BYTEA), flags 0/1, seconds since the epoch. What stands between
/// `/*pg` and `*/` is for PostgreSQL alone: the locks that a single writer has no need of.
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

    /// Runs a statement of which nobody needs to know more than that it did not fail. A networked engine sends it without
    /// waiting: a failure may come with a later statement, or with the commit.
    fn post(
        &mut self,
        sql: &'static str,
        params: &[Value<'_>],
    ) -> impl Future<Output = Result<(), Fault>> + Send {
        async move { self.execute(sql, params).await.map(drop) }
    }

    /// Adds an entry to the change feed. Numbers are given in the order of the commits.
    fn announce(&mut self, at: i64, kind: i64, key: &[u8]) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Keeps the rows of a `SELECT … FOR …` as they are until the transaction ends. Where writers follow one another,
    /// they are kept anyway.
    fn hold(
        &mut self,
        _sql: &'static str,
        _params: &[Value<'_>],
    ) -> impl Future<Output = Result<(), Fault>> + Send {
        async { Ok(()) }
    }

    /// From here to its end, this transaction is the only one of those that name the same thing; others wait.
    fn alone(&mut self, _what: &'static str) -> impl Future<Output = Result<(), Fault>> + Send {
        async { Ok(()) }
    }

    /// The same without waiting: false where another one is at it.
    fn is_alone(&mut self, _what: &'static str) -> impl Future<Output = Result<bool, Fault>> + Send {
        async { Ok(true) }
    }
}

/// A domain verb: one transaction, written once for every engine.
///
/// `run` may be called again after its first attempt was rolled back, so it keeps nothing between calls. An error
/// undoes what the verb wrote; an outcome, however unwelcome, is kept.
pub(crate) trait Verb: Send + Sync {
    /// What the verb answers.
    type Out: Send + 'static;

    /// Whether it leaves as they are sessions, consents, people and directories: what a server may hold in memory for a
    /// moment. What does not say so is taken to change them.
    const ASIDE: bool = false;

    fn run<T: Tx>(&self, tx: &mut T) -> impl Future<Output = Result<Self::Out, Fault>> + Send;

    /// The whole verb as one statement that is a transaction of its own, where that may do: for engines to which every
    /// round trip is dear, in PostgreSQL's words. `None` where it changed nothing, and `run` must be asked. Tells nothing
    /// to the feed.
    fn quick<T: Tx>(&self, _tx: &mut T) -> impl Future<Output = Result<Option<Self::Out>, Fault>> + Send {
        async { Ok(None) }
    }

    /// Whether it may look at very many rows, so that waiting for it means nothing.
    fn is_long(&self) -> bool {
        false
    }
}

/// A verb that many callers bring at the same time, each with a thing of its own.
pub(crate) trait Grouped: Verb + Sized {
    /// The good case of every one of them in one statement, in PostgreSQL's words: a transaction of its own that waits for
    /// nobody's rows, so that it can neither be held up nor lie across another. `None` where it changed nothing for that one:
    /// it is then run alone. Tells nothing to the feed.
    fn quick_all<T: Tx>(
        all: &[&Self],
        tx: &mut T,
    ) -> impl Future<Output = Result<Vec<Option<Self::Out>>, Fault>> + Send;
}

/// The database behind the store.
#[derive(Debug, Clone)]
pub(crate) enum Engine {
    Sqlite(sqlite::Sqlite),
    Postgres(postgres::Postgres),
}

impl Engine {
    /// Runs a verb that only reads: on one snapshot, or on one for each of its statements.
    pub(crate) async fn read<V: Verb>(&self, verb: V) -> Result<V::Out, Fault> {
        match self {
            Self::Sqlite(sqlite) => sqlite.read(&verb),
            Self::Postgres(postgres) => postgres.read(&verb).await,
        }
    }

    /// Runs a verb that writes; answers once it is durable.
    pub(crate) async fn write<V: Verb + 'static>(&self, verb: V) -> Result<V::Out, Fault> {
        match self {
            Self::Sqlite(sqlite) => sqlite.write(verb).await,
            Self::Postgres(postgres) => postgres.write(verb).await,
        }
    }

    /// The same for one of many; those that wait together share a commit on either engine.
    pub(crate) async fn write_grouped<V: Grouped + 'static>(
        &self,
        verb: V,
        group: &Arc<Group<V>>,
    ) -> Result<V::Out, Fault> {
        match self {
            Self::Sqlite(sqlite) => sqlite.write(verb).await,
            Self::Postgres(postgres) => postgres.write_grouped(verb, group).await,
        }
    }

    /// Whether the database can be written to, by asking it where that is cheap, and by `verb` where only a write shows it.
    pub(crate) async fn ping<A: Verb + 'static, W: Verb + 'static>(
        &self,
        ask: A,
        write: W,
    ) -> Result<(), Fault> {
        match self {
            // In good health the right to write is proof enough, and costs no sync of the disk.
            Self::Sqlite(sqlite) if sqlite.is_ailing() => sqlite.write(write).await.map(drop),
            Self::Sqlite(sqlite) => sqlite.write(ask).await.map(drop),
            Self::Postgres(postgres) => postgres.ping().await,
        }
    }

    /// Returns when another process may have changed something; never where nobody would tell.
    pub(crate) async fn news(&self) {
        match self {
            Self::Sqlite(_) => std::future::pending().await,
            Self::Postgres(postgres) => postgres.news().await,
        }
    }

    /// Whether connections were lost since this was asked last. A file is watched by its writer.
    pub(crate) fn was_lost(&self) -> bool {
        match self {
            Self::Sqlite(_) => false,
            Self::Postgres(postgres) => postgres.was_lost(),
        }
    }

    /// Says that a server runs on it, where others can. A file's lock says it already.
    pub(crate) async fn attend(&self) -> Result<(), Fault> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(postgres) => postgres.attend().await,
        }
    }

    /// Says that it ends.
    pub(crate) async fn depart(&self) -> Result<(), Fault> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(postgres) => postgres.depart().await,
        }
    }

    /// Finishes what waits and lets the database go. Later calls are refused.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(sqlite) => sqlite.close().await,
            Self::Postgres(postgres) => postgres.close(),
        }
    }
}
