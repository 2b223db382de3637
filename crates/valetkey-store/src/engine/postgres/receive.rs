//! Takes the rows of another database, in one transaction.

use super::fault::Words;
use super::pool::Pool;
use super::value::{Bound, typed};
use super::{Address, Connector, migrate};
use crate::engine::{Cell, Value};
use crate::error::{OpenError, TransferError};
use crate::open::PostgresOptions;
use std::fmt::Write;
use tokio_postgres::types::Type;

/// An open transaction into a database whose tables are there and empty.
#[derive(Debug)]
pub(crate) struct Receiver {
    connection: super::connection::Connection,
    shown: String,
}

impl Receiver {
    pub(crate) async fn open(options: &PostgresOptions) -> Result<Self, TransferError> {
        let address = Address::parse(&options.url)?;
        let shown = address.shown.clone();
        let pool = Pool::new(Connector::new(address)?);
        migrate::prepare(&pool, options).await?;
        let connection = pool.connector.connect(None).await;
        let unreachable = |why: String| OpenError::Unreachable { at: shown.clone(), why };
        let connection = connection.map_err(|fault| unreachable(fault.to_string()))?;
        let begin =
            "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0";
        connection.client.batch_execute(begin).await.map_err(|error| failed(&error))?;
        Ok(Self { connection, shown })
    }

    /// Takes rows on a connection whose transaction is open.
    pub(super) fn on(connection: super::connection::Connection, shown: String) -> Self {
        Self { connection, shown }
    }

    pub(super) fn connection(&self) -> &super::connection::Connection {
        &self.connection
    }

    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }

    /// The name is one of the schema's own, as all names here.
    pub(crate) async fn count(&self, table: &str) -> Result<u64, TransferError> {
        let sql = format!("SELECT count(*) FROM {table}");
        let rows = self.connection.client.query_typed(&sql, &[]).await.map_err(|error| failed(&error))?;
        let count = rows.first().map_or(Ok(0_i64), |row| row.try_get(0)).map_err(|error| failed(&error))?;
        Ok(count.unsigned_abs())
    }

    pub(crate) async fn insert(
        &self,
        table: &str,
        columns: &[String],
        rows: &[Vec<Cell>],
    ) -> Result<u64, TransferError> {
        let mut sql = format!("INSERT INTO {table} ({}) VALUES ", columns.join(", "));
        let mut values: Vec<(Bound, Type)> = Vec::with_capacity(rows.len() * columns.len());
        for (n, row) in rows.iter().enumerate() {
            sql.push_str(if n == 0 { "(" } else { ", (" });
            for (m, cell) in row.iter().enumerate() {
                values.push(typed(&as_value(cell)));
                // Writing to a text cannot fail.
                let _ = write!(sql, "{}${}", if m == 0 { "" } else { ", " }, values.len());
            }
            sql.push(')');
        }
        let values: Vec<_> = values.iter().map(|(bound, of)| (bound.as_sql(), of.clone())).collect();
        self.connection.client.execute_typed(&sql, &values).await.map_err(|error| failed(&error))
    }

    /// The feed goes on where it stands.
    pub(crate) async fn number_feed(&self) -> Result<(), TransferError> {
        let sql = "UPDATE feed SET seq = (SELECT coalesce(max(seq), 0) FROM changes) WHERE id = 1";
        self.connection.client.batch_execute(sql).await.map_err(|error| failed(&error))
    }

    pub(crate) async fn commit(self) -> Result<(), TransferError> {
        self.connection.client.batch_execute("COMMIT").await.map_err(|error| failed(&error))
    }
}

fn as_value(cell: &Cell) -> Value<'_> {
    match cell {
        Cell::Null => Value::Null,
        Cell::Int(number) => Value::Int(*number),
        Cell::Text(text) => Value::Text(text),
        Cell::Blob(bytes) => Value::Blob(bytes),
    }
}

fn failed(error: &tokio_postgres::Error) -> TransferError {
    TransferError::Target(Words::of(error).to_string())
}
