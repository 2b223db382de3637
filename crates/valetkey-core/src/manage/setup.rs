//! The first administrator, made by whoever holds the link that the first start printed.

use super::user::{NewUser, build};
use super::{ManageError, refused};
use crate::audit::{Actor, Event};
use crate::context::Context;
use crate::directory::User;
use crate::error::Fault;
use crate::seal::{self, Kind};
use crate::store::SetupOutcome;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct SetupLink {
    expires_at: Timestamp,
}

/// The link, where there is no administrator yet.
pub async fn link(cx: &Context) -> Result<Option<String>, Fault> {
    if cx.store.has_admin().await? {
        return Ok(None);
    }
    let record = SetupLink { expires_at: cx.now + cx.settings.lifetimes.setup };
    let token = cx.keys().sealing_at(cx.now)?.seal(Kind::SetupLink, cx.nonce(), &record)?;
    Ok(Some(cx.settings.url(&format!("/setup?token={token}"))))
}

/// Whether a link can still be used.
pub async fn is_open(cx: &Context, token: &str) -> Result<bool, Fault> {
    let opened = seal::open(cx.keys().sealing(), Kind::SetupLink, token);
    let record: Option<SetupLink> = opened.and_then(|opened| opened.record());
    Ok(record.is_some_and(|own| own.expires_at > cx.now) && !cx.store.has_admin().await?)
}

/// Makes the first administrator. The store's own guard decides between two that try at once.
pub async fn complete(cx: &Context, token: &str, new: NewUser) -> Result<User, ManageError> {
    if !is_open(cx, token).await? {
        return Err(ManageError::Unknown("open set-up link"));
    }
    let user = build(cx, NewUser { admin: true, ..new }).await?;
    let record = cx.record(Event::AdminCreated, Actor::Anonymous).user(&user.id, &user.tenant);
    match cx.store.create_first_admin(&user, &record).await? {
        SetupOutcome::Created => Ok(user),
        SetupOutcome::AlreadyDone => Err(ManageError::Unknown("open set-up link")),
        SetupOutcome::NameTaken => Err(refused("this user name is taken")),
    }
}
