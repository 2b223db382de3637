//! Scopes and APIs.

use super::audits::audit;
use super::revocations::announce;
use super::{FromRow, all, exists, from_json, stored, to_json, to_json_over};
use crate::Store;
use crate::engine::{Row, Tx, Verb, params};
use async_trait::async_trait;
use valetkey_core::audit::Record;
use valetkey_core::error::Fault;
use valetkey_core::ids::ApiId;
use valetkey_core::store::{Api, Catalog, ChangeKind, ScopeWords, Write};

impl FromRow for ScopeWords {
    fn from_row(row: &Row) -> Result<Self, Fault> {
        Ok(Self {
            name: row.text(0)?.to_owned(),
            description: row.text(1)?.to_owned(),
            detail: row.text(2)?.to_owned(),
            default: row.flag(3)?,
            standard: row.flag(4)?,
        })
    }
}

impl FromRow for Api {
    fn from_row(row: &Row) -> Result<Self, Fault> {
        let mut api: Self = from_json(row.text(1)?)?;
        api.version = row.int(0)?;
        Ok(api)
    }
}

async fn told<T: Tx>(tx: &mut T, kind: ChangeKind, key: &str, record: &Record) -> Result<Write, Fault> {
    announce(tx, record.at, kind, key.as_bytes()).await?;
    audit(tx, record).await?;
    Ok(Write::Done)
}

struct Scopes;

impl Verb for Scopes {
    type Out = Vec<ScopeWords>;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Vec<ScopeWords>, Fault> {
        let sql = "SELECT name, description, detail, is_default, standard FROM scopes ORDER BY name";
        all(tx, sql, &[]).await
    }
}

pub(super) struct CreateScope {
    pub(super) scope: ScopeWords,
    pub(super) record: Record,
}

impl Verb for CreateScope {
    type Out = Write;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Write, Fault> {
        let ScopeWords { name, description, detail, default, standard } = &self.scope;
        let sql = "INSERT INTO scopes (name, description, detail, is_default, standard)
                   VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
        match tx.execute(sql, params![name, description, detail, *default, *standard]).await? {
            0 => Ok(Write::Conflict),
            _ => told(tx, ChangeKind::Scope, name, &self.record).await,
        }
    }
}

pub(super) struct UpdateScope {
    pub(super) scope: ScopeWords,
    pub(super) record: Record,
}

impl Verb for UpdateScope {
    type Out = Write;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Write, Fault> {
        let ScopeWords { name, description, detail, default, .. } = &self.scope;
        let sql = "UPDATE scopes SET description = $1, detail = $2, is_default = $3 WHERE name = $4";
        match tx.execute(sql, params![description, detail, *default, name]).await? {
            0 => Ok(Write::Unknown),
            _ => told(tx, ChangeKind::Scope, name, &self.record).await,
        }
    }
}

pub(super) struct DeleteScope {
    pub(super) name: String,
    pub(super) record: Record,
}

impl Verb for DeleteScope {
    type Out = Write;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Write, Fault> {
        let sql = "DELETE FROM scopes WHERE name = $1 AND standard = 0";
        if tx.execute(sql, params![&self.name]).await? == 0 {
            let there = exists(tx, "SELECT 1 FROM scopes WHERE name = $1", params![&self.name]).await?;
            return Ok(if there { Write::Conflict } else { Write::Unknown });
        }
        told(tx, ChangeKind::Scope, &self.name, &self.record).await
    }
}

struct Apis;

impl Verb for Apis {
    type Out = Vec<Api>;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Vec<Api>, Fault> {
        all(tx, "SELECT version, document FROM apis ORDER BY id", &[]).await
    }
}

pub(super) struct CreateApi {
    pub(super) api: Api,
    pub(super) record: Record,
}

impl Verb for CreateApi {
    type Out = Write;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Write, Fault> {
        let document = to_json(&self.api)?;
        let sql = "INSERT INTO apis (id, resource, version, document) VALUES ($1, $2, 1, $3) ON CONFLICT DO NOTHING";
        match tx.execute(sql, params![&self.api.id, &self.api.resource, &document]).await? {
            0 => Ok(Write::Conflict),
            _ => told(tx, ChangeKind::Api, self.api.id.as_str(), &self.record).await,
        }
    }
}

pub(super) struct UpdateApi {
    pub(super) api: Api,
    pub(super) record: Record,
}

impl Verb for UpdateApi {
    type Out = Write;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Write, Fault> {
        let api = &self.api;
        let before = stored(tx, "SELECT document FROM apis WHERE id = $1", params![&api.id]).await?;
        let document = to_json_over(api, before.as_deref())?;
        let sql = "UPDATE apis SET resource = $1, document = $2, version = version + 1
                   WHERE id = $3 AND version = $4
                     AND NOT EXISTS (SELECT 1 FROM apis o WHERE o.resource = $1 AND o.id <> $3)";
        if tx.execute(sql, params![&api.resource, &document, &api.id, api.version]).await? == 0 {
            let there = exists(tx, "SELECT 1 FROM apis WHERE id = $1", params![&api.id]).await?;
            return Ok(if there { Write::Conflict } else { Write::Unknown });
        }
        told(tx, ChangeKind::Api, api.id.as_str(), &self.record).await
    }
}

pub(super) struct DeleteApi {
    pub(super) id: ApiId,
    pub(super) record: Record,
}

impl Verb for DeleteApi {
    type Out = Write;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Write, Fault> {
        match tx.execute("DELETE FROM apis WHERE id = $1", params![&self.id]).await? {
            0 => Ok(Write::Unknown),
            _ => told(tx, ChangeKind::Api, self.id.as_str(), &self.record).await,
        }
    }
}

#[async_trait]
impl Catalog for Store {
    async fn scopes(&self) -> Result<Vec<ScopeWords>, Fault> {
        self.engine.read(Scopes).await
    }

    async fn create_scope(&self, scope: &ScopeWords, record: &Record) -> Result<Write, Fault> {
        self.engine.write(CreateScope { scope: scope.clone(), record: record.clone() }).await
    }

    async fn update_scope(&self, scope: &ScopeWords, record: &Record) -> Result<Write, Fault> {
        self.engine.write(UpdateScope { scope: scope.clone(), record: record.clone() }).await
    }

    async fn delete_scope(&self, name: &str, record: &Record) -> Result<Write, Fault> {
        self.engine.write(DeleteScope { name: name.to_owned(), record: record.clone() }).await
    }

    async fn apis(&self) -> Result<Vec<Api>, Fault> {
        self.engine.read(Apis).await
    }

    async fn create_api(&self, api: &Api, record: &Record) -> Result<Write, Fault> {
        self.engine.write(CreateApi { api: api.clone(), record: record.clone() }).await
    }

    async fn update_api(&self, api: &Api, record: &Record) -> Result<Write, Fault> {
        self.engine.write(UpdateApi { api: api.clone(), record: record.clone() }).await
    }

    async fn delete_api(&self, id: &ApiId, record: &Record) -> Result<Write, Fault> {
        self.engine.write(DeleteApi { id: id.clone(), record: record.clone() }).await
    }
}
