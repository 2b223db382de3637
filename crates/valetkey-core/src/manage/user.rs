//! Accounts.

use super::{ManageError, TRIES, changed, created, mark_now, refused};
use crate::audit::{Actor, Event};
use crate::context::Context;
use crate::directory::User;
use crate::ids::{TenantId, UserId};
use crate::login::{password, reserve};
use crate::secret::Secret;
use crate::store::{MarkKind, Write};

const KIND: &str = "user";

/// An account to make.
#[derive(Debug, Clone)]
pub struct NewUser {
    pub username: String,
    pub name: Option<String>,
    pub email: Option<String>,
    pub tenant: TenantId,
    pub password: Option<Secret>,
    pub admin: bool,
}

/// Builds and checks a user; the password is hashed. Shared by `create` and the set-up of the first administrator.
pub(super) async fn build(cx: &Context, new: NewUser) -> Result<User, ManageError> {
    check_names(&new)?;
    let password = match &new.password {
        Some(password) => {
            check_password(cx, password, &new.username, new.email.as_deref())?;
            Some(reserve(cx).await?.hash(password).await?)
        }
        None => None,
    };
    Ok(User {
        id: UserId::from_id(cx.new_id()),
        tenant: new.tenant,
        username: new.username.trim().to_owned(),
        name: new.name.filter(|name| !name.trim().is_empty()),
        email: new.email.filter(|email| !email.trim().is_empty()),
        email_verified: false,
        admin: new.admin,
        password,
        must_change_password: false,
        disabled: false,
        created_at: cx.now,
        updated_at: cx.now,
        version: 1,
    })
}

fn check_names(new: &NewUser) -> Result<(), ManageError> {
    let username = new.username.trim();
    let plain =
        !username.is_empty() && username.chars().count() <= 100 && !username.chars().any(char::is_control);
    if !plain {
        return Err(refused("a user name has 1 to 100 characters on one line"));
    }
    if new.name.as_ref().is_some_and(|name| name.chars().count() > 200 || name.chars().any(char::is_control))
    {
        return Err(refused("a name has at most 200 characters on one line"));
    }
    let shaped = |email: &str| {
        email.len() <= 254
            && email.split_once('@').is_some_and(|(local, host)| !local.is_empty() && !host.is_empty())
            && !email.chars().any(|c| c.is_control() || c.is_whitespace())
    };
    if new.email.as_deref().is_some_and(|email| !email.trim().is_empty() && !shaped(email.trim())) {
        return Err(refused("this does not look like an e-mail address"));
    }
    Ok(())
}

fn check_password(
    cx: &Context,
    password: &Secret,
    username: &str,
    email: Option<&str>,
) -> Result<(), ManageError> {
    let host = cx.settings.host().split(':').next().unwrap_or_default();
    let mailbox = email.and_then(|email| email.split('@').next()).unwrap_or_default();
    password::check(password, &[username, mailbox, host, "Valetkey"]).map_err(refused)
}

/// Makes an account.
pub async fn create(cx: &Context, actor: Actor, new: NewUser) -> Result<User, ManageError> {
    let user = build(cx, new).await?;
    let record = cx.record(Event::UserCreated, actor).user(&user.id, &user.tenant);
    created(cx.store.create_user(&user, &record).await?, KIND)?;
    Ok(user)
}

/// Finds a user by id, or by name within a tenant: what an operator types.
pub async fn find(cx: &Context, tenant: &TenantId, text: &str) -> Result<User, ManageError> {
    let by_id = match text.starts_with(UserId::PREFIX) {
        true => cx.store.user(&text.into()).await?,
        false => None,
    };
    let found = match by_id {
        Some(user) => Some(user),
        None => cx.store.user_by_login(tenant, &User::lookup_key(text)).await?,
    };
    found.ok_or(ManageError::Unknown(KIND))
}

async fn update(
    cx: &Context,
    actor: &Actor,
    id: &UserId,
    event: Event,
    edit: impl Fn(&mut User) + Send,
) -> Result<User, ManageError> {
    for _ in 0..TRIES {
        let mut user = cx.store.user(id).await?.ok_or(ManageError::Unknown(KIND))?;
        edit(&mut user);
        user.updated_at = cx.now;
        let mark = (event == Event::UserDisabled).then(|| mark_now(cx, MarkKind::User, id.as_str()));
        // ASVS 7.4.2, 7.4.3: switching an account off or changing its password ends what was signed in.
        let end_sessions = matches!(event, Event::UserDisabled | Event::PasswordSet);
        let record = cx.record(event, actor.clone()).user(id, &user.tenant);
        match cx.store.update_user(&user, mark.as_ref(), end_sessions, &record).await? {
            Write::Conflict => {}
            write => {
                changed(write, KIND)?;
                cx.follow_changes().await?;
                user.version += 1;
                return Ok(user);
            }
        }
    }
    Err(refused("others keep changing this user: try again"))
}

/// Switches an account off: its sessions end and its tokens die.
pub async fn disable(cx: &Context, actor: &Actor, id: &UserId) -> Result<User, ManageError> {
    update(cx, actor, id, Event::UserDisabled, |user| user.disabled = true).await
}

/// Switches it on again; sessions and tokens from before stay dead.
pub async fn enable(cx: &Context, actor: &Actor, id: &UserId) -> Result<User, ManageError> {
    update(cx, actor, id, Event::UserEnabled, |user| user.disabled = false).await
}

/// Sets a password and ends every session.
pub async fn set_password(
    cx: &Context,
    actor: &Actor,
    id: &UserId,
    password: &Secret,
) -> Result<User, ManageError> {
    let user = cx.store.user(id).await?.ok_or(ManageError::Unknown(KIND))?;
    check_password(cx, password, &user.username, user.email.as_deref())?;
    let phc = reserve(cx).await?.hash(password).await?;
    update(cx, actor, id, Event::PasswordSet, |user| {
        user.password = Some(phc.clone());
        user.must_change_password = false;
    })
    .await
}

/// Deletes an account with its sessions, consents and grants. Its id is never given to anybody else.
pub async fn delete(cx: &Context, actor: Actor, id: &UserId) -> Result<(), ManageError> {
    let user = cx.store.user(id).await?.ok_or(ManageError::Unknown(KIND))?;
    let mark = mark_now(cx, MarkKind::User, id.as_str());
    let record = cx.record(Event::UserDeleted, actor).user(id, &user.tenant);
    changed(cx.store.delete_user(id, &mark, &record).await?, KIND)?;
    cx.follow_changes().await?;
    Ok(())
}
