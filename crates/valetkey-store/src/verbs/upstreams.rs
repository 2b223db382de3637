//! Providers at which people sign in: documents.

use super::documents::{Delete, Table, missed, told};
use super::{FromRow, all, from_json, stored, to_json, to_json_over};
use crate::Store;
use crate::engine::{Row, Tx, Verb, params};
use crate::verbs::identities::{Bind, CreateLinked, HasEmail, OfUser, Unbind, UserOf};
use async_trait::async_trait;
use valetkey_core::audit::Record;
use valetkey_core::directory::User;
use valetkey_core::error::Fault;
use valetkey_core::ids::{TenantId, UserId};
use valetkey_core::store::{Arrival, Unlinking, Upstreams, Write};
use valetkey_core::upstream::{LinkedIdentity, Upstream};

impl FromRow for Upstream {
    fn from_row(row: &Row) -> Result<Self, Fault> {
        let mut upstream: Self = from_json(row.text(1)?)?;
        upstream.version = row.int(0)?;
        Ok(upstream)
    }
}

struct List;

impl Verb for List {
    type Out = Vec<Upstream>;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Vec<Upstream>, Fault> {
        all(tx, "SELECT version, document FROM upstreams ORDER BY id", &[]).await
    }
}

pub(super) struct Create {
    pub(super) upstream: Upstream,
    pub(super) record: Record,
}

impl Verb for Create {
    type Out = Write;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Write, Fault> {
        let (id, document) = (self.upstream.id.as_str(), to_json(&self.upstream)?);
        let sql = "INSERT INTO upstreams (id, version, document) VALUES ($1, 1, $2) ON CONFLICT DO NOTHING";
        match tx.execute(sql, params![id, &document]).await? {
            0 => Ok(Write::Conflict),
            _ => told(tx, id, &self.record).await,
        }
    }
}

pub(super) struct Update {
    pub(super) upstream: Upstream,
    pub(super) record: Record,
}

impl Verb for Update {
    type Out = Write;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Write, Fault> {
        let id = self.upstream.id.as_str();
        let before = stored(tx, "SELECT document FROM upstreams WHERE id = $1", params![id]).await?;
        let document = to_json_over(&self.upstream, before.as_deref())?;
        let sql = "UPDATE upstreams SET document = $1, version = version + 1 WHERE id = $2 AND version = $3";
        if tx.execute(sql, params![&document, id, self.upstream.version]).await? == 0 {
            return missed(tx, Table::Upstreams, id).await;
        }
        told(tx, id, &self.record).await
    }
}

#[async_trait]
impl Upstreams for Store {
    async fn upstreams(&self) -> Result<Vec<Upstream>, Fault> {
        self.engine.read(List).await
    }

    async fn create_upstream(&self, upstream: &Upstream, record: &Record) -> Result<Write, Fault> {
        self.engine.write(Create { upstream: upstream.clone(), record: record.clone() }).await
    }

    async fn update_upstream(&self, upstream: &Upstream, record: &Record) -> Result<Write, Fault> {
        self.engine.write(Update { upstream: upstream.clone(), record: record.clone() }).await
    }

    async fn delete_upstream(&self, id: &str, record: &Record) -> Result<Write, Fault> {
        self.engine.write(Delete { table: Table::Upstreams, id: id.to_owned(), record: record.clone() }).await
    }

    async fn linked_user(
        &self,
        tenant: &TenantId,
        issuer: &str,
        subject: &str,
    ) -> Result<Option<UserId>, Fault> {
        self.engine.read(UserOf { tenant, issuer, subject }).await
    }

    async fn has_email(&self, tenant: &TenantId, key: &str, proven: bool) -> Result<bool, Fault> {
        self.engine.read(HasEmail { tenant, key, proven }).await
    }

    async fn linked_identities(&self, user: &UserId) -> Result<Vec<LinkedIdentity>, Fault> {
        self.engine.read(OfUser { user }).await
    }

    async fn link_identity(&self, identity: &LinkedIdentity, record: &Record) -> Result<Write, Fault> {
        self.engine.write(Bind { identity: identity.clone(), record: record.clone() }).await
    }

    async fn create_linked_user(
        &self,
        user: &User,
        identity: &LinkedIdentity,
        record: &Record,
    ) -> Result<Arrival, Fault> {
        let (user, identity, record) = (user.clone(), identity.clone(), record.clone());
        self.engine.write(CreateLinked { user, identity, record }).await
    }

    async fn unlink_identity(
        &self,
        user: &UserId,
        issuer: &str,
        subject: &str,
        record: &Record,
    ) -> Result<Unlinking, Fault> {
        let (issuer, subject) = (issuer.to_owned(), subject.to_owned());
        self.engine.write(Unbind { user: user.clone(), issuer, subject, record: record.clone() }).await
    }
}
