//! The verbs: SQL, once. Each file bears the name of the port in `valetkey_core::store` that it carries out.

mod approvals;
mod audits;
mod catalog;
mod clients;
mod configuration;
mod consents;
pub(crate) mod epoch;
mod grants;
mod identities;
mod keys;
mod logins;
mod logouts;
mod notes;
mod owners;
mod revocations;
mod sessions;
mod spent;
mod tenants;
mod upkeep;
mod upstreams;
mod users;

use crate::engine::{Row, Tx, Value};
use valetkey_core::error::Fault;
use valetkey_core::ids::Id;
use valetkey_core::store::Page;

/// A value that stands in one row.
trait FromRow: Sized {
    fn from_row(row: &Row) -> Result<Self, Fault>;
}

/// Reads every row as a value.
async fn all<R: FromRow, T: Tx>(
    tx: &mut T,
    sql: &'static str,
    params: &[Value<'_>],
) -> Result<Vec<R>, Fault> {
    tx.query(sql, params).await?.iter().map(R::from_row).collect()
}

/// Reads the first row as a value.
async fn first<R: FromRow, T: Tx>(
    tx: &mut T,
    sql: &'static str,
    params: &[Value<'_>],
) -> Result<Option<R>, Fault> {
    tx.one(sql, params).await?.as_ref().map(R::from_row).transpose()
}

/// Whether the statement returns any row.
async fn exists<T: Tx>(tx: &mut T, sql: &'static str, params: &[Value<'_>]) -> Result<bool, Fault> {
    Ok(tx.one(sql, params).await?.is_some())
}

/// A document for a column.
fn to_json<D: serde::Serialize>(document: &D) -> Result<String, Fault> {
    serde_json::to_string(document).map_err(|error| Fault::internal("a document cannot be written", error))
}

/// A document from a column.
fn from_json<'de, D: serde::Deserialize<'de>>(text: &'de str) -> Result<D, Fault> {
    serde_json::from_str(text).map_err(|error| Fault::corrupt("a stored document cannot be read", error))
}

/// A list whose items hold no space, as one text.
fn split(text: &str) -> Vec<String> {
    text.split(' ').filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// Where a listing by id, newest first, goes on. `None`: at nothing, since `after` is no id.
fn before(page: &Page) -> Option<Id> {
    page.after.as_ref().map_or(Some(Id([0xff; 16])), |after| after.parse().ok())
}
