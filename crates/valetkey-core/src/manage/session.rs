//! Ending sessions.

use super::ManageError;
use crate::audit::{Actor, Event};
use crate::context::Context;
use crate::ids::{SessionId, UserId};

pub async fn end(cx: &Context, actor: Actor, id: SessionId) -> Result<(), ManageError> {
    let own = if let Actor::User(user) = &actor { Some(user.clone()) } else { None };
    let mut record = cx.record(Event::SessionEnded, actor).object(id);
    record.user = own;
    if !cx.store.end_session(id, &record).await? {
        return Err(ManageError::Unknown("session"));
    }
    cx.follow_changes().await?;
    Ok(())
}

/// Ends all of a user's sessions but `keep`; returns how many.
pub async fn end_all(
    cx: &Context,
    actor: Actor,
    user: &UserId,
    keep: Option<SessionId>,
) -> Result<u64, ManageError> {
    let mut record = cx.record(Event::SessionEnded, actor);
    record.user = Some(user.clone());
    let ended = cx.store.end_sessions(user, keep, &record).await?;
    cx.follow_changes().await?;
    Ok(ended)
}
