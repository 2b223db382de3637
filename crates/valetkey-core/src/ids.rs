//! Identifiers: one type per thing named, so that a client's name never passes for a user's.

use data_encoding::{Encoding, Specification};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

const SYMBOLS: [u8; 32] = *b"0123456789abcdefghjkmnpqrstvwxyz";
/// So many letters has an id.
const LETTERS: usize = 26;

/// Lower-case base32 without padding; its letters sort as the bytes do.
static BASE32: LazyLock<Encoding> = LazyLock::new(|| {
    let mut spec = Specification::new();
    spec.symbols.extend(SYMBOLS.map(char::from));
    #[expect(clippy::expect_used, reason = "a constant table of 32 distinct symbols")]
    spec.encoding().expect("32 symbols")
});

/// 128 bits: 48 of milliseconds since the epoch, 80 random. Sorts by time, so it is a good primary key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
pub struct Id(pub [u8; 16]);

impl Id {
    /// Makes an id from the present in milliseconds and ten random bytes.
    pub fn new(now_ms: u64, random: [u8; 10]) -> Self {
        let mut bytes = [0; 16];
        bytes[..6].copy_from_slice(&now_ms.to_be_bytes()[2..]);
        bytes[6..].copy_from_slice(&random);
        Self(bytes)
    }

    /// Milliseconds since the epoch at which the id was made.
    pub fn millis(&self) -> i64 {
        let mut ms = [0; 8];
        ms[2..].copy_from_slice(&self.0[..6]);
        i64::from_be_bytes(ms)
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl Id {
    /// As text, without an allocation.
    pub fn letters(&self) -> [u8; LETTERS] {
        let [high, low] =
            [0, 8].map(|at| self.0[at..at + 8].iter().fold(0, |sum, &b| sum << 8 | u64::from(b)));
        // Twelve letters are the first 60 bits; of the rest, 68 bits, the last letter has three.
        let middle = high << 60 | low >> 4;
        std::array::from_fn(|at| {
            let bits = match at {
                0..12 => high >> (59 - 5 * at),
                12..24 => middle >> (59 - 5 * (at - 12)),
                24 => low >> 3,
                _ => low << 2,
            };
            SYMBOLS[(bits & 31) as usize]
        })
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The letters come from SYMBOLS.
        f.write_str(std::str::from_utf8(&self.letters()).unwrap_or_default())
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not an identifier of this kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid identifier")]
pub struct BadId;

impl FromStr for Id {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        let bytes = BASE32.decode(text.as_bytes()).map_err(|_| BadId)?;
        Self::from_slice(&bytes).ok_or(BadId)
    }
}

macro_rules! binary_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Id);
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
        impl FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                text.parse().map($name)
            }
        }
    };
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);
        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }
        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

binary_id!(
    /// A grant: what one user (or one redeemed code) gave one client. The code that made it bears the same id.
    GrantId
);
binary_id!(
    /// A session as it is shown and named (`sid`); not the cookie's secret.
    SessionId
);
binary_id!(
    /// One access token (`jti`).
    TokenId
);
text_id!(
    /// `client_id` (RFC 6749 §2.2).
    ClientId
);
text_id!(
    /// A user's subject identifier (`sub`); begins with `usr_`, never reassigned.
    UserId
);
text_id!(
    /// A user directory.
    TenantId
);
text_id!(
    /// A registered API.
    ApiId
);
text_id!(
    /// A rule for an API's endpoint; begins with `ep_`.
    EndpointId
);
text_id!(
    /// A signing or sealing key; a signing key's is its `kid`.
    KeyId
);

impl UserId {
    /// The prefix that keeps a subject from being mistaken for a client (RFC 9700 §4.15).
    pub const PREFIX: &'static str = "usr_";

    pub fn from_id(id: Id) -> Self {
        format!("{}{id}", Self::PREFIX).into()
    }
}

impl TenantId {
    /// The directory that exists without anyone making it.
    pub const DEFAULT: &'static str = "default";
}

impl Default for TenantId {
    fn default() -> Self {
        // Made once: most tokens name it.
        static DEFAULT: LazyLock<TenantId> = LazyLock::new(|| TenantId::DEFAULT.into());
        DEFAULT.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_keeps_its_time_and_sorts_by_it_as_text_too() {
        let early = Id::new(1_700_000_000_000, [255; 10]);
        let late = Id::new(1_700_000_000_001, [0; 10]);
        assert_eq!(early.millis(), 1_700_000_000_000);
        assert!(early < late && early.to_string() < late.to_string());
        assert_eq!(early.to_string().parse(), Ok(early));
        assert_eq!("nonsense".parse::<Id>(), Err(BadId));
        for seed in 0..=255_u8 {
            let mut byte = seed;
            let bytes = [0; 16].map(|_: u8| {
                byte = byte.wrapping_mul(113).wrapping_add(71);
                byte
            });
            assert_eq!(Id(bytes).to_string(), BASE32.encode(&bytes));
        }
    }
}
