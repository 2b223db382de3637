//! RFC 7523 §2.1, RFC 8693 §2 — a grant by another issuer's word, with the consent that it stands on or implies

use super::audit;
use super::redeem::{Gated, insert};
use crate::engine::{Row, Tx, Verb, params};
use crate::verbs::consents::scope;
use crate::verbs::exists;
use valetkey_core::audit::Record;
use valetkey_core::error::Fault;
use valetkey_core::scope::Scope;
use valetkey_core::store::Beginning;

pub(super) struct BeginByWord {
    pub(super) grant: Gated,
    pub(super) implied: Option<Record>,
    pub(super) record: Record,
}

/// Consent as it stands before.
struct Before {
    scope: Scope,
    implied: bool,
}

impl Before {
    fn read(row: &Row) -> Result<Self, Fault> {
        Ok(Self { scope: scope(row.text(0)?)?, implied: row.int(1)? != 0 })
    }
}

/// Never over an answer of the person's, and never after they took one back. The gate is that of every consent.
const IMPLY: &str = "
    INSERT INTO consents (user_id, client_id, scope, granted_at, updated_at, implied)
    SELECT u.id, c.id, $1, $2, $3, 1 FROM users u, clients c
    WHERE u.id = $4 AND u.disabled = 0 AND c.id = $5 AND c.disabled = 0
      AND (c.tenant_id IS NULL OR c.tenant_id = u.tenant_id)
      AND NOT EXISTS (SELECT 1 FROM tenants t WHERE t.id = u.tenant_id AND t.disabled = 1)
      AND NOT EXISTS (SELECT 1 FROM refusals r WHERE r.user_id = u.id AND r.client_id = c.id)
    /*pg FOR KEY SHARE OF u, c */
    ON CONFLICT (user_id, client_id) DO UPDATE
      SET scope = excluded.scope, updated_at = excluded.updated_at WHERE consents.implied = 1";

impl Verb for BeginByWord {
    type Out = Beginning;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Beginning, Fault> {
        let grant = &self.grant.grant;
        // Held until the commit: whoever narrows it or takes it back comes before or after.
        let sql =
            "SELECT scope, implied FROM consents WHERE user_id = $1 AND client_id = $2 /*pg FOR UPDATE */";
        let row = tx.one(sql, params![&grant.user, &grant.client]).await?;
        let before = row.as_ref().map(Before::read).transpose()?;
        let covered = before.as_ref().is_some_and(|own| own.scope.covers(&grant.scope));
        let mut noted = None;
        match (&self.implied, &before) {
            (_, Some(own)) if covered && !own.implied => {}
            (Some(_), Some(_)) if covered => {}
            (Some(record), before) if before.as_ref().is_none_or(|own| own.implied) => {
                let scope =
                    before.as_ref().map_or_else(|| grant.scope.clone(), |own| own.scope.union(&grant.scope));
                noted = self.imply(tx, &scope).await?.then_some(record);
            }
            _ => return Ok(Beginning::Refused),
        }
        if insert(tx, &self.grant).await? {
            for record in noted.into_iter().chain([&self.record]) {
                audit(tx, record).await?;
            }
            return Ok(Beginning::Begun);
        }
        if noted.is_some() {
            self.undo(tx, before.as_ref()).await?;
        }
        let sql = "SELECT 1 FROM grants WHERE id = $1 AND client_id = $2";
        let known = exists(tx, sql, params![&grant.id, &grant.client]).await?;
        Ok(if known { Beginning::Known } else { Beginning::Refused })
    }
}

impl BeginByWord {
    async fn imply<T: Tx>(&self, tx: &mut T, scope: &Scope) -> Result<bool, Fault> {
        let (grant, scope, at) = (&self.grant.grant, scope.to_string(), self.record.at);
        Ok(tx.execute(IMPLY, params![&scope, at, at, &grant.user, &grant.client]).await? > 0)
    }

    /// No grant came of it: then nothing was implied either.
    async fn undo<T: Tx>(&self, tx: &mut T, before: Option<&Before>) -> Result<(), Fault> {
        let (user, client) = (&self.grant.grant.user, &self.grant.grant.client);
        match before {
            None => {
                let sql = "DELETE FROM consents WHERE user_id = $1 AND client_id = $2 AND implied = 1";
                tx.execute(sql, params![user, client]).await
            }
            Some(own) => {
                let scope = own.scope.to_string();
                let sql =
                    "UPDATE consents SET scope = $1 WHERE user_id = $2 AND client_id = $3 AND implied = 1";
                tx.execute(sql, params![&scope, user, client]).await
            }
        }
        .map(drop)
    }
}
