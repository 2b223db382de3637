//! What a form makes has its id before it is made: sealed into the form, for the session that it was drawn for. So a
//! form that is sent twice, or loaded again after it was sent, makes one thing and not two.

use crate::context::Context;
use crate::error::Fault;
use crate::ids::Id;
use crate::seal::{self, Kind};
use crate::secret::SecretHash;
use crate::time::{Seconds, Timestamp};
use serde::{Deserialize, Serialize};

/// As long as the form's proof.
const LIFETIME: Seconds = Seconds::hours(12);

#[derive(Serialize, Deserialize)]
struct Draft {
    id: Id,
    cookie: SecretHash,
    expires_at: Timestamp,
}

/// The value of a form's hidden field.
pub fn make(cx: &Context, cookie: &str) -> Result<String, Fault> {
    let draft = Draft { id: cx.new_id(), cookie: SecretHash::of(cookie), expires_at: cx.now + LIFETIME };
    cx.keys().sealing_at(cx.now)?.seal(Kind::PortalDraft, cx.nonce(), &draft)
}

/// The id in it, for the bearer of the cookie.
pub fn read(cx: &Context, text: &str, cookie: &str) -> Option<Id> {
    let opened = seal::open(cx.keys().sealing(), Kind::PortalDraft, text)?;
    let draft: Draft = opened.record()?;
    (draft.expires_at > cx.now && draft.cookie.matches(cookie)).then_some(draft.id)
}
