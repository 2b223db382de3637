//! What is noted of an application: uses of its secrets, refusals, how many people use it.

use super::{FromRow, all};
use crate::Store;
use crate::engine::{Row, Tx, Verb, params};
use async_trait::async_trait;
use valetkey_core::client::noted::{Failure, SecretUse};
use valetkey_core::error::Fault;
use valetkey_core::ids::{ClientId, Id};
use valetkey_core::store::{Audience, Notes};
use valetkey_core::time::Timestamp;

impl FromRow for Failure {
    fn from_row(row: &Row) -> Result<Self, Fault> {
        Ok(Self {
            client: row.text(0)?.into(),
            endpoint: row.text(1)?.to_owned(),
            code: row.text(2)?.to_owned(),
            detail: row.text(3)?.to_owned(),
            hint: row.opt_text(4)?.map(str::to_owned),
            count: u32::try_from(row.int(5)?).unwrap_or(u32::MAX),
            first_at: row.time(6)?,
            last_at: row.time(7)?,
        })
    }
}

pub(super) async fn forget_client<T: Tx>(tx: &mut T, id: &ClientId) -> Result<(), Fault> {
    tx.execute("DELETE FROM secret_uses WHERE client_id = $1", params![id]).await?;
    tx.execute("DELETE FROM failures WHERE client_id = $1", params![id]).await?;
    Ok(())
}

struct WriteNotes {
    uses: Vec<SecretUse>,
    failures: Vec<Failure>,
}

impl Verb for WriteNotes {
    type Out = ();
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<(), Fault> {
        let sql = "INSERT INTO secret_uses (client_id, secret_id, at)
                   SELECT c.id, $1, $2 FROM clients c WHERE c.id = $3
                   ON CONFLICT (client_id, secret_id) DO UPDATE SET at = excluded.at
                     WHERE secret_uses.at < excluded.at";
        for SecretUse { client, secret, at } in &self.uses {
            tx.execute(sql, params![secret, *at, client]).await?;
        }
        let sql = "INSERT INTO failures (client_id, endpoint, code, detail, hint, count, first_at, last_at)
                   SELECT c.id, $1, $2, $3, $4, $5, $6, $7 FROM clients c WHERE c.id = $8
                   ON CONFLICT (client_id, endpoint, code, detail) DO UPDATE
                     SET count = failures.count + excluded.count, last_at = excluded.last_at,
                         hint = coalesce(excluded.hint, failures.hint)";
        for own in &self.failures {
            let hint = own.hint.as_deref();
            let (endpoint, code, detail) = (&own.endpoint, &own.code, &own.detail);
            let values =
                params![endpoint, code, detail, hint, own.count, own.first_at, own.last_at, &own.client];
            tx.execute(sql, values).await?;
        }
        Ok(())
    }
}

struct Uses<'a> {
    client: &'a ClientId,
}

impl Verb for Uses<'_> {
    type Out = Vec<(Id, Timestamp)>;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Self::Out, Fault> {
        let sql = "SELECT secret_id, at FROM secret_uses WHERE client_id = $1";
        let rows = tx.query(sql, params![self.client]).await?;
        rows.iter().map(|row| Ok((row.id(0)?, row.time(1)?))).collect()
    }
}

struct Failures<'a> {
    client: &'a ClientId,
    limit: u32,
}

impl Verb for Failures<'_> {
    type Out = Vec<Failure>;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Vec<Failure>, Fault> {
        let sql = "SELECT client_id, endpoint, code, detail, hint, count, first_at, last_at FROM failures
                   WHERE client_id = $1 ORDER BY last_at DESC, code, detail LIMIT $2";
        all(tx, sql, params![self.client, self.limit]).await
    }
}

struct Count<'a> {
    client: &'a ClientId,
    now: Timestamp,
}

impl Verb for Count<'_> {
    type Out = Audience;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Audience, Fault> {
        let users = "SELECT count(*) FROM (SELECT 1 FROM consents WHERE client_id = $1 LIMIT $2) f";
        let users = tx.one(users, params![self.client, Audience::MOST]).await?;
        let grants = "SELECT count(*) FROM (SELECT 1 FROM grants WHERE client_id = $1 AND revoked_at IS NULL
                        AND (access_until > $2 OR (generation > 0 AND idle_until > $2 AND expires_at > $2))
                      LIMIT $3) f";
        let grants = tx.one(grants, params![self.client, self.now, Audience::MOST]).await?;
        let number = |row: Option<Row>| -> Result<u32, Fault> {
            let count = row.map(|row| row.int(0)).transpose()?.unwrap_or_default();
            Ok(u32::try_from(count).unwrap_or(Audience::MOST))
        };
        Ok(Audience { users: number(users)?, grants: number(grants)? })
    }
}

#[async_trait]
impl Notes for Store {
    async fn write_notes(&self, uses: &[SecretUse], failures: &[Failure]) -> Result<(), Fault> {
        self.engine.write(WriteNotes { uses: uses.to_vec(), failures: failures.to_vec() }).await
    }

    async fn secret_uses(&self, client: &ClientId) -> Result<Vec<(Id, Timestamp)>, Fault> {
        self.engine.read(Uses { client }).await
    }

    async fn failures(&self, client: &ClientId, limit: u32) -> Result<Vec<Failure>, Fault> {
        self.engine.read(Failures { client, limit }).await
    }

    async fn audience(&self, client: &ClientId, now: Timestamp) -> Result<Audience, Fault> {
        self.engine.read(Count { client, now }).await
    }
}
