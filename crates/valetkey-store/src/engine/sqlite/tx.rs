//! A transaction on one SQLite connection, and the driver that completes a verb on it.

use super::fault::{Broken, fault};
use crate::engine::{Cell, Row, Tx, Value, Verb};
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, Statement, StatementStatus};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use valetkey_core::error::Fault;

/// A connection inside a transaction that somebody else opened and will close.
pub(super) struct SqliteTx<'c> {
    connection: &'c mut Connection,
    /// An error met on the way ended the transaction, or the use of the connection.
    pub(super) broken: Option<Broken>,
}

impl<'c> SqliteTx<'c> {
    pub(super) fn new(connection: &'c mut Connection) -> Self {
        Self { connection, broken: None }
    }

    pub(super) fn connection(&self) -> &Connection {
        self.connection
    }

    fn note(&mut self, error: rusqlite::Error) -> Fault {
        let broken = Broken::from(&error);
        // A full disk may have rolled everything back.
        if broken.spoiled || self.connection.is_autocommit() {
            self.broken = Some(broken);
        }
        fault(error)
    }
}

impl Tx for SqliteTx<'_> {
    async fn execute(&mut self, sql: &'static str, params: &[Value<'_>]) -> Result<u64, Fault> {
        let done = prepare(self.connection, sql, params).and_then(|mut statement| statement.raw_execute());
        done.map(|changed| changed as u64).map_err(|error| self.note(error))
    }

    async fn query(&mut self, sql: &'static str, params: &[Value<'_>]) -> Result<Vec<Row>, Fault> {
        read(self.connection, sql, params, usize::MAX).map_err(|error| self.note(error))
    }

    async fn one(&mut self, sql: &'static str, params: &[Value<'_>]) -> Result<Option<Row>, Fault> {
        let rows = read(self.connection, sql, params, 1).map_err(|error| self.note(error))?;
        Ok(rows.into_iter().next())
    }

    async fn announce(&mut self, at: i64, kind: i64, key: &[u8]) -> Result<(), Fault> {
        let sql = "INSERT INTO changes (at, kind, key) VALUES ($1, $2, $3)";
        self.execute(sql, &[Value::Int(at), Value::Int(kind), Value::Blob(key)]).await.map(drop)
    }
}

/// Runs a verb to its end. On SQLite nothing suspends, so one poll must do.
pub(super) fn complete<V: Verb>(verb: &V, tx: &mut SqliteTx<'_>) -> Result<V::Out, Fault> {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(verb.run(tx)).poll(&mut context) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => {
            Err(Fault::internal("a verb waited for something else than its transaction", "pending"))
        }
    }
}

fn prepare<'c>(
    connection: &'c Connection,
    sql: &'static str,
    params: &[Value<'_>],
) -> rusqlite::Result<CachedStatement<'c>> {
    let mut statement = connection.prepare_cached(sql)?;
    debug_assert!(numbered_by_first_use(&statement), "parameters out of order: {sql}");
    debug_assert!(statement.get_status(StatementStatus::RePrepare) < 8, "planned anew at every call: {sql}");
    if statement.parameter_count() != params.len() {
        return Err(rusqlite::Error::InvalidParameterCount(params.len(), statement.parameter_count()));
    }
    for (index, value) in params.iter().enumerate() {
        statement.raw_bind_parameter(index + 1, value)?;
    }
    Ok(statement)
}

/// SQLite numbers `$n` by appearance and not by its digits: a statement that uses `$2` before `$1` would swap them.
fn numbered_by_first_use(statement: &Statement<'_>) -> bool {
    (1..=statement.parameter_count())
        .all(|index| statement.parameter_name(index) == Some(format!("${index}").as_str()))
}

fn read(
    connection: &Connection,
    sql: &'static str,
    params: &[Value<'_>],
    limit: usize,
) -> rusqlite::Result<Vec<Row>> {
    let mut statement = prepare(connection, sql, params)?;
    let columns = statement.column_count();
    let mut found = Vec::new();
    let mut rows = statement.raw_query();
    while found.len() < limit
        && let Some(row) = rows.next()?
    {
        let cells = (0..columns).map(|column| cell(row.get_ref(column)?)).collect::<rusqlite::Result<_>>()?;
        found.push(Row::new(cells));
    }
    Ok(found)
}

fn cell(value: ValueRef<'_>) -> rusqlite::Result<Cell> {
    Ok(match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Int(number),
        ValueRef::Text(text) => Cell::Text(std::str::from_utf8(text)?.to_owned()),
        ValueRef::Blob(bytes) => Cell::Blob(bytes.to_vec()),
        ValueRef::Real(_) => return Err(rusqlite::Error::InvalidQuery),
    })
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Self::Null => ValueRef::Null,
            Self::Int(number) => ValueRef::Integer(number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
            // A statement for many at once is in PostgreSQL's words alone.
            Self::Ints(_) | Self::Texts(_) | Self::Blobs(_) => return Err(rusqlite::Error::InvalidQuery),
        }))
    }
}
