//! Values that may be used once.

use crate::Store;
use crate::engine::{Tx, Verb, params};
use crate::verbs::exists;
use async_trait::async_trait;
use valetkey_core::error::Fault;
use valetkey_core::store::Spent;
use valetkey_core::time::Timestamp;

struct Spend {
    key: [u8; 32],
    expires_at: Timestamp,
    now: Timestamp,
}

impl Verb for Spend {
    type Out = bool;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<bool, Fault> {
        // What expired and was not swept yet is as if it were gone.
        let sql = "INSERT INTO spent (key, expires_at) VALUES ($1, $2)
                   ON CONFLICT (key) DO UPDATE SET expires_at = excluded.expires_at WHERE spent.expires_at <= $3";
        Ok(tx.execute(sql, params![&self.key, self.expires_at, self.now]).await? == 1)
    }

    async fn quick<T: Tx>(&self, tx: &mut T) -> Result<Option<bool>, Fault> {
        self.run(tx).await.map(Some)
    }
}

struct IsSpent {
    key: [u8; 32],
    now: Timestamp,
}

impl Verb for IsSpent {
    type Out = bool;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<bool, Fault> {
        exists(tx, "SELECT 1 FROM spent WHERE key = $1 AND expires_at > $2", params![&self.key, self.now])
            .await
    }
}

#[async_trait]
impl Spent for Store {
    async fn spend(&self, key: &[u8; 32], expires_at: Timestamp, now: Timestamp) -> Result<bool, Fault> {
        self.engine.write(Spend { key: *key, expires_at, now }).await
    }

    async fn is_spent(&self, key: &[u8; 32], now: Timestamp) -> Result<bool, Fault> {
        self.engine.read(IsSpent { key: *key, now }).await
    }
}
