//! Request ids: short, unique per process, telling nothing about how many requests there were.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderValue, StatusCode};

use super::Arrival;

const LENGTH: usize = 16;
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// The id of one request: 16 characters of lower-case base32. It names the request in the `x-request-id` response
/// header, the log and the error pages; it grants nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId([u8; LENGTH]);

impl RequestId {
    pub fn as_str(&self) -> &str {
        // The bytes come from ALPHABET.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    pub(crate) fn header(&self) -> Option<HeaderValue> {
        HeaderValue::from_bytes(&self.0).ok()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<S: Sync> FromRequestParts<S> for RequestId {
    type Rejection = StatusCode;

    /// # Errors
    /// 500 when the request did not come through the edge.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let arrival = parts.extensions.get::<Arrival>().ok_or(StatusCode::INTERNAL_SERVER_ERROR)?;
        Ok(arrival.request_id)
    }
}

/// Makes ids: a random prefix for the process, then a counter whose order a random odd factor hides.
#[derive(Debug)]
pub(super) struct RequestIds {
    prefix: u64,
    factor: u64,
    count: AtomicU64,
}

const PREFIX_CHARACTERS: usize = 6;
const COUNT_BITS: u32 = 50;

impl RequestIds {
    pub(super) fn new(seed: [u8; 16]) -> Self {
        let [prefix, factor] =
            [0, 8].map(|at| seed[at..at + 8].iter().fold(0, |n, &b| n << 8 | u64::from(b)));
        // An odd factor maps the counters of 50 bits onto themselves one to one, so ids do not repeat.
        Self { prefix, factor: factor | 1, count: AtomicU64::new(1) }
    }

    pub(super) fn next(&self) -> RequestId {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let hidden = count.wrapping_mul(self.factor) & ((1 << COUNT_BITS) - 1);
        let mut id = [0; LENGTH];
        let (prefix, rest) = id.split_at_mut(PREFIX_CHARACTERS);
        spell(self.prefix, prefix);
        spell(hidden, rest);
        RequestId(id)
    }
}

/// Writes the low bits of `number`, five a character.
fn spell(mut number: u64, into: &mut [u8]) {
    for character in into {
        *character = ALPHABET[(number & 31) as usize];
        number >>= 5;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_are_short_plain_and_do_not_repeat() {
        let ids = RequestIds::new(*b"0123456789abcdef");
        let made: HashSet<_> = (0..10_000).map(|_| ids.next()).collect();
        assert_eq!(made.len(), 10_000);
        for id in made {
            assert_eq!(id.as_str().len(), LENGTH);
            assert!(id.header().is_some());
        }
    }

    #[test]
    fn two_processes_use_different_prefixes() {
        let [a, b] = [*b"0123456789abcdef", *b"x123456y89abcdef"].map(|seed| RequestIds::new(seed).next());
        assert_ne!(a.as_str()[..PREFIX_CHARACTERS], b.as_str()[..PREFIX_CHARACTERS]);
    }
}
