//! Parameters and cells in PostgreSQL's binary form.

use crate::engine::{Cell, Value};
use bytes::{BufMut, BytesMut};
use std::error::Error;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

/// A parameter that is its own master, since it may wait to be sent.
#[derive(Debug)]
pub(super) enum Bound {
    Null,
    Int(i64),
    Text(String),
    Blob(Vec<u8>),
    Ints(Vec<i64>),
    Texts(Vec<String>),
    Blobs(Vec<Vec<u8>>),
}

impl Bound {
    pub(super) fn as_sql(&self) -> &(dyn ToSql + Sync) {
        self
    }
}

/// The parameter and its type. Said with each statement, nothing need be prepared, and no pooler stands in the way.
pub(super) fn typed(value: &Value<'_>) -> (Bound, Type) {
    match *value {
        // The server finds out from where it stands.
        Value::Null => (Bound::Null, Type::UNKNOWN),
        Value::Int(number) => (Bound::Int(number), Type::INT8),
        Value::Text(text) => (Bound::Text(storable(text)), Type::TEXT),
        Value::Blob(bytes) => (Bound::Blob(bytes.to_vec()), Type::BYTEA),
        Value::Ints(numbers) => (Bound::Ints(numbers.to_vec()), Type::INT8_ARRAY),
        Value::Texts(texts) => {
            (Bound::Texts(texts.iter().map(|text| storable(text)).collect()), Type::TEXT_ARRAY)
        }
        Value::Blobs(all) => {
            (Bound::Blobs(all.iter().map(|bytes| bytes.to_vec()).collect()), Type::BYTEA_ARRAY)
        }
    }
}

/// PostgreSQL's texts hold no zero byte, and none that we keep has one: a text from outside that does finds nothing.
fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

impl ToSql for Bound {
    fn to_sql(&self, of: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Null => return Ok(IsNull::Yes),
            Self::Int(number) => out.put_i64(*number),
            Self::Text(text) => out.put_slice(text.as_bytes()),
            Self::Blob(bytes) => out.put_slice(bytes),
            Self::Ints(numbers) => return numbers.to_sql(of, out),
            Self::Texts(texts) => return texts.to_sql(of, out),
            Self::Blobs(all) => return all.to_sql(of, out),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Cell {
    fn from_sql(of: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(match *of {
            Type::INT8 => Self::Int(i64::from_sql(of, raw)?),
            Type::INT4 => Self::Int(i32::from_sql(of, raw)?.into()),
            Type::BOOL => Self::Int(bool::from_sql(of, raw)?.into()),
            Type::BYTEA => Self::Blob(raw.to_vec()),
            _ => Self::Text(std::str::from_utf8(raw)?.to_owned()),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self::Null)
    }

    fn accepts(of: &Type) -> bool {
        matches!(
            *of,
            Type::INT8
                | Type::INT4
                | Type::BOOL
                | Type::BYTEA
                | Type::TEXT
                | Type::VARCHAR
                | Type::NAME
                | Type::UNKNOWN
        )
    }
}
