//! Brings the schema up to date: the same numbered steps as on SQLite, one node at a time, and so that servers that run
//! meanwhile hardly notice: nothing is waited for long with a lock in hand.

use super::connection::Connection;
use super::fault::Words;
use super::nodes;
use super::pool::Pool;
use crate::error::OpenError;
use crate::migrate::{Applied, Migration, POSTGRES, Refused, checksum, pending};
use crate::open::PostgresOptions;
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

/// The lock of migrations, for each schema its own: "vkey" in ASCII.
const LOCK: &str = "SELECT pg_try_advisory_xact_lock(1986749817, hashtext(current_schema()))";

/// A step that waits for a table makes all wait that come after it: after this long it lets them pass, and tries again.
const BEGIN: &str =
    "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0;
    SET LOCAL lock_timeout = '800ms'";

/// How long it is tried, against traffic and against others who migrate.
const PATIENCE: Duration = Duration::from_mins(2);
/// Between two tries; after a collision with traffic, so that what waited gets through.
const LOOK_AGAIN: Duration = Duration::from_millis(25);
const LET_PASS: Duration = Duration::from_millis(400);

const HISTORY: &str = "CREATE TABLE IF NOT EXISTS schema_history (
    version BIGINT PRIMARY KEY, name TEXT NOT NULL, checksum BIGINT NOT NULL, valetkey TEXT NOT NULL,
    compatible_from BIGINT);
    ALTER TABLE schema_history ADD COLUMN IF NOT EXISTS compatible_from BIGINT";

/// Why a step was not carried out.
enum Stopped {
    /// Somebody else is at it.
    Busy,
    Refused(Refused),
    Failed(tokio_postgres::Error),
}

impl From<tokio_postgres::Error> for Stopped {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Failed(error)
    }
}

impl Stopped {
    /// How long to let others pass before the same is tried again.
    fn pause(&self) -> Option<Duration> {
        match self {
            Self::Busy => Some(LOOK_AGAIN),
            Self::Refused(_) => None,
            Self::Failed(error) => {
                let state = error.code()?;
                let collided = [
                    &SqlState::LOCK_NOT_AVAILABLE,
                    &SqlState::T_R_DEADLOCK_DETECTED,
                    &SqlState::T_R_SERIALIZATION_FAILURE,
                    // Two made the history's table at once.
                    &SqlState::UNIQUE_VIOLATION,
                    &SqlState::DUPLICATE_TABLE,
                ];
                collided.contains(&state).then_some(LET_PASS)
            }
        }
    }
}

/// What stands in the database, and what may be done about it. Answers whether it can notify.
pub(super) async fn prepare(pool: &Pool, options: &PostgresOptions) -> Result<bool, OpenError> {
    let shown = pool.connector.address.shown.clone();
    let unreachable = |why: String| OpenError::Unreachable { at: shown.clone(), why };
    let mut lease = pool.lease().await.map_err(|fault| unreachable(fault.to_string()))?;
    let connection = lease.connection().map_err(|fault| unreachable(fault.to_string()))?;
    let failed = |error: &_| unreachable(Words::of(error).to_string());
    if applied(connection).await.map_err(|error| failed(&error))?.is_empty() {
        if let Some(witness) = options.marker.as_ref().filter(|marker| marker.exists()) {
            let path = PathBuf::from(&shown);
            return Err(OpenError::Lost { path, state: "empty", witness: witness.clone() });
        }
        if !options.create {
            return Err(OpenError::Empty { at: shown });
        }
    }
    bring_up(connection, POSTGRES).await.map_err(|stopped| match stopped {
        Stopped::Busy => unreachable("somebody else keeps changing its schema".to_owned()),
        Stopped::Refused(refused) => refused.at(&PathBuf::from(&shown)),
        Stopped::Failed(error) => failed(&error),
    })?;
    let notifies = notifies(connection).await.map_err(|error| failed(&error))?;
    lease.sound = true;
    Ok(notifies)
}

/// Carries out what is missing of `steps`, however often others get in the way.
async fn bring_up(connection: &Connection, steps: &[Migration]) -> Result<(), Stopped> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let done = applied(connection).await?;
        if pending(&done, steps).map_err(Stopped::Refused)?.is_empty() {
            return Ok(());
        }
        let Err(stopped) = next(connection, steps).await else { continue };
        // An error has ended the transaction already; what it held is free again now.
        connection.client.batch_execute("ROLLBACK").await?;
        match stopped.pause() {
            Some(pause) if Instant::now() < deadline => sleep(pause).await,
            _ => return Err(stopped),
        }
    }
}

/// The next step in a transaction of its own, so that no lock is held longer than one step takes. An empty database is
/// furnished in one go.
async fn next(connection: &Connection, steps: &[Migration]) -> Result<(), Stopped> {
    let client = &connection.client;
    client.batch_execute(BEGIN).await?;
    if !lock(client).await? {
        return Err(Stopped::Busy);
    }
    // Another node may have been faster.
    let done = applied(connection).await?;
    let missing = pending(&done, steps).map_err(Stopped::Refused)?;
    let count = if done.is_empty() { missing.len() } else { 1 };
    for step in missing.iter().take(count) {
        if done.iter().any(|own| own.version == nodes::SINCE)
            && nodes::someone_knows_less(client, step.compatible_from).await?
        {
            return Err(Stopped::Refused(Refused::Behind { version: step.version }));
        }
        apply(connection, step).await?;
    }
    Ok(client.batch_execute("COMMIT").await?)
}

/// Keeps others from changing the schema until the transaction ends. False where one of them is at it.
pub(super) async fn lock(client: &Client) -> Result<bool, tokio_postgres::Error> {
    let locked = client.query_typed(LOCK, &[]).await?;
    locked.first().map_or(Ok(false), |row| row.try_get(0))
}

/// One step, in the transaction that is open.
pub(super) async fn apply(connection: &Connection, step: &Migration) -> Result<(), tokio_postgres::Error> {
    let client = &connection.client;
    client.batch_execute(HISTORY).await?;
    client.batch_execute(step.sql).await?;
    let note = format!(
        "INSERT INTO schema_history (version, name, checksum, valetkey, compatible_from)
         VALUES ({}, '{}', {}, '{}', {})",
        step.version,
        step.name,
        checksum(step.sql),
        env!("CARGO_PKG_VERSION"),
        step.compatible_from,
    );
    client.batch_execute(&note).await
}

/// The history of a database; empty where there is none.
pub(super) async fn applied(connection: &Connection) -> Result<Vec<Applied>, tokio_postgres::Error> {
    let client = &connection.client;
    let sql = "SELECT column_name FROM information_schema.columns
               WHERE table_schema = current_schema() AND table_name = 'schema_history'";
    let columns = client.query_typed(sql, &[]).await?;
    if columns.is_empty() {
        return Ok(Vec::new());
    }
    // Before there was such a column, nothing that came later left room for anybody.
    let knows = columns.iter().any(|row| row.try_get(0).is_ok_and(|name: &str| name == "compatible_from"));
    let from = if knows { "coalesce(compatible_from, version)" } else { "version" };
    let sql = format!("SELECT version, checksum, {from} FROM schema_history ORDER BY version");
    let rows = client.query_typed(&sql, &[]).await?;
    let of = |row: &tokio_postgres::Row| {
        Ok(Applied { version: row.try_get(0)?, checksum: row.try_get(1)?, compatible_from: row.try_get(2)? })
    };
    rows.iter().map(of).collect()
}

/// Engines that speak PostgreSQL's protocol over several machines cannot notify; there the feed is polled.
async fn notifies(connection: &Connection) -> Result<bool, tokio_postgres::Error> {
    let rows = connection.client.query_typed("SELECT version()", &[]).await?;
    let version: String = rows.first().map(|row| row.try_get(0)).transpose()?.unwrap_or_default();
    Ok(!version.contains("CockroachDB") && !version.contains("-YB-"))
}

#[cfg(test)]
mod tests;
