//! RFC 6749 §4.1.2 — a code is redeemed once: its id is the grant's primary key

use super::{audit, revoked};
use crate::engine::{Tx, Verb, params};
use crate::verbs::exists;
use valetkey_core::audit::Record;
use valetkey_core::error::Fault;
use valetkey_core::ids::{ClientId, GrantId};
use valetkey_core::store::{Beginning, Grant, Mark, MarkKind, NewGrant, Redemption};
use valetkey_core::token::revocation::consent_key;

/// A new grant, owned, so that it can travel to the writer.
pub(super) struct Gated {
    pub(super) grant: Grant,
    pub(super) verified_email: bool,
}

impl Gated {
    pub(super) fn of(new: &NewGrant<'_>) -> Self {
        Self { grant: new.grant.clone(), verified_email: new.verified_email }
    }
}

pub(super) struct Redeem {
    pub(super) new: Gated,
}

/// "May this user and client have a grant made at `$id` now?": the user (with a proven address, where `$verified` wants it),
/// client, consent and session as they are now, and nothing taken back since the code was made (its id tells when). The
/// consent is held until the commit, so that whoever withdraws it finds the grant.
macro_rules! gate {
    ($user:literal, $tenant:literal, $id:literal, $client:literal, $session:literal, $now:literal,
     $kind:literal, $pair:literal, $made:literal, $verified:literal) => {
        concat!(
            " FROM users u JOIN consents o ON o.user_id = u.id JOIN clients c ON c.id = o.client_id WHERE u.id = ",
            $user,
            " AND u.tenant_id = ",
            $tenant,
            " AND u.disabled = 0 AND u.must_change_password = 0 AND u.dead_before < ",
            $id,
            " AND c.id = ",
            $client,
            " AND c.disabled = 0 AND c.dead_before < ",
            $id,
            " AND (c.tenant_id IS NULL OR c.tenant_id = u.tenant_id)
              AND NOT EXISTS (SELECT 1 FROM tenants t WHERE t.id = u.tenant_id AND t.disabled = 1) AND (",
            $session,
            " /*pg ::BYTEA*/ IS NULL OR EXISTS (SELECT 1 FROM sessions s WHERE s.id = ",
            $session,
            " AND s.user_id = u.id AND s.expires_at > ",
            $now,
            ")) AND NOT EXISTS (SELECT 1 FROM revocations r WHERE r.kind = ",
            $kind,
            " AND r.key = ",
            $pair,
            " AND r.not_after_ms >= ",
            $made,
            ") AND u.email_verified >= ",
            $verified,
            " /*pg FOR SHARE OF o FOR KEY SHARE OF u, c */"
        )
    };
}

/// The columns of a grant that begins.
macro_rules! begun {
    () => {
        "INSERT INTO grants (id, client_id, user_id, tenant_id, session_id, scope, resources, auth_time, nonce,
                             generation, rotated_at, created_at, last_used_at, idle_until, expires_at, access_until,
                             details) "
    };
}

/// A row that a hybrid began (generation −1) is taken over instead, once.
macro_rules! or_taken_over {
    () => {
        " ON CONFLICT (id) DO UPDATE SET
            generation = excluded.generation, rotated_at = excluded.rotated_at, last_used_at = excluded.last_used_at,
            idle_until = excluded.idle_until, expires_at = excluded.expires_at,
            access_until = CASE WHEN grants.access_until < excluded.access_until THEN excluded.access_until
                                ELSE grants.access_until END
          WHERE grants.generation = -1 AND grants.revoked_at IS NULL AND grants.client_id = excluded.client_id"
    };
}

/// The gate stands in the insert: for engines to which every round trip is dear.
const INSERT: &str = concat!(
    begun!(),
    "SELECT $1, c.id, u.id, u.tenant_id, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14",
    gate!("$15", "$16", "$1", "$17", "$2", "$9", "$18", "$19", "$20", "$21"),
    or_taken_over!()
);

/// The same in two statements of one transaction. One row of values is written without a copy of every page that it
/// changes, which SQLite makes of a `SELECT` that might fail half-way.
const GATE: &str = concat!("SELECT 1", gate!("$1", "$2", "$3", "$4", "$5", "$6", "$7", "$8", "$9", "$10"));
const ROW: &str = concat!(
    begun!(),
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
    or_taken_over!()
);

impl Verb for Redeem {
    type Out = bool;
    const ASIDE: bool = true;

    async fn run<T: Tx>(&self, tx: &mut T) -> Result<bool, Fault> {
        insert_in_steps(tx, &self.new).await
    }

    async fn quick<T: Tx>(&self, tx: &mut T) -> Result<Option<bool>, Fault> {
        insert(tx, &self.new).await.map(Some)
    }
}

/// RFC 9700 §4.5: a code that comes back has leaked, and so may have what it gave. Run where nothing was inserted.
pub(super) struct Replay {
    pub(super) id: GrantId,
    pub(super) client: ClientId,
    pub(super) mark: Mark,
    pub(super) record: Record,
}

impl Verb for Replay {
    type Out = Redemption;
    const ASIDE: bool = true;

    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Redemption, Fault> {
        let sql = "UPDATE grants SET revoked_at = $1 WHERE id = $2 AND client_id = $3 AND revoked_at IS NULL
                     AND generation >= 0 RETURNING access_until";
        if let Some(row) = tx.one(sql, params![self.record.at, &self.id, &self.client]).await? {
            revoked(tx, &self.mark, row.time(0)?, &self.record).await?;
            return Ok(Redemption::Replayed);
        }
        let sql = "SELECT 1 FROM grants WHERE id = $1 AND client_id = $2 AND generation >= 0";
        let known = exists(tx, sql, params![&self.id, &self.client]).await?;
        Ok(if known { Redemption::Replayed } else { Redemption::Refused })
    }
}

/// What of a grant is written otherwise than it stands there.
struct Texts {
    scope: String,
    resources: String,
    details: String,
    /// The key of the mark that a withdrawn consent leaves.
    pair: Vec<u8>,
}

impl Texts {
    fn of(grant: &Grant) -> Self {
        Self {
            scope: grant.scope.to_text(),
            resources: grant.resources.join(" "),
            details: grant.details.to_text(),
            pair: consent_key(grant.user.as_str(), grant.client.as_str()),
        }
    }
}

pub(super) async fn insert<T: Tx>(tx: &mut T, new: &Gated) -> Result<bool, Fault> {
    let Gated { grant, verified_email } = new;
    let Texts { scope, resources, details, pair } = &Texts::of(grant);
    let inserted = tx
        .execute(
            INSERT,
            params![
                &grant.id,
                grant.session.as_ref(),
                scope,
                resources,
                grant.auth_time,
                grant.nonce.as_deref(),
                grant.generation,
                grant.rotated_at,
                grant.created_at,
                grant.last_used_at,
                grant.idle_until,
                grant.expires_at,
                grant.access_until,
                details,
                &grant.user,
                &grant.tenant,
                &grant.client,
                MarkKind::Consent as i64,
                pair,
                grant.id.0.millis(),
                *verified_email,
            ],
        )
        .await?;
    Ok(inserted == 1)
}

async fn insert_in_steps<T: Tx>(tx: &mut T, new: &Gated) -> Result<bool, Fault> {
    let Gated { grant, verified_email } = new;
    let Texts { scope, resources, details, pair } = &Texts::of(grant);
    let gate = params![
        &grant.user,
        &grant.tenant,
        &grant.id,
        &grant.client,
        grant.session.as_ref(),
        grant.created_at,
        MarkKind::Consent as i64,
        pair,
        grant.id.0.millis(),
        *verified_email,
    ];
    if !exists(tx, GATE, gate).await? {
        return Ok(false);
    }
    let row = params![
        &grant.id,
        &grant.client,
        &grant.user,
        &grant.tenant,
        grant.session.as_ref(),
        scope,
        resources,
        grant.auth_time,
        grant.nonce.as_deref(),
        grant.generation,
        grant.rotated_at,
        grant.created_at,
        grant.last_used_at,
        grant.idle_until,
        grant.expires_at,
        grant.access_until,
        details,
    ];
    Ok(tx.execute(ROW, row).await? == 1)
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
