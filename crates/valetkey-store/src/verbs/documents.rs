//! What is kept as a document with a version, under an id of the operator's: providers and other issuers.

use super::audits::audit;
use super::exists;
use super::revocations::announce;
use crate::engine::{Tx, Verb, params};
use valetkey_core::audit::Record;
use valetkey_core::error::Fault;
use valetkey_core::store::{ChangeKind, Write};

/// Where such documents are.
#[derive(Debug, Clone, Copy)]
pub(super) enum Table {
    Issuers,
    Upstreams,
}

/// The change goes into the feed and into the trail.
pub(super) async fn told<T: Tx>(tx: &mut T, id: &str, record: &Record) -> Result<Write, Fault> {
    announce(tx, record.at, ChangeKind::Upstream, id.as_bytes()).await?;
    audit(tx, record).await?;
    Ok(Write::Done)
}

/// Why an update changed nothing: another one came first, or there is nothing to change.
pub(super) async fn missed<T: Tx>(tx: &mut T, table: Table, id: &str) -> Result<Write, Fault> {
    let sql = match table {
        Table::Issuers => "SELECT 1 FROM issuers WHERE id = $1",
        Table::Upstreams => "SELECT 1 FROM upstreams WHERE id = $1",
    };
    Ok(if exists(tx, sql, params![id]).await? { Write::Conflict } else { Write::Unknown })
}

pub(super) struct Delete {
    pub(super) table: Table,
    pub(super) id: String,
    pub(super) record: Record,
}

impl Verb for Delete {
    type Out = Write;
    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Write, Fault> {
        let sql = match self.table {
            Table::Issuers => "DELETE FROM issuers WHERE id = $1",
            Table::Upstreams => "DELETE FROM upstreams WHERE id = $1",
        };
        match tx.execute(sql, params![self.id.as_str()]).await? {
            0 => Ok(Write::Unknown),
            _ => told(tx, &self.id, &self.record).await,
        }
    }
}
