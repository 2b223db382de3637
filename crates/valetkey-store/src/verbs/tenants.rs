//! User directories: a document, beside the columns that other statements ask about.

use super::audits::audit;
use super::logouts::tenant_ends;
use super::revocations::{announce, take_back};
use super::{FromRow, all, exists, from_json, stored, to_json, to_json_over};
use crate::Store;
use crate::engine::{Row, Tx, Verb, params};
use async_trait::async_trait;
use valetkey_core::audit::Record;
use valetkey_core::directory::Tenant;
use valetkey_core::error::Fault;
use valetkey_core::ids::TenantId;
use valetkey_core::image::Image;
use valetkey_core::store::{ChangeKind, Mark, Tenants, Write};

impl FromRow for Tenant {
    fn from_row(row: &Row) -> Result<Self, Fault> {
        let mut tenant: Self = from_json(row.text(1)?)?;
        tenant.version = row.int(0)?;
        let logo = row.opt_blob(2)?.map(Image::read).transpose();
        tenant.logo = logo.map_err(|flaw| Fault::corrupt("a stored logo cannot be read", flaw))?;
        Ok(tenant)
    }
}

async fn told<T: Tx>(tx: &mut T, id: &TenantId, record: &Record) -> Result<Write, Fault> {
    announce(tx, record.at, ChangeKind::Tenant, id.as_str().as_bytes()).await?;
    audit(tx, record).await?;
    Ok(Write::Done)
}

struct List;

impl Verb for List {
    type Out = Vec<Tenant>;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Vec<Tenant>, Fault> {
        all(tx, "SELECT version, document, logo FROM tenants ORDER BY id", &[]).await
    }
}

pub(super) struct Create {
    pub(super) tenant: Tenant,
    pub(super) record: Record,
}

impl Verb for Create {
    type Out = Write;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Write, Fault> {
        let (tenant, document) = (&self.tenant, to_json(&self.tenant)?);
        let logo = tenant.logo.as_ref().map(Image::bytes);
        let sql = "INSERT INTO tenants (id, disabled, version, document, logo) VALUES ($1, $2, 1, $3, $4)
                   ON CONFLICT DO NOTHING";
        match tx.execute(sql, params![&tenant.id, tenant.disabled, &document, logo]).await? {
            0 => Ok(Write::Conflict),
            _ => told(tx, &tenant.id, &self.record).await,
        }
    }
}

pub(super) struct Update {
    pub(super) tenant: Tenant,
    pub(super) mark: Option<Mark>,
    pub(super) record: Record,
}

impl Verb for Update {
    type Out = Write;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Write, Fault> {
        let tenant = &self.tenant;
        let before = stored(tx, "SELECT document FROM tenants WHERE id = $1", params![&tenant.id]).await?;
        let document = to_json_over(tenant, before.as_deref())?;
        let logo = tenant.logo.as_ref().map(Image::bytes);
        let sql = "UPDATE tenants SET disabled = $1, document = $2, logo = $3, version = version + 1
                   WHERE id = $4 AND version = $5";
        let values = params![tenant.disabled, &document, logo, &tenant.id, tenant.version];
        if tx.execute(sql, values).await? == 0 {
            let there = exists(tx, "SELECT 1 FROM tenants WHERE id = $1", params![&tenant.id]).await?;
            return Ok(if there { Write::Conflict } else { Write::Unknown });
        }
        if let Some(mark) = &self.mark {
            take_back(tx, mark, self.record.at).await?;
            tenant_ends(tx, &tenant.id, self.record.at).await?;
            tx.execute("DELETE FROM sessions WHERE tenant_id = $1", params![&tenant.id]).await?;
        }
        told(tx, &tenant.id, &self.record).await
    }
}

pub(super) struct Delete {
    pub(super) id: TenantId,
    pub(super) record: Record,
}

impl Verb for Delete {
    type Out = Write;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Write, Fault> {
        let sql = "DELETE FROM tenants WHERE id = $1
                     AND NOT EXISTS (SELECT 1 FROM users u WHERE u.tenant_id = $1)
                     AND NOT EXISTS (SELECT 1 FROM clients c WHERE c.tenant_id = $1)";
        if tx.execute(sql, params![&self.id]).await? == 0 {
            let there = exists(tx, "SELECT 1 FROM tenants WHERE id = $1", params![&self.id]).await?;
            return Ok(if there { Write::Conflict } else { Write::Unknown });
        }
        told(tx, &self.id, &self.record).await
    }
}

#[async_trait]
impl Tenants for Store {
    async fn tenants(&self) -> Result<Vec<Tenant>, Fault> {
        self.engine.read(List).await
    }

    async fn create_tenant(&self, tenant: &Tenant, record: &Record) -> Result<Write, Fault> {
        self.engine.write(Create { tenant: tenant.clone(), record: record.clone() }).await
    }

    async fn update_tenant(
        &self,
        tenant: &Tenant,
        mark: Option<&Mark>,
        record: &Record,
    ) -> Result<Write, Fault> {
        let (tenant, mark, record) = (tenant.clone(), mark.cloned(), record.clone());
        self.engine.write(Update { tenant, mark, record }).await
    }

    async fn delete_tenant(&self, id: &TenantId, record: &Record) -> Result<Write, Fault> {
        self.engine.write(Delete { id: id.clone(), record: record.clone() }).await
    }
}
