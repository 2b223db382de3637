//! RFC 7800 §3.1 — what a token may be bound to, and whether the caller showed it

use super::certificate::{self, Fingerprint};
use super::dpop::{self, Thumbprint};
use crate::error::{Code, Denial};
use serde_json::{Value, json};

/// What a caller must show beside a bound token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// RFC 9449 §6: a key, by a proof with each request.
    Key(Thumbprint),
    /// RFC 8705 §3: a certificate, by the TLS connection.
    Certificate(Fingerprint),
}

/// Before a certificate's fingerprint; a key's thumbprint stands alone.
const CERTIFICATE: u8 = 1;

impl Holder {
    /// As it stands in a sealed token.
    pub fn to_bytes(self) -> Vec<u8> {
        match self {
            Self::Key(key) => key.to_vec(),
            Self::Certificate(own) => [&[CERTIFICATE], own.as_slice()].concat(),
        }
    }

    /// `None`: nothing that we bind tokens to, so nobody can show it.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [CERTIFICATE, own @ ..] if own.len() == 32 => own.try_into().ok().map(Self::Certificate),
            key => key.try_into().ok().map(Self::Key),
        }
    }

    /// `cnf`.
    pub fn to_json(self) -> Value {
        match self {
            Self::Key(key) => json!({ "jkt": dpop::to_text(&key) }),
            Self::Certificate(own) => json!({ "x5t#S256": certificate::to_text(&own) }),
        }
    }

    /// `token_type` (RFC 9449 §5; RFC 8705 leaves it at Bearer).
    pub const fn token_type(self) -> &'static str {
        match self {
            Self::Key(_) => "DPoP",
            Self::Certificate(_) => "Bearer",
        }
    }
}

/// RFC 9449 §7.1.
pub const BOUND_TO_A_KEY: Denial = Code::InvalidToken.because(
    "the access token is bound to a key: send it by the scheme DPoP, with a proof made with that very key",
);
/// RFC 8705 §3.
const BOUND_TO_A_CERTIFICATE: Denial = Code::InvalidToken.because(
    "the access token is bound to a certificate: come in a connection with that very certificate, by the scheme Bearer",
);
const BOUND_TO_NOTHING: Denial =
    Code::InvalidToken.because("the access token is bound to no key: send it by the scheme Bearer");
/// By a later version of ours.
const BOUND_TO_SOMETHING: Denial =
    Code::InvalidToken.because("the access token is bound to something that this server does not know");

/// What a caller showed in a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shown {
    /// By a DPoP proof.
    pub key: Option<Thumbprint>,
    /// In the TLS handshake.
    pub certificate: Option<Fingerprint>,
}

impl Shown {
    /// Whether a token with this confirmation may be used so. One that is bound to nothing comes without a proof (RFC 9449
    /// §7.2); a certificate in the connection changes nothing about it.
    pub fn holds(&self, confirmation: Option<&[u8]>) -> Result<(), Denial> {
        let (holds, missed) = match confirmation.map(Holder::from_bytes) {
            None => (self.key.is_none(), BOUND_TO_NOTHING),
            Some(Some(Holder::Key(key))) => (self.key == Some(key), BOUND_TO_A_KEY),
            Some(Some(Holder::Certificate(own))) => {
                (self.key.is_none() && self.certificate == Some(own), BOUND_TO_A_CERTIFICATE)
            }
            Some(None) => (false, BOUND_TO_SOMETHING),
        };
        if holds { Ok(()) } else { Err(missed) }
    }

    /// Whether this is what a refresh token or a code was bound to.
    pub fn has(&self, bound: &[u8; 32]) -> bool {
        self.key.as_ref() == Some(bound)
            || self.certificate.is_some_and(|own| certificate::as_key(&own) == *bound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_token_is_for_who_shows_the_very_thing() {
        let (key, own) = (Holder::Key([1; 32]).to_bytes(), Holder::Certificate([2; 32]).to_bytes());
        let shown = |key: Option<u8>, certificate: Option<u8>| Shown {
            key: key.map(|byte| [byte; 32]),
            certificate: certificate.map(|byte| [byte; 32]),
        };
        for (confirmation, shown, holds) in [
            (None, shown(None, None), true),
            (None, shown(None, Some(2)), true),
            (None, shown(Some(1), None), false),
            (Some(&key), shown(Some(1), None), true),
            (Some(&key), shown(Some(1), Some(2)), true),
            (Some(&key), shown(Some(2), None), false),
            (Some(&key), shown(None, Some(1)), false),
            (Some(&own), shown(None, Some(2)), true),
            (Some(&own), shown(None, Some(1)), false),
            (Some(&own), shown(Some(2), None), false),
            (Some(&own), shown(None, None), false),
            (Some(&vec![0; 5]), shown(None, None), false),
        ] {
            assert_eq!(
                shown.holds(confirmation.map(Vec::as_slice)).is_ok(),
                holds,
                "{confirmation:?} {shown:?}"
            );
        }
        for holder in [Holder::Key([1; 32]), Holder::Certificate([1; 32])] {
            assert_eq!(Holder::from_bytes(&holder.to_bytes()), Some(holder));
        }
        assert!(!shown(Some(2), None).has(&certificate::as_key(&[2; 32])));
        assert!(shown(None, Some(2)).has(&certificate::as_key(&[2; 32])));
    }
}
