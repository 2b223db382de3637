//! The applied settings, and whole plans: each step is the verb that does it alone, all of them in one transaction.

use super::audits::audit;
use super::catalog::{CreateApi, CreateScope, DeleteApi, DeleteScope, UpdateApi, UpdateScope};
use super::documents::Table;
use super::revocations::announce;
use super::{FromRow, first, from_json, stored, to_json_over};
use super::{clients, documents, issuers, tenants, upstreams};
use crate::Store;
use crate::engine::{Row, Tx, Verb, params};
use async_trait::async_trait;
use valetkey_core::audit::Record;
use valetkey_core::error::{Fault, FaultKind};
use valetkey_core::store::{ChangeKind, Configuration, Step, StoredSettings, Write};

/// Undoes a plan. An outcome would keep what its first steps wrote.
const UNDONE: &str = "a step of a plan met something else than was read";

impl FromRow for StoredSettings {
    fn from_row(row: &Row) -> Result<Self, Fault> {
        Ok(Self { version: row.int(0)?, applied: from_json(row.text(1)?)? })
    }
}

struct Applied;

impl Verb for Applied {
    type Out = StoredSettings;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<StoredSettings, Fault> {
        let stored = first(tx, "SELECT version, document FROM settings WHERE id = 1", &[]).await?;
        Ok(stored.unwrap_or_default())
    }
}

struct WriteSettings<'a> {
    settings: &'a StoredSettings,
    record: &'a Record,
}

impl Verb for WriteSettings<'_> {
    type Out = Write;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Write, Fault> {
        let before = stored(tx, "SELECT document FROM settings WHERE id = 1", &[]).await?;
        let document = to_json_over(&self.settings.applied, before.as_deref())?;
        let written = if self.settings.version == 0 {
            let sql = "INSERT INTO settings (id, version, document) VALUES (1, 1, $1) ON CONFLICT DO NOTHING";
            tx.execute(sql, params![&document]).await?
        } else {
            let sql =
                "UPDATE settings SET document = $1, version = version + 1 WHERE id = 1 AND version = $2";
            tx.execute(sql, params![&document, self.settings.version]).await?
        };
        if written == 0 {
            return Ok(Write::Conflict);
        }
        announce(tx, self.record.at, ChangeKind::Settings, b"").await?;
        audit(tx, self.record).await?;
        Ok(Write::Done)
    }
}

struct CarryOut {
    plan: Vec<(Step, Record)>,
}

impl Verb for CarryOut {
    type Out = ();

    fn is_long(&self) -> bool {
        true
    }

    async fn run<T: Tx>(&self, tx: &mut T) -> Result<(), Fault> {
        for (step, record) in &self.plan {
            if one(tx, step.clone(), record.clone()).await? != Write::Done {
                return Err(Fault::bare(FaultKind::Internal, UNDONE));
            }
        }
        Ok(())
    }
}

async fn one<T: Tx>(tx: &mut T, step: Step, record: Record) -> Result<Write, Fault> {
    match step {
        Step::CreateTenant(tenant) => tenants::Create { tenant, record }.run(tx).await,
        Step::UpdateTenant(tenant, mark) => tenants::Update { tenant, mark, record }.run(tx).await,
        Step::DeleteTenant(id) => tenants::Delete { id, record }.run(tx).await,
        Step::CreateUpstream(upstream) => upstreams::Create { upstream, record }.run(tx).await,
        Step::UpdateUpstream(upstream) => upstreams::Update { upstream, record }.run(tx).await,
        Step::DeleteUpstream(id) => documents::Delete { table: Table::Upstreams, id, record }.run(tx).await,
        Step::CreateIssuer(issuer) => issuers::Create { issuer, record }.run(tx).await,
        Step::UpdateIssuer(issuer) => issuers::Update { issuer, record }.run(tx).await,
        Step::DeleteIssuer(id) => documents::Delete { table: Table::Issuers, id, record }.run(tx).await,
        Step::CreateScope(scope) => CreateScope { scope, record }.run(tx).await,
        Step::UpdateScope(scope) => UpdateScope { scope, record }.run(tx).await,
        Step::DeleteScope(name) => DeleteScope { name, record }.run(tx).await,
        Step::CreateApi(api) => CreateApi { api, record }.run(tx).await,
        Step::UpdateApi(api) => UpdateApi { api, record }.run(tx).await,
        Step::DeleteApi(id) => DeleteApi { id, record }.run(tx).await,
        Step::CreateClient(client) => clients::Create { client, record }.run(tx).await,
        Step::UpdateClient(client, mark) => clients::Update { client, mark, record }.run(tx).await,
        Step::DeleteClient(id, mark) => clients::Delete { id, mark, record }.run(tx).await,
        Step::Settings(settings) => WriteSettings { settings: &settings, record: &record }.run(tx).await,
    }
}

#[async_trait]
impl Configuration for Store {
    async fn applied(&self) -> Result<StoredSettings, Fault> {
        self.engine.read(Applied).await
    }

    async fn carry_out(&self, plan: &[(Step, Record)]) -> Result<Write, Fault> {
        match self.engine.write(CarryOut { plan: plan.to_vec() }).await {
            Ok(()) => Ok(Write::Done),
            Err(fault) if fault.what == UNDONE => Ok(Write::Conflict),
            Err(fault) => Err(fault),
        }
    }
}
