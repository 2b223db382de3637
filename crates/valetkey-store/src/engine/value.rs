//! A statement's parameters.

use valetkey_core::ids::{ApiId, ClientId, GrantId, Id, KeyId, SessionId, TenantId, TokenId, UserId};
use valetkey_core::time::{Seconds, Timestamp};

/// One parameter, borrowed from the verb.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Null,
    Int(i64),
    Text(&'a str),
    Blob(&'a [u8]),
    /// Arrays, for statements in PostgreSQL's words: one place for each of many callers.
    Ints(&'a [i64]),
    Texts(&'a [&'a str]),
    Blobs(&'a [&'a [u8]]),
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<u32> for Value<'_> {
    fn from(value: u32) -> Self {
        Self::Int(value.into())
    }
}

impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Self::Int(value.into())
    }
}

impl From<Timestamp> for Value<'_> {
    fn from(value: Timestamp) -> Self {
        Self::Int(value.0)
    }
}

impl From<Seconds> for Value<'_> {
    fn from(value: Seconds) -> Self {
        Self::Int(value.0)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(value)
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(value: &'a String) -> Self {
        Self::Text(value)
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(value: &'a [u8]) -> Self {
        Self::Blob(value)
    }
}

impl<'a> From<&'a Vec<u8>> for Value<'a> {
    fn from(value: &'a Vec<u8>) -> Self {
        Self::Blob(value)
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Value<'a> {
    fn from(value: &'a [u8; N]) -> Self {
        Self::Blob(value)
    }
}

impl<'a> From<&'a Id> for Value<'a> {
    fn from(value: &'a Id) -> Self {
        Self::Blob(&value.0)
    }
}

macro_rules! binary_ids {
    ($($id:ty),+) => {$(
        impl<'a> From<&'a $id> for Value<'a> {
            fn from(value: &'a $id) -> Self {
                Self::Blob(&value.0.0)
            }
        }
    )+};
}

macro_rules! text_ids {
    ($($id:ty),+) => {$(
        impl<'a> From<&'a $id> for Value<'a> {
            fn from(value: &'a $id) -> Self {
                Self::Text(value.as_str())
            }
        }
    )+};
}

binary_ids!(GrantId, SessionId, TokenId);
text_ids!(ApiId, ClientId, KeyId, TenantId, UserId);

/// `params![a, b]`: a slice of [`Value`]s from whatever turns into one.
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        &[$($crate::engine::Value::from($value)),*]
    };
}
pub(crate) use params;
