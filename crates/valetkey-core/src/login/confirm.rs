//! ASVS 7.5.1 — before what would let a thief keep the account: does who sits here still know the password?

use super::throttle::Through;
use super::{Tried, failed, try_password};
use crate::context::Context;
use crate::directory::User;
use crate::error::Fault;
use crate::secret::Secret;
use crate::time::Seconds;

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmed {
    Yes,
    No,
    Throttled(Seconds),
    Busy,
}

/// Tries the password of somebody who is signed in, counted and slowed down as at the login page.
pub async fn confirm(
    cx: &Context,
    user: &User,
    password: &Secret,
    known_device: Option<&str>,
) -> Result<Confirmed, Fault> {
    let through = known_device.map_or(Through::Browser, Through::Known);
    match try_password(cx, &user.tenant, &user.username, password, through).await? {
        Tried::Right { user: found, counters } if found.id == user.id => {
            cx.store.clear_attempts(&counters).await?;
            Ok(Confirmed::Yes)
        }
        Tried::Right { .. } | Tried::Wrong(_) => {
            failed(cx, Some(user), None).await?;
            Ok(Confirmed::No)
        }
        Tried::Throttled(wait) => Ok(Confirmed::Throttled(wait)),
        Tried::Busy => Ok(Confirmed::Busy),
    }
}
