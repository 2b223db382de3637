//! A password that must be changed: who has just proven the old one may choose a new one, in this browser, for a while

use crate::context::Context;
use crate::directory::User;
use crate::error::Fault;
use crate::ids::UserId;
use crate::seal::{self, Kind};
use crate::secret::SecretHash;
use crate::time::{Seconds, Timestamp};
use serde::{Deserialize, Serialize};

/// How long the page may stay open.
const LIFETIME: Seconds = Seconds::minutes(15);

#[derive(Serialize, Deserialize)]
struct Due<'a> {
    user: &'a str,
    /// The account as it was: once the password is changed this proof is worth nothing.
    version: i64,
    /// Of the browser's cookie.
    browser: SecretHash,
    expires_at: Timestamp,
}

/// What the form of the page carries. Call only for a user whose password has just been proven.
pub fn seal(cx: &Context, user: &User, browser: &str) -> Result<String, Fault> {
    let record = Due {
        user: user.id.as_str(),
        version: user.version,
        browser: SecretHash::of(browser),
        expires_at: cx.now + LIFETIME,
    };
    cx.keys().sealing_at(cx.now)?.seal(Kind::PasswordDue, cx.nonce(), &record)
}

/// The account that the bearer of this proof may choose a new password for.
pub async fn open(cx: &Context, text: &str, browser: Option<&str>) -> Result<Option<User>, Fault> {
    let Some(opened) = seal::open(cx.keys().sealing(), Kind::PasswordDue, text) else { return Ok(None) };
    let Some(due) = opened.record::<Due<'_>>() else { return Ok(None) };
    if due.expires_at <= cx.now || !browser.is_some_and(|cookie| due.browser.matches(cookie)) {
        return Ok(None);
    }
    let user = cx.store.user(&UserId::from(due.user)).await?;
    Ok(user.filter(|user| {
        let same = user.version == due.version && user.must_change_password;
        same && !user.disabled && !cx.catalog().shuts(user.tenant.as_str())
    }))
}
