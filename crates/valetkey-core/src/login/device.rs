//! The known-device cookie: a browser in which a user has signed in is not slowed by others' attempts on that account.

use crate::context::Context;
use crate::directory::User;
use crate::error::Fault;
use crate::seal::{self, Kind};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct KnownDevice<'a> {
    tenant: &'a str,
    /// `User::lookup_key` of the name that was typed.
    key: &'a str,
    expires_at: Timestamp,
    /// Tells devices apart: each has its own counter.
    id: [u8; 16],
    /// Whose account the name meant: a name may come to mean another's.
    user: &'a str,
}

pub(super) fn seal(cx: &Context, user: &User, key: &str) -> Result<String, Fault> {
    let expires_at = cx.now + cx.settings.lifetimes.device;
    let (tenant, user) = (user.tenant.as_str(), user.id.as_str());
    let record = KnownDevice { tenant, key, expires_at, id: cx.random(), user };
    cx.keys().sealing_at(cx.now)?.seal(Kind::KnownDevice, cx.nonce(), &record)
}

/// Whether this account was signed in to in this browser, by this name. A cookie from before accounts were written down
/// is nobody's.
pub(super) fn knows(cx: &Context, text: &str, user: &User, key: &str) -> bool {
    let Some(opened) = seal::open(cx.keys().sealing(), Kind::KnownDevice, text) else { return false };
    let record: Option<KnownDevice<'_>> = opened.record();
    record.is_some_and(|own| {
        own.tenant == user.tenant.as_str()
            && own.user == user.id.as_str()
            && own.key == key
            && own.expires_at > cx.now
    })
}
