//! Other issuers whose word counts here: documents.

use super::documents::{Delete, Table, missed, told};
use super::{FromRow, all, from_json, stored, to_json, to_json_over};
use crate::Store;
use crate::engine::{Row, Tx, Verb, params};
use async_trait::async_trait;
use valetkey_core::audit::Record;
use valetkey_core::error::Fault;
use valetkey_core::federation::TrustedIssuer;
use valetkey_core::store::{Issuers, Write};

impl FromRow for TrustedIssuer {
    fn from_row(row: &Row) -> Result<Self, Fault> {
        let mut issuer: Self = from_json(row.text(1)?)?;
        issuer.version = row.int(0)?;
        Ok(issuer)
    }
}

struct List;

impl Verb for List {
    type Out = Vec<TrustedIssuer>;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Vec<TrustedIssuer>, Fault> {
        all(tx, "SELECT version, document FROM issuers ORDER BY id", &[]).await
    }
}

pub(super) struct Create {
    pub(super) issuer: TrustedIssuer,
    pub(super) record: Record,
}

impl Verb for Create {
    type Out = Write;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Write, Fault> {
        let (id, document) = (self.issuer.id.as_str(), to_json(&self.issuer)?);
        let sql = "INSERT INTO issuers (id, issuer, version, document) VALUES ($1, $2, 1, $3) ON CONFLICT DO NOTHING";
        match tx.execute(sql, params![id, self.issuer.issuer.as_str(), &document]).await? {
            0 => Ok(Write::Conflict),
            _ => told(tx, id, &self.record).await,
        }
    }
}

pub(super) struct Update {
    pub(super) issuer: TrustedIssuer,
    pub(super) record: Record,
}

impl Verb for Update {
    type Out = Write;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Write, Fault> {
        let id = self.issuer.id.as_str();
        let before = stored(tx, "SELECT document FROM issuers WHERE id = $1", params![id]).await?;
        let document = to_json_over(&self.issuer, before.as_deref())?;
        let sql = "UPDATE issuers SET document = $1, version = version + 1 WHERE id = $2 AND version = $3 AND issuer = $4";
        if tx.execute(sql, params![&document, id, self.issuer.version, self.issuer.issuer.as_str()]).await?
            == 0
        {
            return missed(tx, Table::Issuers, id).await;
        }
        told(tx, id, &self.record).await
    }
}

#[async_trait]
impl Issuers for Store {
    async fn issuers(&self) -> Result<Vec<TrustedIssuer>, Fault> {
        self.engine.read(List).await
    }

    async fn create_issuer(&self, issuer: &TrustedIssuer, record: &Record) -> Result<Write, Fault> {
        self.engine.write(Create { issuer: issuer.clone(), record: record.clone() }).await
    }

    async fn update_issuer(&self, issuer: &TrustedIssuer, record: &Record) -> Result<Write, Fault> {
        self.engine.write(Update { issuer: issuer.clone(), record: record.clone() }).await
    }

    async fn delete_issuer(&self, id: &str, record: &Record) -> Result<Write, Fault> {
        self.engine.write(Delete { table: Table::Issuers, id: id.to_owned(), record: record.clone() }).await
    }
}
