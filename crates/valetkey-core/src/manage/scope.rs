//! Scopes and their words.

use super::{ManageError, changed, created, refused};
use crate::audit::{Actor, Event};
use crate::context::Context;
use crate::scope::{STANDARD, is_name};
use crate::store::ScopeWords;

const KIND: &str = "scope";

pub(super) fn check(scope: &ScopeWords) -> Result<(), ManageError> {
    if !is_name(&scope.name) || scope.name.len() > 200 {
        return Err(refused(
            "a scope name has 1 to 200 printable ASCII characters without space, quote and backslash",
        ));
    }
    if scope.description.trim().is_empty() || scope.description.chars().count() > 200 {
        return Err(refused(
            "say in 1 to 200 characters what the scope lets an application do: people read it when they are asked",
        ));
    }
    Ok(())
}

pub async fn create(cx: &Context, actor: Actor, scope: ScopeWords) -> Result<ScopeWords, ManageError> {
    check(&scope)?;
    if STANDARD.iter().any(|(name, ..)| *name == scope.name) {
        return Err(refused("this scope is built in; `scope update` changes its words"));
    }
    let record = cx.record(Event::ScopeCreated, actor).object(&scope.name);
    created(cx.store.create_scope(&scope, &record).await?, KIND)?;
    cx.follow_changes().await?;
    Ok(scope)
}

/// Changes a scope's words; for a built-in scope the new words are stored over its own.
pub async fn update(cx: &Context, actor: Actor, scope: ScopeWords) -> Result<ScopeWords, ManageError> {
    check(&scope)?;
    let record = cx.record(Event::ScopeUpdated, actor).object(&scope.name);
    let known = cx.store.scopes().await?.iter().any(|own| own.name == scope.name);
    if known || !STANDARD.iter().any(|(name, ..)| *name == scope.name) {
        changed(cx.store.update_scope(&scope, &record).await?, KIND)?;
    } else {
        created(cx.store.create_scope(&scope, &record).await?, KIND)?;
    }
    cx.follow_changes().await?;
    Ok(scope)
}

pub async fn delete(cx: &Context, actor: Actor, name: &str) -> Result<(), ManageError> {
    let record = cx.record(Event::ScopeDeleted, actor).object(name);
    changed(cx.store.delete_scope(name, &record).await?, KIND)?;
    cx.follow_changes().await?;
    Ok(())
}
