//! Keys at rest. `seq` is the order in which they were added.

use super::audits::audit;
use super::revocations::announce;
use super::{FromRow, all, exists};
use crate::Store;
use crate::engine::{Row, Tx, Verb, params};
use async_trait::async_trait;
use valetkey_core::audit::Record;
use valetkey_core::error::Fault;
use valetkey_core::ids::KeyId;
use valetkey_core::store::{ChangeKind, KeyPurpose, Keys, StoredKey};
use valetkey_core::time::Timestamp;

const fn number(purpose: KeyPurpose) -> i64 {
    match purpose {
        KeyPurpose::Sealing => 1,
        KeyPurpose::Signing => 2,
        KeyPurpose::Encryption => 3,
    }
}

impl FromRow for StoredKey {
    fn from_row(row: &Row) -> Result<Self, Fault> {
        let purpose = match row.int(1)? {
            1 => KeyPurpose::Sealing,
            2 => KeyPurpose::Signing,
            3 => KeyPurpose::Encryption,
            other => return Err(Fault::corrupt("a key is for no known purpose", other.to_string())),
        };
        Ok(Self {
            id: row.text(0)?.into(),
            purpose,
            algorithm: row.text(2)?.to_owned(),
            wrapped: row.blob(3)?.to_vec(),
            created_at: row.time(4)?,
            active_at: row.time(5)?,
            retired_at: row.opt_time(6)?,
        })
    }
}

struct List;

impl Verb for List {
    type Out = Vec<StoredKey>;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Vec<StoredKey>, Fault> {
        let sql = "SELECT id, purpose, algorithm, wrapped, created_at, active_at, retired_at FROM keys
                   WHERE purpose IN (1, 2, 3) ORDER BY seq";
        all(tx, sql, &[]).await
    }
}

struct Add {
    fresh: Vec<StoredKey>,
    retire: Vec<(KeyId, Timestamp)>,
    seen: Option<KeyId>,
    record: Record,
}

impl Verb for Add {
    type Out = bool;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<bool, Fault> {
        // All of the keys or none: so the guard is asked for each before the first is written, and holds until the
        // commit because rotators follow one another.
        tx.alone("keys").await?;
        for key in &self.fresh {
            if self.overtaken(tx, key).await? {
                return Ok(false);
            }
        }
        let at = self.record.at;
        for key in &self.fresh {
            insert(tx, key).await?;
            announce(tx, at, ChangeKind::Key, key.id.as_str().as_bytes()).await?;
        }
        for (id, when) in &self.retire {
            let sql = "UPDATE keys SET retired_at = $1 WHERE id = $2 AND retired_at IS NULL";
            tx.execute(sql, params![*when, id]).await?;
            announce(tx, at, ChangeKind::Key, id.as_str().as_bytes()).await?;
        }
        audit(tx, &self.record).await?;
        Ok(true)
    }
}

impl Add {
    /// Whether somebody else added such a key since the caller looked.
    async fn overtaken<T: Tx>(&self, tx: &mut T, key: &StoredKey) -> Result<bool, Fault> {
        let (purpose, algorithm) = (number(key.purpose), &key.algorithm);
        match &self.seen {
            None => {
                let sql = "SELECT 1 FROM keys WHERE purpose = $1 AND algorithm = $2";
                exists(tx, sql, params![purpose, algorithm]).await
            }
            Some(seen) => {
                // A `seen` that is gone compares as nothing, and the caller must look again.
                let sql = "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM keys WHERE id = $1)
                             OR EXISTS (SELECT 1 FROM keys WHERE purpose = $2 AND algorithm = $3
                                        AND seq > (SELECT seq FROM keys WHERE id = $1))";
                exists(tx, sql, params![seen, purpose, algorithm]).await
            }
        }
    }
}

async fn insert<T: Tx>(tx: &mut T, key: &StoredKey) -> Result<(), Fault> {
    tx.execute(
        "INSERT INTO keys (id, purpose, algorithm, wrapped, created_at, active_at, retired_at, seq)
         SELECT $1, $2, $3, $4, $5, $6, $7, coalesce(max(seq), 0) + 1 FROM keys",
        params![
            &key.id,
            number(key.purpose),
            &key.algorithm,
            &key.wrapped,
            key.created_at,
            key.active_at,
            key.retired_at,
        ],
    )
    .await?;
    Ok(())
}

#[async_trait]
impl Keys for Store {
    async fn keys(&self) -> Result<Vec<StoredKey>, Fault> {
        self.engine.read(List).await
    }

    async fn add_keys(
        &self,
        add: &[StoredKey],
        retire: &[(KeyId, Timestamp)],
        seen: Option<&KeyId>,
        record: &Record,
    ) -> Result<bool, Fault> {
        let (fresh, retire) = (add.to_vec(), retire.to_vec());
        self.engine.write(Add { fresh, retire, seen: seen.cloned(), record: record.clone() }).await
    }
}
