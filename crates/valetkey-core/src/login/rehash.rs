//! NIST SP 800-63B §3.1.1.2 — a password hashed at an older cost is hashed anew while it is known in clear

use crate::audit::{Actor, Event};
use crate::context::Context;
use crate::directory::User;
use crate::error::Fault;
use crate::secret::Secret;

/// Call with a password that was just proven. Nobody waits for it to succeed: the old hash is good still.
pub(super) async fn renew(cx: &Context, user: &User, password: &Secret) {
    if user.password.as_deref().is_some_and(|phc| cx.hasher.is_outdated(phc))
        && let Err(fault) = write(cx, user, password).await
    {
        tracing::warn!(target: "valetkey::login", %fault, "a password could not be hashed anew");
    }
}

async fn write(cx: &Context, user: &User, password: &Secret) -> Result<(), Fault> {
    let Ok(permit) = cx.hasher.reserve().await else { return Ok(()) };
    let renewed = User { password: Some(permit.hash(password).await?), ..user.clone() };
    let record = cx.record(Event::PasswordRehashed, Actor::System).user(&user.id, &user.tenant);
    // Where somebody changed the account meanwhile, there is another sign-in to come.
    cx.store.update_user(&renewed, None, false, &record).await.map(drop)
}
