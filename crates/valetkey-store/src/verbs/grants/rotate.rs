//! RFC 6749 §6 — rotation of a refresh token; reuse per RFC 9700 §4.14.2

use super::revoked;
use crate::engine::{Tx, Verb, params};
use valetkey_core::audit::Record;
use valetkey_core::error::Fault;
use valetkey_core::ids::{ClientId, GrantId};
use valetkey_core::store::{Mark, Rotation, RotationRequest};
use valetkey_core::time::Timestamp;

/// The request, owned, so that it can travel to the writer.
pub(super) struct Rotate {
    grant: GrantId,
    client: ClientId,
    generation: i64,
    now: Timestamp,
    /// A rotation at this moment or later may still be repeated.
    window_from: Timestamp,
    idle_until: Timestamp,
    access_until: Timestamp,
    mark: Mark,
    reuse: Record,
}

/// "May this grant give tokens now?", asked in every statement that lets it.
macro_rules! gate {
    () => {
        " AND revoked_at IS NULL AND idle_until > $1 AND expires_at > $1
          AND EXISTS (SELECT 1 FROM users u WHERE u.id = grants.user_id AND u.disabled = 0
                      AND u.must_change_password = 0 AND u.dead_before < grants.id)
          AND EXISTS (SELECT 1 FROM clients c WHERE c.id = grants.client_id AND c.disabled = 0
                      AND c.dead_before < grants.id)"
    };
}

const STEP: &str = concat!(
    "UPDATE grants SET generation = generation + 1, rotated_at = $1, last_used_at = $1, idle_until = $2,
            access_until = CASE WHEN access_until < $3 THEN $3 ELSE access_until END
     WHERE id = $4 AND generation = $5 AND client_id = $6",
    gate!()
);

const RETRY: &str = concat!(
    "UPDATE grants SET last_used_at = $1,
            access_until = CASE WHEN access_until < $2 THEN $2 ELSE access_until END
     WHERE id = $3 AND generation = $4 AND rotated_at >= $5 AND client_id = $6",
    gate!(),
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
            generation: request.generation,
            now: request.now,
            window_from: request.now - request.retry_window,
            idle_until: request.idle_until,
            access_until: request.access_until,
            mark: mark.clone(),
            reuse: reuse.clone(),
        }
    }
}

impl Verb for Rotate {
    type Out = Rotation;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Rotation, Fault> {
        let (now, id, client, next) = (self.now, &self.grant, &self.client, self.generation + 1);
        let values = params![now, self.idle_until, self.access_until, id, self.generation, client];
        if tx.execute(STEP, values).await? == 1 {
            return Ok(Rotation::Rotated);
        }
        let values = params![now, self.access_until, id, next, self.window_from, client];
        if let Some(row) = tx.one(RETRY, values).await? {
            return Ok(Rotation::Retried { rotated_at: row.time(0)? });
        }
        let values = params![now, id, client, self.generation, next, self.window_from];
        if let Some(row) = tx.one(REUSE, values).await? {
            revoked(tx, &self.mark, row.time(0)?, &self.reuse).await?;
            return Ok(Rotation::Reused);
        }
        Ok(Rotation::Unknown)
    }
}
