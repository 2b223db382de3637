//! What a user lets a client do, remembered.

use super::audits::{Columns, audit, audit_columns};
use super::logouts::consent_ended;
use super::revocations::take_back;
use super::{FromRow, all, first};
use crate::Store;
use crate::engine::{Row, Tx, Value, Verb, params};
use async_trait::async_trait;
use valetkey_core::audit::{Actor, Record};
use valetkey_core::error::Fault;
use valetkey_core::ids::{ClientId, UserId};
use valetkey_core::scope::Scope;
use valetkey_core::store::{Consent, Consents, Mark};
use valetkey_core::time::Timestamp;

impl FromRow for Consent {
    fn from_row(row: &Row) -> Result<Self, Fault> {
        Ok(Self {
            user: row.text(0)?.into(),
            client: row.text(1)?.into(),
            scope: scope(row.text(2)?)?,
            granted_at: row.time(3)?,
            updated_at: row.time(4)?,
            implied: row.int(5)? != 0,
        })
    }
}

/// A scope from its column.
pub(super) fn scope(text: &str) -> Result<Scope, Fault> {
    Scope::parse(text).map_err(|error| Fault::corrupt("a stored scope breaks the grammar", error))
}

struct One<'a> {
    user: &'a UserId,
    client: &'a ClientId,
}

impl Verb for One<'_> {
    type Out = Option<Consent>;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Option<Consent>, Fault> {
        let sql = "SELECT user_id, client_id, scope, granted_at, updated_at, implied FROM consents
                   WHERE user_id = $1 AND client_id = $2";
        first(tx, sql, params![self.user, self.client]).await
    }
}

struct OfUser<'a> {
    user: &'a UserId,
}

impl Verb for OfUser<'_> {
    type Out = Vec<Consent>;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Vec<Consent>, Fault> {
        let sql = "SELECT user_id, client_id, scope, granted_at, updated_at, implied FROM consents
                   WHERE user_id = $1 ORDER BY client_id";
        all(tx, sql, params![self.user]).await
    }
}

struct Give {
    consent: Consent,
    record: Record,
}

/// An answer is kept only of a user and for a client that may act, and that are not being deleted.
macro_rules! give {
    () => {
        "INSERT INTO consents (user_id, client_id, scope, granted_at, updated_at)
                   SELECT u.id, c.id, $1, $2, $3 FROM users u, clients c
                   WHERE u.id = $4 AND u.disabled = 0 AND c.id = $5 AND c.disabled = 0
                     AND (c.tenant_id IS NULL OR c.tenant_id = u.tenant_id)
                     AND NOT EXISTS (SELECT 1 FROM tenants t WHERE t.id = u.tenant_id AND t.disabled = 1)
                   /*pg FOR KEY SHARE OF u, c */
                   ON CONFLICT (user_id, client_id) DO UPDATE
                     SET scope = excluded.scope, updated_at = excluded.updated_at, implied = 0,
                         granted_at = CASE WHEN consents.implied = 1 THEN excluded.granted_at
                                           ELSE consents.granted_at END"
    };
}

const GIVE_AND_NOTE: &str = concat!(
    "WITH given AS (",
    give!(),
    " RETURNING 1), forgotten AS (DELETE FROM refusals WHERE user_id = $4 AND client_id = $5 \
     AND EXISTS (SELECT 1 FROM given)) INSERT INTO audit (",
    audit_columns!(),
    ") SELECT $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16 FROM given"
);

impl Give {
    async fn given<T: Tx>(&self, tx: &mut T, sql: &'static str, more: &[Value<'_>]) -> Result<bool, Fault> {
        let Consent { user, client, scope, granted_at, updated_at, implied: _ } = &self.consent;
        let scope = scope.to_string();
        let own = params![&scope, *granted_at, *updated_at, user, client];
        Ok(tx.execute(sql, &[own, more].concat()).await? > 0)
    }
}

impl Verb for Give {
    type Out = bool;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<bool, Fault> {
        if !self.given(tx, give!(), &[]).await? {
            return Ok(false);
        }
        let sql = "DELETE FROM refusals WHERE user_id = $1 AND client_id = $2";
        tx.execute(sql, params![&self.consent.user, &self.consent.client]).await?;
        audit(tx, &self.record).await?;
        Ok(true)
    }

    async fn quick<T: Tx>(&self, tx: &mut T) -> Result<Option<bool>, Fault> {
        self.given(tx, GIVE_AND_NOTE, &Columns::of(&self.record).params()).await.map(Some)
    }
}

struct Withdraw {
    user: UserId,
    client: ClientId,
    mark: Mark,
    record: Record,
}

impl Verb for Withdraw {
    type Out = bool;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<bool, Fault> {
        let (user, client, at) = (&self.user, &self.client, self.record.at);
        let sql = "DELETE FROM consents WHERE user_id = $1 AND client_id = $2";
        let forgotten = tx.execute(sql, params![user, client]).await?;
        let sql = "UPDATE grants SET revoked_at = $1
                   WHERE user_id = $2 AND client_id = $3 AND revoked_at IS NULL RETURNING access_until";
        let revoked = tx.query(sql, params![at, user, client]).await?;
        if forgotten == 0 && revoked.is_empty() {
            return Ok(false);
        }
        let last = revoked.iter().map(|row| row.time(0)).collect::<Result<Vec<Timestamp>, Fault>>()?;
        let mut mark = self.mark.clone();
        mark.expires_at = last.into_iter().fold(mark.expires_at, Timestamp::max);
        if self.record.actor == Actor::User(user.clone()) {
            let sql = "INSERT INTO refusals (user_id, client_id, refused_at) VALUES ($1, $2, $3)
                       ON CONFLICT (user_id, client_id) DO UPDATE SET refused_at = excluded.refused_at";
            tx.execute(sql, params![user, client, at]).await?;
        }
        take_back(tx, &mark, at).await?;
        consent_ended(tx, user, client, at).await?;
        audit(tx, &self.record).await?;
        Ok(true)
    }
}

#[async_trait]
impl Consents for Store {
    async fn consent(&self, user: &UserId, client: &ClientId) -> Result<Option<Consent>, Fault> {
        self.engine.read(One { user, client }).await
    }

    async fn consents(&self, user: &UserId) -> Result<Vec<Consent>, Fault> {
        self.engine.read(OfUser { user }).await
    }

    async fn record_consent(&self, consent: &Consent, record: &Record) -> Result<bool, Fault> {
        self.engine.write(Give { consent: consent.clone(), record: record.clone() }).await
    }

    async fn withdraw_consent(
        &self,
        user: &UserId,
        client: &ClientId,
        mark: &Mark,
        record: &Record,
    ) -> Result<bool, Fault> {
        let (user, client) = (user.clone(), client.clone());
        self.engine.write(Withdraw { user, client, mark: mark.clone(), record: record.clone() }).await
    }
}
