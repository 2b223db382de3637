//! Registered APIs.

use super::{ManageError, changed, created, refused};
use crate::audit::{Actor, Event};
use crate::context::Context;
use crate::ids::ApiId;
use crate::settings::LONGEST_ACCESS_TOKEN;
use crate::store::Api;
use url::Url;

const KIND: &str = "API";

fn check(api: &Api) -> Result<(), ManageError> {
    let plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._~-".contains(&b));
    if api.id.as_str().is_empty() || api.id.as_str().len() > 100 || !plain(api.id.as_str()) {
        return Err(refused("an API id has 1 to 100 characters of A–Z a–z 0–9 . _ ~ -"));
    }
    if api.name.trim().is_empty() || api.name.chars().count() > 200 {
        return Err(refused("the name must have 1 to 200 characters"));
    }
    // RFC 8707 §2: an absolute URI without fragment.
    let absolute = Url::parse(&api.resource).is_ok_and(|url| url.fragment().is_none());
    if !absolute || api.resource.contains([' ', '#']) {
        return Err(refused(
            "the resource must be an absolute URI without fragment, such as https://api.example/photos",
        ));
    }
    if !api.prefix.is_empty()
        && (!api.prefix.starts_with('/') || api.prefix.len() < 2 || api.prefix.ends_with('/'))
    {
        return Err(refused("the prefix is a path such as /photos, without a slash at the end"));
    }
    let web = |text: &str| Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if !api.upstream.is_empty() && !web(&api.upstream) {
        return Err(refused("the upstream must be an http or https address"));
    }
    if api.access_token_lifetime.is_some_and(|span| span.0 < 1 || span > LONGEST_ACCESS_TOKEN) {
        return Err(refused("access tokens for an API may live from 1 second to 24 hours"));
    }
    Ok(())
}

pub async fn create(cx: &Context, actor: Actor, api: Api) -> Result<Api, ManageError> {
    check(&api)?;
    let record = cx.record(Event::ApiCreated, actor).object(&api.id);
    created(cx.store.create_api(&api, &record).await?, KIND)?;
    cx.follow_changes().await?;
    Ok(api)
}

pub async fn show(cx: &Context, id: &ApiId) -> Result<Api, ManageError> {
    cx.store.apis().await?.into_iter().find(|api| api.id == *id).ok_or(ManageError::Unknown(KIND))
}

/// Changes an API by `edit`; its id and creation stay.
pub async fn update(
    cx: &Context,
    actor: Actor,
    id: &ApiId,
    edit: impl FnOnce(&mut Api) + Send,
) -> Result<Api, ManageError> {
    let mut api = show(cx, id).await?;
    edit(&mut api);
    api.updated_at = cx.now;
    check(&api)?;
    let record = cx.record(Event::ApiUpdated, actor).object(id);
    changed(cx.store.update_api(&api, &record).await?, KIND)?;
    cx.follow_changes().await?;
    Ok(api)
}

pub async fn delete(cx: &Context, actor: Actor, id: &ApiId) -> Result<(), ManageError> {
    let record = cx.record(Event::ApiDeleted, actor).object(id);
    changed(cx.store.delete_api(id, &record).await?, KIND)?;
    cx.follow_changes().await?;
    Ok(())
}
