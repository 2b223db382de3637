//! Endpoint rules of registered APIs.

use super::{ManageError, api};
use crate::audit::Actor;
use crate::context::Context;
use crate::ids::{ApiId, EndpointId};
use crate::route::Method;
use crate::scope::Scope;
use crate::store::{Api, EndpointRule};
use crate::time::Seconds;

/// What to register.
#[derive(Debug, Clone)]
pub struct NewEndpoint {
    pub method: Method,
    pub path: String,
    pub scopes: Scope,
    pub user: bool,
    /// RFC 9470 §3.
    pub max_age: Option<Seconds>,
    pub acr: Vec<String>,
}

/// Adds a rule; refused where it and another would speak for the same request.
pub async fn create(
    cx: &Context,
    actor: Actor,
    id: &ApiId,
    new: NewEndpoint,
) -> Result<EndpointRule, ManageError> {
    let NewEndpoint { method, path, scopes, user, max_age, acr } = new;
    let own = format!("ep_{}", cx.new_id()).into();
    let rule = EndpointRule { id: own, method, path, scopes, user, max_age, acr };
    api::update(cx, actor, id, |api| api.endpoints.push(rule.clone())).await?;
    Ok(rule)
}

/// Every rule, with the API it belongs to.
pub async fn list(cx: &Context) -> Result<Vec<(ApiId, EndpointRule)>, ManageError> {
    let apis = cx.store.apis().await?;
    let rules =
        apis.into_iter().flat_map(|api| api.endpoints.into_iter().map(move |rule| (api.id.clone(), rule)));
    Ok(rules.collect())
}

/// Deletes a rule. Returns its API as it is now: without any rule, every token for it is let through.
pub async fn delete(cx: &Context, actor: Actor, id: &EndpointId) -> Result<Api, ManageError> {
    let apis = cx.store.apis().await?;
    let holder = apis.iter().find(|api| api.endpoints.iter().any(|rule| rule.id == *id));
    let holder = holder.ok_or(ManageError::Unknown("endpoint"))?;
    api::update(cx, actor, &holder.id, |api| api.endpoints.retain(|rule| rule.id != *id)).await
}
