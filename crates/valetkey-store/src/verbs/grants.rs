//! Grants: one row for what one redeemed code gave.

mod by_word;
mod redeem;
mod rotate;

use super::audits::audit;
use super::consents::scope;
use super::revocations::write_mark;
use super::{FromRow, all, first, split};
use crate::Store;
use crate::engine::{Row, Tx, Verb, params};
use async_trait::async_trait;
use by_word::BeginByWord;
use redeem::{Begin, Gated, Redeem, Replay};
use rotate::Rotate;
pub(crate) use rotate::Step;
use valetkey_core::audit::Record;
use valetkey_core::error::Fault;
use valetkey_core::ids::{ClientId, GrantId, Id, SessionId};
use valetkey_core::store::{
    Beginning, Grant, GrantFilter, Grants, Mark, NewGrant, OnReuse, Page, Redemption, Rotation,
    RotationRequest,
};
use valetkey_core::time::Timestamp;
use valetkey_core::token::details::Details;

/// Selects whole grants, each beside the mark of its user and of its client.
macro_rules! select {
    ($rest:expr) => {
        concat!(
            "SELECT g.id, g.client_id, g.user_id, g.tenant_id, g.session_id, g.scope, g.resources, g.auth_time,
                    g.nonce, g.generation, g.rotated_at, g.created_at, g.last_used_at, g.idle_until, g.expires_at,
                    g.access_until, g.revoked_at, u.dead_before, c.dead_before, g.details
             FROM grants g JOIN users u ON u.id = g.user_id JOIN clients c ON c.id = g.client_id ",
            $rest
        )
    };
}

impl FromRow for Grant {
    fn from_row(row: &Row) -> Result<Self, Fault> {
        let id = row.id(0)?;
        Ok(Self {
            id: GrantId(id),
            client: row.text(1)?.into(),
            user: row.text(2)?.into(),
            tenant: row.text(3)?.into(),
            session: row.opt_id(4)?.map(SessionId),
            scope: scope(row.text(5)?)?,
            resources: split(row.text(6)?),
            auth_time: row.time(7)?,
            nonce: row.opt_text(8)?.map(str::to_owned),
            generation: row.int(9)?,
            rotated_at: row.time(10)?,
            created_at: row.time(11)?,
            last_used_at: row.time(12)?,
            idle_until: row.time(13)?,
            expires_at: row.time(14)?,
            access_until: row.time(15)?,
            revoked_at: row.opt_time(16)?.or(ended_with(id, [row.id(17)?, row.id(18)?])),
            details: Details::read(row.text(19)?),
        })
    }
}

/// When a grant ended because all that its user or client had was taken back.
fn ended_with(grant: Id, dead_before: [Id; 2]) -> Option<Timestamp> {
    dead_before.into_iter().filter(|dead| grant <= *dead).map(|dead| Timestamp(dead.millis() / 1000)).min()
}

struct ById {
    id: GrantId,
}

impl Verb for ById {
    type Out = Option<Grant>;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Option<Grant>, Fault> {
        first(tx, select!("WHERE g.id = $1"), params![&self.id]).await
    }
}

struct List<'a> {
    filter: &'a GrantFilter,
    before: Id,
    limit: u32,
    now: Timestamp,
}

/// Live, unless ended ones are asked for too; newest first.
macro_rules! listed {
    ($whose:literal) => {
        select!(concat!(
            "WHERE g.id < $1
               AND ($2 = 1 OR (g.revoked_at IS NULL AND g.id > u.dead_before AND g.id > c.dead_before
                    AND (g.access_until > $3 OR (g.generation > 0 AND g.idle_until > $3 AND g.expires_at > $3)))) ",
            $whose
        ))
    };
}

impl Verb for List<'_> {
    type Out = Vec<Grant>;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Vec<Grant>, Fault> {
        let (before, ended, now, limit) = (&self.before, self.filter.ended, self.now, self.limit);
        match (&self.filter.user, &self.filter.client) {
            (None, None) => {
                let sql = listed!("ORDER BY g.id DESC LIMIT $4");
                all(tx, sql, params![before, ended, now, limit]).await
            }
            (Some(user), None) => {
                let sql = listed!("AND g.user_id = $4 ORDER BY g.id DESC LIMIT $5");
                all(tx, sql, params![before, ended, now, user, limit]).await
            }
            (None, Some(client)) => {
                let sql = listed!("AND g.client_id = $4 ORDER BY g.id DESC LIMIT $5");
                all(tx, sql, params![before, ended, now, client, limit]).await
            }
            (Some(user), Some(client)) => {
                let sql = listed!("AND g.user_id = $4 AND g.client_id = $5 ORDER BY g.id DESC LIMIT $6");
                all(tx, sql, params![before, ended, now, user, client, limit]).await
            }
        }
    }
}

struct Revoke {
    id: GrantId,
    client: Option<ClientId>,
    mark: Mark,
    record: Record,
}

impl Verb for Revoke {
    type Out = bool;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<bool, Fault> {
        let (at, id) = (self.record.at, &self.id);
        let row = match &self.client {
            None => {
                let sql = "UPDATE grants SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL
                           RETURNING access_until";
                tx.one(sql, params![at, id]).await?
            }
            Some(client) => {
                let sql = "UPDATE grants SET revoked_at = $1
                           WHERE id = $2 AND client_id = $3 AND revoked_at IS NULL RETURNING access_until";
                tx.one(sql, params![at, id, client]).await?
            }
        };
        let Some(row) = row else { return Ok(false) };
        revoked(tx, &self.mark, row.time(0)?, &self.record).await?;
        Ok(true)
    }
}

/// What follows the revocation of one grant: its access tokens die for as long as the last of them would live, and the
/// trail tells why.
async fn revoked<T: Tx>(
    tx: &mut T,
    mark: &Mark,
    access_until: Timestamp,
    record: &Record,
) -> Result<(), Fault> {
    let mark = Mark { expires_at: mark.expires_at.max(access_until), ..mark.clone() };
    write_mark(tx, &mark, record.at).await?;
    audit(tx, record).await
}

#[async_trait]
impl Grants for Store {
    async fn grant(&self, id: GrantId) -> Result<Option<Grant>, Fault> {
        self.engine.read(ById { id }).await
    }

    async fn grants(&self, filter: &GrantFilter, page: &Page, now: Timestamp) -> Result<Vec<Grant>, Fault> {
        let Some(before) = super::before(page) else { return Ok(Vec::new()) };
        self.engine.read(List { filter, before, limit: page.limit, now }).await
    }

    async fn redeem_code(
        &self,
        grant: Grant,
        verified_email: bool,
        replay: &OnReuse<'_>,
    ) -> Result<Redemption, Fault> {
        let (id, client) = (grant.id, grant.client.clone());
        if self.engine.write(Redeem { new: Gated { grant, verified_email } }).await? {
            return Ok(Redemption::Redeemed);
        }
        let (mark, record) = replay();
        self.engine.write(Replay { id, client, mark, record }).await
    }

    async fn begin_grant(&self, grant: &NewGrant<'_>, record: Option<&Record>) -> Result<Beginning, Fault> {
        self.engine.write(Begin { grant: Gated::of(grant), record: record.cloned() }).await
    }

    async fn begin_by_word(
        &self,
        grant: &NewGrant<'_>,
        implied: Option<&Record>,
        record: &Record,
    ) -> Result<Beginning, Fault> {
        let (grant, implied, record) = (Gated::of(grant), implied.cloned(), record.clone());
        self.engine.write(BeginByWord { grant, implied, record }).await
    }

    async fn rotate_refresh_token(
        &self,
        request: &RotationRequest<'_>,
        reuse: &OnReuse<'_>,
    ) -> Result<Rotation, Fault> {
        if let Some(moved) = self.engine.write_grouped(Step::new(request), &self.rotations).await? {
            return Ok(moved);
        }
        match Rotate::new(request, reuse()) {
            Some(rotate) => self.engine.write(rotate).await,
            None => Ok(Rotation::Unknown),
        }
    }

    async fn revoke_grant(
        &self,
        id: GrantId,
        client: Option<&ClientId>,
        mark: &Mark,
        record: &Record,
    ) -> Result<bool, Fault> {
        let (mark, record) = (mark.clone(), record.clone());
        self.engine.write(Revoke { id, client: client.cloned(), mark, record }).await
    }
}
