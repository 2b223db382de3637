//! Protection against forged forms: a sealed proof that the page was drawn for the very browser or session that posts it

use crate::context::Context;
use crate::error::Fault;
use crate::seal::{self, Kind};
use crate::secret::SecretHash;
use crate::time::{Seconds, Timestamp};
use serde::{Deserialize, Serialize};

/// How long a form may stay open.
const LIFETIME: Seconds = Seconds::hours(12);

#[derive(Serialize, Deserialize)]
struct FormProof {
    cookie: SecretHash,
    expires_at: Timestamp,
}

/// The value of a form's hidden field, for the bearer of a cookie.
pub fn make(cx: &Context, cookie: &str) -> Result<String, Fault> {
    let record = FormProof { cookie: SecretHash::of(cookie), expires_at: cx.now + LIFETIME };
    cx.keys().sealing_at(cx.now)?.seal(Kind::FormProof, cx.nonce(), &record)
}

/// Whether a form came from a page that was drawn for the bearer of this cookie.
pub fn holds(cx: &Context, proof: Option<&str>, cookie: &str) -> bool {
    let opened = proof.and_then(|text| seal::open(cx.keys().sealing(), Kind::FormProof, text));
    let record: Option<FormProof> = opened.and_then(|opened| opened.record());
    record.is_some_and(|own| own.expires_at > cx.now && own.cookie.matches(cookie))
}
