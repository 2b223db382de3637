//! RFC 9396 §2 — the types of authorization details that can be asked for

use super::{ManageError, refused, settings};
use crate::applied::DetailsType;
use crate::audit::Actor;
use crate::context::Context;

const KIND: &str = "authorization details type";

/// Registers a type, or puts it in the place of the one of its name.
pub async fn set(cx: &Context, actor: &Actor, own: DetailsType) -> Result<DetailsType, ManageError> {
    if let Some(why) = own.flaw() {
        return Err(refused(why));
    }
    settings::update(cx, actor, |applied| {
        let all = &mut applied.authorization_details_types;
        match all.iter_mut().find(|other| other.name == own.name) {
            Some(other) => other.clone_from(&own),
            None => all.push(own.clone()),
        }
    })
    .await?;
    Ok(own)
}

pub fn list(cx: &Context) -> Vec<DetailsType> {
    cx.in_force().applied.authorization_details_types.clone()
}

/// Grants that hold some of it keep them.
pub async fn delete(cx: &Context, actor: &Actor, name: &str) -> Result<(), ManageError> {
    if !list(cx).iter().any(|own| own.name == name) {
        return Err(ManageError::Unknown(KIND));
    }
    settings::update(cx, actor, |applied| {
        applied.authorization_details_types.retain(|own| own.name != name);
    })
    .await
    .map(drop)
}
