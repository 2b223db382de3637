//! Brings the schema up to date: the same numbered steps as on SQLite, one node at a time.

use super::connection::Connection;
use super::fault::Words;
use super::pool::Pool;
use crate::error::OpenError;
use crate::migrate::{Migration, POSTGRES, Refused, checksum, verified};
use crate::open::PostgresOptions;
use std::path::PathBuf;

/// The advisory lock of migrations: "valetkey" in ASCII.
const LOCK: &str = "SELECT pg_advisory_xact_lock(8530758435236963705)";

/// How long a step may wait for tables in use before it lets others pass.
const BEGIN: &str =
    "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0";

const HISTORY: &str = "CREATE TABLE IF NOT EXISTS schema_history (
    version BIGINT PRIMARY KEY, name TEXT NOT NULL, checksum BIGINT NOT NULL, valetkey TEXT NOT NULL)";

/// What stands in the database, and what may be done about it. Answers whether it can notify.
pub(super) async fn prepare(pool: &Pool, options: &PostgresOptions) -> Result<bool, OpenError> {
    let shown = pool.connector.address.shown.clone();
    let unreachable = |why: String| OpenError::Unreachable { at: shown.clone(), why };
    let mut lease = pool.lease().await.map_err(|fault| unreachable(fault.to_string()))?;
    let connection = lease.connection().map_err(|fault| unreachable(fault.to_string()))?;
    let failed = |error| unreachable(Words::of(&error).to_string());
    let done = applied(connection).await.map_err(failed)?;
    if done.is_empty() {
        if let Some(witness) = options.marker.as_ref().filter(|marker| marker.exists()) {
            let path = PathBuf::from(&shown);
            return Err(OpenError::Lost { path, state: "empty", witness: witness.clone() });
        }
        if !options.create {
            return Err(OpenError::Empty { at: shown });
        }
    }
    let at = |refused: Refused| refused.at(&PathBuf::from(&shown));
    for step in &POSTGRES[verified(&done, POSTGRES).map_err(at)?..] {
        apply(connection, step).await.map_err(failed)?;
    }
    // Another node may have gone further meanwhile.
    let done = applied(connection).await.map_err(failed)?;
    verified(&done, POSTGRES).map_err(at)?;
    let notifies = notifies(connection).await.map_err(failed)?;
    lease.sound = true;
    Ok(notifies)
}

async fn applied(connection: &Connection) -> Result<Vec<(i64, i64)>, tokio_postgres::Error> {
    let client = &connection.client;
    let sql = "SELECT 1 FROM information_schema.tables
               WHERE table_schema = current_schema() AND table_name = 'schema_history'";
    if client.query_typed(sql, &[]).await?.is_empty() {
        return Ok(Vec::new());
    }
    let rows =
        client.query_typed("SELECT version, checksum FROM schema_history ORDER BY version", &[]).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

/// One step in one transaction, unless another node was faster.
async fn apply(connection: &Connection, step: &Migration) -> Result<(), tokio_postgres::Error> {
    let client = &connection.client;
    client.batch_execute(BEGIN).await?;
    client.batch_execute(LOCK).await?;
    if !applied(connection).await?.iter().any(|(version, _)| *version == step.version) {
        client.batch_execute(HISTORY).await?;
        client.batch_execute(step.sql).await?;
        let note = format!(
            "INSERT INTO schema_history (version, name, checksum, valetkey) VALUES ({}, '{}', {}, '{}')",
            step.version,
            step.name,
            checksum(step.sql),
            env!("CARGO_PKG_VERSION")
        );
        client.batch_execute(&note).await?;
    }
    client.batch_execute("COMMIT").await
}

/// Engines that speak PostgreSQL's protocol over several machines cannot notify; there the feed is polled.
async fn notifies(connection: &Connection) -> Result<bool, tokio_postgres::Error> {
    let rows = connection.client.query_typed("SELECT version()", &[]).await?;
    let version: String = rows.first().map(|row| row.try_get(0)).transpose()?.unwrap_or_default();
    Ok(!version.contains("CockroachDB") && !version.contains("-YB-"))
}
