//! Passwords: set by an operator, due for a change, or chosen by the person.

use super::{KIND, check_password, update};
use crate::audit::{Actor, Event};
use crate::context::Context;
use crate::directory::User;
use crate::error::{Fault, becomes};
use crate::ids::UserId;
use crate::login::password::PasswordFlaw;
use crate::login::reserve;
use crate::manage::{ManageError, mark_now, refused};
use crate::secret::Secret;
use crate::store::{MarkKind, Write};

/// Sets a password and ends every session.
pub async fn set_password(
    cx: &Context,
    actor: &Actor,
    id: &UserId,
    password: &Secret,
) -> Result<User, ManageError> {
    set_password_with(cx, actor, id, password, false).await
}

/// The same; with `must_change`, the password is for the next sign-in only (ASVS 6.4.6: who administrates may begin a
/// password, not choose it).
pub async fn set_password_with(
    cx: &Context,
    actor: &Actor,
    id: &UserId,
    password: &Secret,
    must_change: bool,
) -> Result<User, ManageError> {
    let user = cx.store.user(id).await?.ok_or(ManageError::Unknown(KIND))?;
    check_password(cx, password, &user.username, user.email.as_deref()).map_err(refused)?;
    let phc = reserve(cx).await?.hash(password).await?;
    update(cx, actor, id, Event::PasswordSet, |user| {
        user.password = Some(phc.clone());
        user.must_change_password = must_change;
    })
    .await
}

/// Lets the person in no further than to the page where a new password is chosen; every session ends.
pub async fn require_password_change(cx: &Context, actor: &Actor, id: &UserId) -> Result<User, ManageError> {
    update(cx, actor, id, Event::PasswordChangeRequired, |user| user.must_change_password = true).await
}

/// Why a person's own new password was not taken.
#[derive(Debug)]
pub enum NotChanged {
    Flaw(PasswordFlaw),
    /// The account changed meanwhile: begin again.
    Conflict,
    Busy,
    Failed(Fault),
}

becomes!(Fault => NotChanged::Failed);

/// A person's own new password. The caller has seen the old one proven. Every session ends; with `revoke`, so does every
/// key that applications hold.
pub async fn change_password(
    cx: &Context,
    user: &User,
    new: &Secret,
    revoke: bool,
) -> Result<User, NotChanged> {
    check_password(cx, new, &user.username, user.email.as_deref()).map_err(NotChanged::Flaw)?;
    let Ok(permit) = cx.hasher.reserve().await else { return Err(NotChanged::Busy) };
    if user.password.is_some() && permit.verify(new, user.password.as_deref()).await? {
        return Err(NotChanged::Flaw(PasswordFlaw::Same));
    }
    let Ok(permit) = cx.hasher.reserve().await else { return Err(NotChanged::Busy) };
    let changed = User {
        password: Some(permit.hash(new).await?),
        must_change_password: false,
        updated_at: cx.now,
        ..user.clone()
    };
    let mark = revoke.then(|| mark_now(cx, MarkKind::User, user.id.as_str()));
    let record = cx.record(Event::PasswordSet, Actor::User(user.id.clone())).user(&user.id, &user.tenant);
    match cx.store.update_user(&changed, mark.as_ref(), true, &record).await? {
        Write::Done => {
            cx.follow_changes().await?;
            Ok(User { version: changed.version + 1, ..changed })
        }
        Write::Conflict | Write::Unknown => Err(NotChanged::Conflict),
    }
}
