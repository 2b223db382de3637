//! RFC 6749 §6 — rotation of a refresh token; reuse per RFC 9700 §4.14.2

use super::revoked;
use crate::engine::{Grouped, Tx, Value, Verb, params};
use valetkey_core::audit::Record;
use valetkey_core::error::{Fault, FaultKind};
use valetkey_core::ids::{ClientId, GrantId};
use valetkey_core::store::{Limits, Mark, RefreshBy, Rotation, RotationRequest};
use valetkey_core::time::Timestamp;

/// What a good token asks, owned, so that it can travel to the writer. `None`: nothing moved.
pub(crate) struct Step {
    grant: GrantId,
    client: ClientId,
    by: RefreshBy,
    now: Timestamp,
    limits: Limits,
    access_until: Timestamp,
    verified_email: bool,
}

/// The same for a token that moved nothing: is it a retry, or was it used before?
pub(super) struct Rotate {
    step: Step,
    generation: i64,
    /// A rotation at this moment or later may still be repeated.
    window_from: Timestamp,
    mark: Mark,
    reuse: Record,
}

/// "Has this grant a refresh token, and may it give tokens now?", asked in every statement that lets it. The parameters say
/// when it is, and whether the address must be proven.
macro_rules! gate {
    ($now:literal, $verified_email:literal) => {
        concat!(
            " AND generation > 0 AND revoked_at IS NULL AND idle_until > ",
            $now,
            " AND expires_at > ",
            $now,
            " AND EXISTS (SELECT 1 FROM users u WHERE u.id = grants.user_id AND u.disabled = 0
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
    gate!("$1", "$8")
);

/// The row stays at its generation, which may be any from $6 to $7.
const KEEP: &str = concat!(
    "UPDATE grants SET last_used_at = $1, idle_until = $2, expires_at = $3,
            access_until = CASE WHEN access_until < $4 THEN $4 ELSE access_until END
     WHERE id = $5 AND generation >= $6 AND generation <= $7 AND client_id = $8",
    gate!("$1", "$9"),
    " RETURNING rotated_at"
);

const RETRY: &str = concat!(
    "UPDATE grants SET last_used_at = $1,
            access_until = CASE WHEN access_until < $2 THEN $2 ELSE access_until END
     WHERE id = $3 AND generation = $4 AND rotated_at >= $5 AND client_id = $6",
    gate!("$1", "$7"),
    " RETURNING rotated_at"
);

/// `STEP` and `KEEP` for many grants, in PostgreSQL's words. A row that somebody else is at is left to the verb run alone: so
/// the statement waits for none, and no two of them for one another. Of several that ask for one row, one gets it.
const ALL: &str = concat!(
    "UPDATE grants SET generation = grants.generation + v.step,
            rotated_at = CASE v.step WHEN 0 THEN grants.rotated_at ELSE v.at END, last_used_at = v.at,
            idle_until = v.idle, expires_at = v.ends, access_until = GREATEST(grants.access_until, v.access)
     FROM (SELECT a.* FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) WITH ORDINALITY
                        AS a (at, idle, ends, access, wanted, low, high, step, asker, verified, n)
           JOIN grants ON grants.id = a.wanted
           WHERE generation >= a.low AND generation <= a.high AND client_id = a.asker",
    gate!("a.at", "a.verified"),
    " FOR NO KEY UPDATE OF grants SKIP LOCKED) v
     WHERE grants.id = v.wanted AND grants.generation >= v.low AND grants.generation <= v.high
       AND grants.revoked_at IS NULL
     RETURNING v.n, grants.rotated_at"
);

/// Only a live grant can be reused; a retry that the gate refused is none.
const REUSE: &str = "
    UPDATE grants SET revoked_at = $1
    WHERE id = $2 AND client_id = $3 AND generation > $4 AND NOT (generation = $5 AND rotated_at >= $6)
      AND revoked_at IS NULL AND idle_until > $1 AND expires_at > $1
    RETURNING access_until";

impl Step {
    pub(super) fn new(request: &RotationRequest<'_>) -> Self {
        Self {
            grant: request.grant,
            client: request.client.clone(),
            by: request.by,
            now: request.now,
            limits: request.limits,
            access_until: request.access_until,
            verified_email: request.verified_email,
        }
    }
}

impl Verb for Step {
    type Out = Option<Rotation>;
    const ASIDE: bool = true;

    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Option<Rotation>, Fault> {
        self.move_on(tx).await
    }

    async fn quick<T: Tx>(&self, tx: &mut T) -> Result<Option<Option<Rotation>>, Fault> {
        self.move_on(tx).await.map(Some)
    }
}

impl Grouped for Step {
    async fn quick_all<T: Tx>(all: &[&Self], tx: &mut T) -> Result<Vec<Option<Self::Out>>, Fault> {
        let ints = |of: fn(&Self) -> i64| all.iter().map(|one| of(one)).collect::<Vec<_>>();
        let (at, access) = (ints(|one| one.now.0), ints(|one| one.access_until.0));
        let (idle, ends) = (ints(|one| one.limits.idle_until.0), ints(|one| one.limits.expires_at.0));
        let (low, high) = (ints(|one| one.generations().0), ints(|one| one.generations().1));
        let (step, proven) = (ints(|one| one.generations().2), ints(|one| one.verified_email.into()));
        let ids: Vec<&[u8]> = all.iter().map(|one| &one.grant.0.0[..]).collect();
        let clients: Vec<&str> = all.iter().map(|one| one.client.as_str()).collect();
        let [at, idle, ends, access, low, high, step, proven] =
            [&at, &idle, &ends, &access, &low, &high, &step, &proven].map(|list| Value::Ints(list));
        let (ids, clients) = (Value::Blobs(&ids), Value::Texts(&clients));
        let rows = tx.query(ALL, &[at, idle, ends, access, ids, low, high, step, clients, proven]).await?;

        let mut outcomes: Vec<Option<Self::Out>> = std::iter::repeat_with(|| None).take(all.len()).collect();
        for row in rows {
            // Counted from one.
            let place = usize::try_from(row.int(0)? - 1).ok();
            let Some((one, outcome)) = place.and_then(|n| Some((all.get(n)?, outcomes.get_mut(n)?))) else {
                return Err(Fault::bare(FaultKind::Internal, "a row was changed for nobody"));
            };
            *outcome = Some(Some(match one.by {
                RefreshBy::Rotating(_) => Rotation::Rotated,
                RefreshBy::Kept(_) | RefreshBy::Code => Rotation::Kept { rotated_at: row.time(1)? },
            }));
        }
        Ok(outcomes)
    }
}

impl Step {
    /// The generations at which the row may stand, from and to, and by how many it moves on.
    fn generations(&self) -> (i64, i64, i64) {
        match self.by {
            RefreshBy::Rotating(generation) => (generation, generation, 1),
            RefreshBy::Kept(generation) => (generation, generation, 0),
            RefreshBy::Code => (1, i64::MAX, 0),
        }
    }

    /// What a good token does, in one statement.
    async fn move_on<T: Tx>(&self, tx: &mut T) -> Result<Option<Rotation>, Fault> {
        match self.by {
            RefreshBy::Rotating(generation) => self.step(tx, generation).await,
            RefreshBy::Kept(_) | RefreshBy::Code => self.keep(tx).await,
        }
    }

    async fn step<T: Tx>(&self, tx: &mut T, generation: i64) -> Result<Option<Rotation>, Fault> {
        let Limits { idle_until, expires_at } = self.limits;
        let (now, id, client) = (self.now, &self.grant, &self.client);
        let verified = self.verified_email;
        let values =
            params![now, idle_until, expires_at, self.access_until, id, generation, client, verified];
        Ok((tx.execute(STEP, values).await? == 1).then_some(Rotation::Rotated))
    }

    async fn keep<T: Tx>(&self, tx: &mut T) -> Result<Option<Rotation>, Fault> {
        let (from, to, _) = self.generations();
        let Limits { idle_until, expires_at } = self.limits;
        let (now, id, client) = (self.now, &self.grant, &self.client);
        let verified = self.verified_email;
        let values = params![now, idle_until, expires_at, self.access_until, id, from, to, client, verified];
        let row = tx.one(KEEP, values).await?;
        row.map(|row| Ok(Rotation::Kept { rotated_at: row.time(0)? })).transpose()
    }
}

impl Rotate {
    /// `None` for what no generation stands in: a code.
    pub(super) fn new(request: &RotationRequest<'_>, (mark, reuse): (Mark, Record)) -> Option<Self> {
        let generation = match request.by {
            RefreshBy::Rotating(generation) | RefreshBy::Kept(generation) => generation,
            RefreshBy::Code => return None,
        };
        let window_from = request.now - request.retry_window;
        Some(Self { step: Step::new(request), generation, window_from, mark, reuse })
    }
}

impl Verb for Rotate {
    type Out = Rotation;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Rotation, Fault> {
        if let Some(moved) = self.step.move_on(tx).await? {
            return Ok(moved);
        }
        // A token that is not the newest, or that the gate refused.
        let Step { now, ref grant, ref client, access_until, verified_email, .. } = self.step;
        let (generation, next) = (self.generation, self.generation + 1);
        let values = params![now, access_until, grant, next, self.window_from, client, verified_email];
        if let Some(row) = tx.one(RETRY, values).await? {
            return Ok(Rotation::Retried { rotated_at: row.time(0)? });
        }
        let values = params![now, grant, client, generation, next, self.window_from];
        if let Some(row) = tx.one(REUSE, values).await? {
            revoked(tx, &self.mark, row.time(0)?, &self.reuse).await?;
            return Ok(Rotation::Reused);
        }
        Ok(Rotation::Unknown)
    }
}
