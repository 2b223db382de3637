//! Which servers run on the database. Each says every few seconds that it is there; the times are the database's own, so
//! that nobody's clock matters. Asked by those who must not work beside a server: a restore, and a migration that takes
//! something away.

use super::Postgres;
use super::fault::{Words, fault};
use crate::migrate::{POSTGRES, known};
use tokio_postgres::Client;
use tokio_postgres::types::Type;
use valetkey_core::error::Fault;

/// The step that made the table.
pub(super) const SINCE: i64 = 13;

/// Who was silent for as many seconds is gone: three words of it are missing.
const SILENT: i64 = 15;

const HERE: &str =
    "UPDATE nodes SET seen_at = CAST(extract(epoch FROM clock_timestamp()) AS BIGINT) WHERE id = $1";

const COME: &str = "WITH gone AS (DELETE FROM nodes
        WHERE seen_at < CAST(extract(epoch FROM clock_timestamp()) AS BIGINT) - 86400)
    INSERT INTO nodes (id, knows, version, seen_at)
    VALUES (CAST(gen_random_uuid() AS TEXT), $1, $2, CAST(extract(epoch FROM clock_timestamp()) AS BIGINT))
    RETURNING id";

const ALIVE: &str = "SELECT count(*) FROM nodes
    WHERE seen_at > CAST(extract(epoch FROM clock_timestamp()) AS BIGINT) - $1 AND knows < $2";

impl Postgres {
    /// Says that a server runs here.
    pub(crate) async fn attend(&self) -> Result<(), Fault> {
        let mut lease = self.0.pool.lease().await?;
        let client = &lease.connection()?.client;
        let mut own = self.0.node.lock().await;
        let here = match own.as_ref() {
            Some(id) => client.execute_typed(HERE, &[(id, Type::TEXT)]).await.map_err(|e| fault(&e))? > 0,
            None => false,
        };
        if !here {
            let (knows, version) = (known(POSTGRES), env!("CARGO_PKG_VERSION"));
            let rows = client.query_typed(COME, &[(&knows, Type::INT8), (&version, Type::TEXT)]).await;
            let rows = rows.map_err(|error| fault(&error))?;
            *own = rows.first().and_then(|row| row.try_get(0).ok());
        }
        drop(own);
        lease.sound = true;
        Ok(())
    }

    /// Says that it ends. Whoever cannot say so is taken for gone a little later.
    pub(crate) async fn depart(&self) -> Result<(), Fault> {
        let Some(id) = self.0.node.lock().await.take() else { return Ok(()) };
        let mut lease = self.0.pool.lease().await?;
        let client = &lease.connection()?.client;
        let sql = "DELETE FROM nodes WHERE id = $1";
        client
            .execute_typed(sql, &[(&id, Type::TEXT)])
            .await
            .map_err(|error| Fault::unavailable("the database cannot be reached now", Words::of(&error)))?;
        lease.sound = true;
        Ok(())
    }
}

/// Whether a server runs that does not know the schema up to that step.
pub(super) async fn someone_knows_less(client: &Client, step: i64) -> Result<bool, tokio_postgres::Error> {
    let rows = client.query_typed(ALIVE, &[(&SILENT, Type::INT8), (&step, Type::INT8)]).await?;
    let count: i64 = rows.first().map_or(Ok(0), |row| row.try_get(0))?;
    Ok(count > 0)
}

/// Whether any server runs.
pub(super) async fn someone_is_there(client: &Client) -> Result<bool, tokio_postgres::Error> {
    someone_knows_less(client, i64::MAX).await
}
