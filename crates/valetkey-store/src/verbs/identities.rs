//! Who is who at which provider.

use super::audits::audit;
use super::users::write::Create;
use super::{FromRow, all, exists};
use crate::engine::{Row, Tx, Verb, params};
use valetkey_core::audit::Record;
use valetkey_core::directory::User;
use valetkey_core::error::Fault;
use valetkey_core::ids::{TenantId, UserId};
use valetkey_core::store::{Arrival, Unlinking, Write};
use valetkey_core::upstream::LinkedIdentity;

impl FromRow for LinkedIdentity {
    fn from_row(row: &Row) -> Result<Self, Fault> {
        Ok(Self {
            tenant: row.text(0)?.into(),
            issuer: row.text(1)?.to_owned(),
            subject: row.text(2)?.to_owned(),
            user: row.text(3)?.into(),
            label: row.text(4)?.to_owned(),
            linked_at: row.time(5)?,
        })
    }
}

pub(super) struct UserOf<'a> {
    pub(super) tenant: &'a TenantId,
    pub(super) issuer: &'a str,
    pub(super) subject: &'a str,
}

impl Verb for UserOf<'_> {
    type Out = Option<UserId>;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Option<UserId>, Fault> {
        let sql = "SELECT user_id FROM identities WHERE tenant_id = $1 AND issuer = $2 AND subject = $3";
        let row = tx.one(sql, params![self.tenant, self.issuer, self.subject]).await?;
        row.map(|row| Ok(row.text(0)?.into())).transpose()
    }
}

pub(super) struct HasEmail<'a> {
    pub(super) tenant: &'a TenantId,
    pub(super) key: &'a str,
    pub(super) proven: bool,
}

impl Verb for HasEmail<'_> {
    type Out = bool;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<bool, Fault> {
        let sql =
            "SELECT 1 FROM users WHERE tenant_id = $1 AND email_key = $2 AND email_verified >= $3 LIMIT 1";
        exists(tx, sql, params![self.tenant, self.key, self.proven]).await
    }
}

pub(super) struct OfUser<'a> {
    pub(super) user: &'a UserId,
}

impl Verb for OfUser<'_> {
    type Out = Vec<LinkedIdentity>;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Vec<LinkedIdentity>, Fault> {
        let sql = "SELECT tenant_id, issuer, subject, user_id, label, linked_at FROM identities
                   WHERE user_id = $1 ORDER BY linked_at, issuer, subject";
        all(tx, sql, params![self.user]).await
    }
}

pub(super) struct Bind {
    pub(super) identity: LinkedIdentity,
    pub(super) record: Record,
}

impl Verb for Bind {
    type Out = Write;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Write, Fault> {
        let own = &self.identity;
        let sql = "INSERT INTO identities (tenant_id, issuer, subject, user_id, label, linked_at)
                   SELECT u.tenant_id, $1, $2, u.id, $3, $4 FROM users u
                   WHERE u.id = $5 AND u.tenant_id = $6 AND u.disabled = 0
                   ON CONFLICT DO NOTHING";
        let (issuer, subject, label) = (own.issuer.as_str(), own.subject.as_str(), own.label.as_str());
        let values = params![issuer, subject, label, own.linked_at, &own.user, &own.tenant];
        if tx.execute(sql, values).await? == 1 {
            audit(tx, &self.record).await?;
            return Ok(Write::Done);
        }
        let taken = UserOf { tenant: &own.tenant, issuer, subject }.run(tx).await?;
        Ok(if taken.is_some() { Write::Conflict } else { Write::Unknown })
    }
}

pub(super) struct CreateLinked {
    pub(super) user: User,
    pub(super) identity: LinkedIdentity,
    pub(super) record: Record,
}

impl Verb for CreateLinked {
    type Out = Arrival;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Arrival, Fault> {
        let own = &self.identity;
        let sql = "INSERT INTO identities (tenant_id, issuer, subject, user_id, label, linked_at)
                   VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
        let (issuer, subject, label) = (own.issuer.as_str(), own.subject.as_str(), own.label.as_str());
        let values = params![&own.tenant, issuer, subject, &self.user.id, label, own.linked_at];
        if tx.execute(sql, values).await? == 0 {
            return Ok(Arrival::IdentityTaken);
        }
        let create = Create { user: self.user.clone(), record: self.record.clone() };
        if create.run(tx).await? == Write::Done {
            return Ok(Arrival::Created);
        }
        tx.execute("DELETE FROM identities WHERE user_id = $1", params![&self.user.id]).await?;
        Ok(Arrival::NameTaken)
    }
}

pub(super) struct Unbind {
    pub(super) user: UserId,
    pub(super) issuer: String,
    pub(super) subject: String,
    pub(super) record: Record,
}

impl Verb for Unbind {
    type Out = Unlinking;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Unlinking, Fault> {
        let (issuer, subject) = (self.issuer.as_str(), self.subject.as_str());
        // Two at once must not take the last two: whoever changes a user's ways in holds the user's row.
        tx.execute("UPDATE users SET version = version WHERE id = $1", params![&self.user]).await?;
        let sql = "DELETE FROM identities WHERE user_id = $1 AND issuer = $2 AND subject = $3
                     AND (EXISTS (SELECT 1 FROM users u WHERE u.id = $1 AND u.password IS NOT NULL)
                          OR EXISTS (SELECT 1 FROM identities o
                                     WHERE o.user_id = $1 AND NOT (o.issuer = $2 AND o.subject = $3)))";
        if tx.execute(sql, params![&self.user, issuer, subject]).await? == 1 {
            audit(tx, &self.record).await?;
            return Ok(Unlinking::Done);
        }
        let own = OfUser { user: &self.user }.run(tx).await?;
        let there = own.iter().any(|own| own.issuer == issuer && own.subject == subject);
        Ok(if there { Unlinking::Last } else { Unlinking::Unknown })
    }
}

/// All of a user's, when the user goes.
pub(super) async fn forget_identities<T: Tx>(tx: &mut T, user: &UserId) -> Result<(), Fault> {
    tx.execute("DELETE FROM identities WHERE user_id = $1", params![user]).await?;
    Ok(())
}
