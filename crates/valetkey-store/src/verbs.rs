//! The verbs: SQL, once. Each file bears the name of the port in `valetkey_core::store` that it carries out.

mod approvals;
mod audits;
mod catalog;
mod clients;
mod configuration;
mod consents;
mod documents;
pub(crate) mod epoch;
mod grants;
mod identities;
mod issuers;
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

pub(crate) use grants::Step;

use crate::engine::{Row, Tx, Value};
use serde_json::Value as Json;
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

/// A document that takes the place of another. What a newer version on the same database put into that one, and this one
/// would drop, stays.
fn to_json_over<D>(document: &D, stored: Option<&str>) -> Result<String, Fault>
where
    D: serde::Serialize + serde::de::DeserializeOwned,
{
    let failed = |error| Fault::internal("a document cannot be written", error);
    let mut fresh = serde_json::to_value(document).map_err(failed)?;
    let stored = stored.and_then(|text| Some((from_json::<Json>(text).ok()?, from_json::<D>(text).ok()?)));
    if let Some((all, known)) = stored {
        keep_unknown(&mut fresh, all, &serde_json::to_value(known).map_err(failed)?);
    }
    to_json(&fresh)
}

/// Adds to `fresh` the members of `all` that are not in `known`: those that reading and writing would lose.
fn keep_unknown(fresh: &mut Json, all: Json, known: &Json) {
    let (Json::Object(fresh), Json::Object(all), Json::Object(known)) = (fresh, all, known) else { return };
    for (name, value) in all {
        match (known.get(&name), fresh.get_mut(&name)) {
            (None, None) => drop(fresh.insert(name, value)),
            (Some(known), Some(fresh)) => keep_unknown(fresh, value, known),
            _ => {}
        }
    }
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

/// The document that stands in a row.
async fn stored<T: Tx>(tx: &mut T, sql: &'static str, params: &[Value<'_>]) -> Result<Option<String>, Fault> {
    tx.one(sql, params).await?.map(|row| row.text(0).map(str::to_owned)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::{Deserialize, Serialize};

    #[derive(Serialize, Deserialize)]
    struct Inner {
        c: i64,
    }

    #[derive(Serialize, Deserialize)]
    struct Document {
        a: i64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        b: Option<i64>,
        inner: Inner,
    }

    #[test]
    fn what_a_newer_version_wrote_survives_an_older_ones_edit() {
        let fresh = Document { a: 2, b: None, inner: Inner { c: 3 } };
        for (stored, want) in [
            (None, r#"{"a":2,"inner":{"c":3}}"#),
            (Some(r#"{"a":1,"b":9,"inner":{"c":1}}"#), r#"{"a":2,"inner":{"c":3}}"#),
            (
                Some(r#"{"a":1,"new":[1],"inner":{"c":1,"d":{"e":5}}}"#),
                r#"{"a":2,"inner":{"c":3,"d":{"e":5}},"new":[1]}"#,
            ),
            (Some("no document"), r#"{"a":2,"inner":{"c":3}}"#),
        ] {
            let written: Json = from_json(&to_json_over(&fresh, stored).unwrap()).unwrap();
            assert_eq!(written, from_json::<Json>(want).unwrap(), "{stored:?}");
        }
    }
}
