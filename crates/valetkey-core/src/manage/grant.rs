//! Grants: what the account page and `grant list` show and take back.

use super::ManageError;
use crate::audit::{Actor, Event};
use crate::context::Context;
use crate::ids::GrantId;
use crate::token::revocation::grant_mark;

/// Takes a grant back, with every token it gave.
pub async fn revoke(cx: &Context, actor: Actor, id: GrantId) -> Result<(), ManageError> {
    let mark = grant_mark(cx, id);
    let record = cx.record(Event::GrantRevoked, actor).object(id);
    if !cx.store.revoke_grant(id, None, &mark, &record).await? {
        return Err(ManageError::Unknown("grant"));
    }
    cx.revoked.insert(&mark);
    cx.follow_changes().await?;
    Ok(())
}
