//! RFC 6749 §4.1.2 — a code is redeemed once: its id is the grant's primary key

use super::{audit, revoked};
use crate::engine::{Tx, Verb, params};
use crate::verbs::exists;
use valetkey_core::audit::Record;
use valetkey_core::error::Fault;
use valetkey_core::store::{Beginning, Grant, Mark, MarkKind, NewGrant, Redemption};

/// A new grant, owned, so that it can travel to the writer.
pub(super) struct Gated {
    pub(super) grant: Grant,
    verified_email: bool,
}

impl Gated {
    pub(super) fn of(new: &NewGrant<'_>) -> Self {
        Self { grant: new.grant.clone(), verified_email: new.verified_email }
    }
}

pub(super) struct Redeem {
    pub(super) grant: Gated,
    pub(super) mark: Mark,
    pub(super) replay: Record,
}

/// The gate stands in the insert: user (with a proven address, where $21 wants it), client, consent and session as they are now, and nothing taken back since the
/// code was made (its id tells when). The consent is held until the commit, so that whoever withdraws it finds the grant.
/// A row that a hybrid began (generation −1) is taken over instead, once.
const INSERT: &str = "
    INSERT INTO grants (id, client_id, user_id, tenant_id, session_id, scope, resources, auth_time, nonce, generation,
                        rotated_at, created_at, last_used_at, idle_until, expires_at, access_until, details)
    SELECT $1, c.id, u.id, u.tenant_id, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14
    FROM users u JOIN consents o ON o.user_id = u.id JOIN clients c ON c.id = o.client_id
    WHERE u.id = $15 AND u.tenant_id = $16
      AND u.disabled = 0 AND u.must_change_password = 0 AND u.dead_before < $1
      AND c.id = $17 AND c.disabled = 0 AND c.dead_before < $1
      AND (c.tenant_id IS NULL OR c.tenant_id = u.tenant_id)
      AND NOT EXISTS (SELECT 1 FROM tenants t WHERE t.id = u.tenant_id AND t.disabled = 1)
      AND ($2 /*pg ::BYTEA*/ IS NULL OR EXISTS (
            SELECT 1 FROM sessions s WHERE s.id = $2 AND s.user_id = u.id AND s.expires_at > $9))
      AND NOT EXISTS (
            SELECT 1 FROM revocations r WHERE r.kind = $18 AND r.key = $19 AND r.not_after_ms >= $20)
      AND u.email_verified >= $21
    /*pg FOR SHARE OF o FOR KEY SHARE OF u, c */
    ON CONFLICT (id) DO UPDATE SET
      generation = excluded.generation, rotated_at = excluded.rotated_at, last_used_at = excluded.last_used_at,
      idle_until = excluded.idle_until, expires_at = excluded.expires_at,
      access_until = CASE WHEN grants.access_until < excluded.access_until THEN excluded.access_until
                          ELSE grants.access_until END
    WHERE grants.generation = -1 AND grants.revoked_at IS NULL AND grants.client_id = excluded.client_id";

impl Verb for Redeem {
    type Out = Redemption;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Redemption, Fault> {
        if insert(tx, &self.grant).await? {
            return Ok(Redemption::Redeemed);
        }
        // RFC 9700 §4.5: a code that comes back has leaked, and so may have what it gave.
        let (id, client, at) = (&self.grant.grant.id, &self.grant.grant.client, self.replay.at);
        let sql = "UPDATE grants SET revoked_at = $1 WHERE id = $2 AND client_id = $3 AND revoked_at IS NULL
                     AND generation >= 0 RETURNING access_until";
        if let Some(row) = tx.one(sql, params![at, id, client]).await? {
            revoked(tx, &self.mark, row.time(0)?, &self.replay).await?;
            return Ok(Redemption::Replayed);
        }
        let sql = "SELECT 1 FROM grants WHERE id = $1 AND client_id = $2 AND generation >= 0";
        let known = exists(tx, sql, params![id, client]).await?;
        Ok(if known { Redemption::Replayed } else { Redemption::Refused })
    }

    async fn quick<T: Tx>(&self, tx: &mut T) -> Result<Option<Redemption>, Fault> {
        Ok(insert(tx, &self.grant).await?.then_some(Redemption::Redeemed))
    }
}

pub(super) async fn insert<T: Tx>(tx: &mut T, new: &Gated) -> Result<bool, Fault> {
    let Gated { grant, verified_email } = new;
    let (scope, resources) = (grant.scope.to_string(), grant.resources.join(" "));
    let details = grant.details.to_text();
    let pair = [grant.user.as_str().as_bytes(), b"\0", grant.client.as_str().as_bytes()].concat();
    let inserted = tx
        .execute(
            INSERT,
            params![
                &grant.id,
                grant.session.as_ref(),
                &scope,
                &resources,
                grant.auth_time,
                grant.nonce.as_deref(),
                grant.generation,
                grant.rotated_at,
                grant.created_at,
                grant.last_used_at,
                grant.idle_until,
                grant.expires_at,
                grant.access_until,
                &details,
                &grant.user,
                &grant.tenant,
                &grant.client,
                MarkKind::Consent as i64,
                &pair,
                grant.id.0.millis(),
                *verified_email,
            ],
        )
        .await?;
    Ok(inserted == 1)
}

/// A grant that no code leads to, or one whose code may come more than once (opt-in `code_as_refresh_token`).
pub(super) struct Begin {
    pub(super) grant: Gated,
    pub(super) record: Option<Record>,
}

impl Verb for Begin {
    type Out = Beginning;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Beginning, Fault> {
        if insert(tx, &self.grant).await? {
            if let Some(record) = &self.record {
                audit(tx, record).await?;
            }
            return Ok(Beginning::Begun);
        }
        let sql = "SELECT 1 FROM grants WHERE id = $1 AND client_id = $2";
        let known = exists(tx, sql, params![&self.grant.grant.id, &self.grant.grant.client]).await?;
        Ok(if known { Beginning::Known } else { Beginning::Refused })
    }
}
