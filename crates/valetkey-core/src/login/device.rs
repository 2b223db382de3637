//! The known-device cookie: a browser in which a user has signed in is not slowed by others' attempts on that account.

use crate::context::Context;
use crate::error::Fault;
use crate::ids::TenantId;
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
}

pub(super) fn seal(cx: &Context, tenant: &TenantId, key: &str) -> Result<String, Fault> {
    let expires_at = cx.now + cx.settings.lifetimes.device;
    let record = KnownDevice { tenant: tenant.as_str(), key, expires_at, id: cx.random() };
    cx.keys().sealing_at(cx.now)?.seal(Kind::KnownDevice, cx.nonce(), &record)
}

pub(super) fn knows(cx: &Context, text: &str, tenant: &TenantId, key: &str) -> bool {
    let Some(opened) = seal::open(cx.keys().sealing(), Kind::KnownDevice, text) else { return false };
    let record: Option<KnownDevice<'_>> = opened.record();
    record.is_some_and(|own| own.tenant == tenant.as_str() && own.key == key && own.expires_at > cx.now)
}
