//! RFC 6749 §6 — rotation of a refresh token; reuse per RFC 9700 §4.14.2

use super::revoked;
use crate::engine::{Tx, Verb, params};
use valetkey_core::audit::Record;
use valetkey_core::error::Fault;
use valetkey_core::ids::{ClientId, GrantId};
use valetkey_core::store::{Limits, Mark, RefreshBy, Rotation, RotationRequest};
use valetkey_core::time::Timestamp;

/// The request, owned, so that it can travel to the writer.
pub(super) struct Rotate {
    grant: GrantId,
    client: ClientId,
    by: RefreshBy,
    now: Timestamp,
    /// A rotation at this moment or later may still be repeated.
    window_from: Timestamp,
    limits: Limits,
    access_until: Timestamp,
    verified_email: bool,
    mark: Mark,
    reuse: Record,
}

/// "Has this grant a refresh token, and may it give tokens now?", asked in every statement that lets it. The parameter says
/// whether the address must be proven.
macro_rules! gate {
    ($verified_email:literal) => {
        concat!(
            " AND generation > 0 AND revoked_at IS NULL AND idle_until > $1 AND expires_at > $1
              AND EXISTS (SELECT 1 FROM users u WHERE u.id = grants.user_id AND u.disabled = 0
                          AND u.must_change_password = 0 AND u.dead_before < grants.id
                          AND u.email_verified >= ",
            $verified_email,
            ") AND EXISTS (SELECT 1 FROM clients c WHERE c.id = grants.client_id AND c.disabled = 0
                           AND c.dead_before < grants.id
                           AND (c.tenant_id IS NULL OR c.tenant_id = grants.tenant_id))
               AND NOT EXISTS (SELECT 1 FROM tenants t WHERE t.id = grants.tenant_id AND t.disabled = 1)"
        )
    };
}

const STEP: &str = concat!(
    "UPDATE grants SET generation = generation + 1, rotated_at = $1, last_used_at = $1, idle_until = $2,
            expires_at = $3, access_until = CASE WHEN access_until < $4 THEN $4 ELSE access_until END
     WHERE id = $5 AND generation = $6 AND client_id = $7",
    gate!("$8")
);

/// The row stays at its generation, which may be any from $6 to $7.
const KEEP: &str = concat!(
    "UPDATE grants SET last_used_at = $1, idle_until = $2, expires_at = $3,
            access_until = CASE WHEN access_until < $4 THEN $4 ELSE access_until END
     WHERE id = $5 AND generation >= $6 AND generation <= $7 AND client_id = $8",
    gate!("$9"),
    " RETURNING rotated_at"
);

const RETRY: &str = concat!(
    "UPDATE grants SET last_used_at = $1,
            access_until = CASE WHEN access_until < $2 THEN $2 ELSE access_until END
     WHERE id = $3 AND generation = $4 AND rotated_at >= $5 AND client_id = $6",
    gate!("$7"),
    " RETURNING rotated_at"
);

/// Only a live grant can be reused; a retry that the gate refused is none.
const REUSE: &str = "
    UPDATE grants SET revoked_at = $1
    WHERE id = $2 AND client_id = $3 AND generation > $4 AND NOT (generation = $5 AND rotated_at >= $6)
      AND revoked_at IS NULL AND idle_until > $1 AND expires_at > $1
    RETURNING access_until";

impl Rotate {
    pub(super) fn new(request: &RotationRequest<'_>, mark: &Mark, reuse: &Record) -> Self {
        Self {
            grant: request.grant,
            client: request.client.clone(),
            by: request.by,
            now: request.now,
            window_from: request.now - request.retry_window,
            limits: request.limits,
            access_until: request.access_until,
            verified_email: request.verified_email,
            mark: mark.clone(),
            reuse: reuse.clone(),
        }
    }
}

impl Verb for Rotate {
    type Out = Rotation;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Rotation, Fault> {
        if let Some(moved) = self.move_on(tx).await? {
            return Ok(moved);
        }
        match self.by {
            RefreshBy::Rotating(generation) | RefreshBy::Kept(generation) => self.older(tx, generation).await,
            RefreshBy::Code => Ok(Rotation::Unknown),
        }
    }

    async fn quick<T: Tx>(&self, tx: &mut T) -> Result<Option<Rotation>, Fault> {
        self.move_on(tx).await
    }
}

impl Rotate {
    /// What a good token does, in one statement.
    async fn move_on<T: Tx>(&self, tx: &mut T) -> Result<Option<Rotation>, Fault> {
        match self.by {
            RefreshBy::Rotating(generation) => self.step(tx, generation).await,
            RefreshBy::Kept(generation) => self.keep(tx, generation, generation).await,
            RefreshBy::Code => self.keep(tx, 1, i64::MAX).await,
        }
    }

    async fn step<T: Tx>(&self, tx: &mut T, generation: i64) -> Result<Option<Rotation>, Fault> {
        let Limits { idle_until, expires_at } = self.limits;
        let (now, id, client) = (self.now, &self.grant, &self.client);
        let values = params![
            now,
            idle_until,
            expires_at,
            self.access_until,
            id,
            generation,
            client,
            self.verified_email
        ];
        Ok((tx.execute(STEP, values).await? == 1).then_some(Rotation::Rotated))
    }

    async fn keep<T: Tx>(&self, tx: &mut T, from: i64, to: i64) -> Result<Option<Rotation>, Fault> {
        let Limits { idle_until, expires_at } = self.limits;
        let (now, id, client) = (self.now, &self.grant, &self.client);
        let values = params![
            now,
            idle_until,
            expires_at,
            self.access_until,
            id,
            from,
            to,
            client,
            self.verified_email
        ];
        let row = tx.one(KEEP, values).await?;
        row.map(|row| Ok(Rotation::Kept { rotated_at: row.time(0)? })).transpose()
    }

    /// A token that is not the newest, or that the gate refused.
    async fn older<T: Tx>(&self, tx: &mut T, generation: i64) -> Result<Rotation, Fault> {
        let (now, id, client, next) = (self.now, &self.grant, &self.client, generation + 1);
        let values = params![now, self.access_until, id, next, self.window_from, client, self.verified_email];
        if let Some(row) = tx.one(RETRY, values).await? {
            return Ok(Rotation::Retried { rotated_at: row.time(0)? });
        }
        let values = params![now, id, client, generation, next, self.window_from];
        if let Some(row) = tx.one(REUSE, values).await? {
            revoked(tx, &self.mark, row.time(0)?, &self.reuse).await?;
            return Ok(Rotation::Reused);
        }
        Ok(Rotation::Unknown)
    }
}
