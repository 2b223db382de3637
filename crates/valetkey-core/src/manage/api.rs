//! Registered APIs.

use super::{ManageError, changed, created, refused};
use crate::applied::Applied;
use crate::audit::{Actor, Event};
use crate::context::Context;
use crate::ids::ApiId;
use crate::login::acr;
use crate::path::Path;
use crate::route;
use crate::settings::LONGEST_ACCESS_TOKEN;
use crate::store::Api;
use crate::time::Seconds;
use url::Url;

const KIND: &str = "API";

pub(super) fn check(api: &Api) -> Result<(), ManageError> {
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
    if api.endpoints.iter().any(|rule| !rule.acr.iter().all(|name| acr::is_name(name))) {
        return Err(refused(
            "an acr value is a name without spaces and quotes, such as urn:valetkey:acr:fresh",
        ));
    }
    // Less would be over before the person is back.
    if api.endpoints.iter().filter_map(|rule| rule.max_age).any(|age| age < Seconds(10)) {
        return Err(refused("max_age of an endpoint is at least 10 seconds"));
    }
    check_gateway(api)?;
    if api.access_token_lifetime.is_some_and(|span| span.0 < 1 || span > LONGEST_ACCESS_TOKEN) {
        return Err(refused("access tokens for an API may live from 1 second to 24 hours"));
    }
    Ok(())
}

/// What the gateway needs to be sure of: paths that mean one thing, and one rule at most for each request.
fn check_gateway(api: &Api) -> Result<(), ManageError> {
    let plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._~-".contains(&b));
    let clear = Path::normalise(&api.prefix).is_ok() && plain(&api.prefix);
    if !api.prefix.is_empty() && (!clear || api.prefix.len() < 2 || api.prefix.ends_with('/')) {
        return Err(refused(
            "the prefix is a path such as /photos, of letters, digits and . _ ~ -, without a slash at the end",
        ));
    }
    if !api.upstream.is_empty() && !is_upstream(&api.upstream) {
        return Err(refused(
            "the upstream must be an http or https address such as http://127.0.0.1:3000, without query, fragment and \
             credentials",
        ));
    }
    if !api.upstream.is_empty() && api.prefix.is_empty() {
        return Err(refused("give --prefix too: the gateway serves an upstream below a prefix"));
    }
    if !api.endpoints.is_empty() && api.prefix.is_empty() {
        return Err(refused("endpoint rules are about paths below the API's prefix: give it one"));
    }
    check_browsers(api)?;
    for rule in &api.endpoints {
        if !api.scopes.is_empty() && !api.scopes.covers(&rule.scopes) {
            let missing = rule.scopes.filter(|name| !api.scopes.contains(name));
            return Err(refused(format!(
                "`{missing}` is not a scope of the API {}, so no token for it could have it: add it there first",
                api.id
            )));
        }
    }
    route::conflict(api).map_or(Ok(()), |conflict| Err(refused(conflict)))
}

/// Who comes by browser: with which scopes, and from which pages.
fn check_browsers(api: &Api) -> Result<(), ManageError> {
    if api.browser && api.prefix.is_empty() {
        return Err(refused("browser mode is about paths below the API's prefix: give it one"));
    }
    if let Some(scope) = &api.browser_scope
        && !api.scopes.is_empty()
        && !api.scopes.covers(scope)
    {
        let missing = scope.filter(|name| !api.scopes.contains(name));
        return Err(refused(format!("`{missing}` is not a scope of the API {}: add it there first", api.id)));
    }
    let any = api.cors_origins.iter().any(|origin| origin == "*");
    if any && api.cors_origins.len() > 1 {
        return Err(refused("`*` allows every origin: give it alone, or the origins one by one"));
    }
    match api.cors_origins.iter().find(|origin| *origin != "*" && !is_origin(origin)) {
        Some(_) => Err(refused(
            "an origin is scheme, host and port, as browsers send it: https://app.example or http://localhost:3000",
        )),
        None => Ok(()),
    }
}

/// RFC 6454 §6.2, character for character as a browser writes it.
fn is_origin(text: &str) -> bool {
    let exact = |url: Url| url.origin().ascii_serialization() == text;
    (text.starts_with("http://") || text.starts_with("https://"))
        && !text.contains('*')
        && Url::parse(text).is_ok_and(exact)
}

fn is_upstream(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        let bare = url.query().is_none() && url.fragment().is_none();
        let anonymous = url.username().is_empty() && url.password().is_none();
        let path = Path::normalise(url.path()).is_ok_and(|path| path.as_str() == url.path());
        matches!(url.scheme(), "http" | "https") && url.has_host() && bare && anonymous && path
    })
}

/// The paths of the server itself; whatever is below them is its own.
pub const OWN_PATHS: [&str; 21] = [
    "/.well-known",
    "/oauth",
    "/sign-up",
    "/login",
    "/consent",
    "/device",
    "/account",
    "/developer",
    "/admin",
    "/console",
    "/setup",
    "/docs",
    "/api/admin",
    "/api/developer",
    "/forward-auth",
    "/dev",
    "/assets",
    "/health",
    "/metrics",
    "/favicon.ico",
    "/robots.txt",
];

/// Whether one path is the other, or below it, case apart.
pub(super) fn meets(one: &str, other: &str) -> bool {
    let pairs = one.split('/').zip(other.split('/'));
    pairs.fold(true, |same, (a, b)| same && a.eq_ignore_ascii_case(b))
}

/// No path belongs to two: neither to two APIs nor to an API and the server.
pub(super) fn check_place(api: &Api, apis: &[Api], applied: &Applied) -> Result<(), ManageError> {
    if api.prefix.is_empty() {
        return Ok(());
    }
    if let Some(own) = OWN_PATHS.into_iter().find(|own| meets(own, &api.prefix)) {
        return Err(refused(format!("the prefix {} meets {own}, which is the server's own", api.prefix)));
    }
    if let Some(alias) = applied.aliases.values().flatten().find(|alias| meets(alias, &api.prefix)) {
        return Err(refused(format!(
            "the prefix {} meets {alias}, a further path of an endpoint",
            api.prefix
        )));
    }
    if let Some(path) = applied.service_paths().find(|path| meets(path, &api.prefix)) {
        return Err(refused(format!(
            "the prefix {} meets {path}, which services.mastodon answers",
            api.prefix
        )));
    }
    let others = apis.iter().filter(|other| other.id != api.id && !other.prefix.is_empty());
    match others.into_iter().find(|other| meets(&other.prefix, &api.prefix)) {
        Some(other) => Err(refused(format!(
            "the prefix {} meets {} of the API {}: neither may be below the other",
            api.prefix, other.prefix, other.id
        ))),
        None => Ok(()),
    }
}

/// The same, as the store has the others now.
async fn check_place_now(cx: &Context, api: &Api) -> Result<(), ManageError> {
    check_place(api, &cx.store.apis().await?, &cx.store.applied().await?.applied)
}

pub async fn create(cx: &Context, actor: Actor, api: Api) -> Result<Api, ManageError> {
    check(&api)?;
    check_place_now(cx, &api).await?;
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
    check_place_now(cx, &api).await?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    #[test]
    fn an_upstream_is_a_bare_web_address() {
        for (text, want) in [
            ("http://127.0.0.1:3000", true),
            ("https://api.internal/base", true),
            ("http://[::1]:3000/", true),
            ("ftp://x", false),
            ("http://x/?a=b", false),
            ("http://x/#f", false),
            ("http://user:pw@x/", false),
            ("http://x/a%2fb", false),
            ("/photos", false),
            ("", false),
        ] {
            assert_eq!(is_upstream(text), want, "{text}");
        }
    }

    #[test]
    fn an_origin_is_written_as_browsers_write_it() {
        for (text, want) in [
            ("https://app.example", true),
            ("http://localhost:3000", true),
            ("https://app.example/", false),
            ("https://app.example:443", false),
            ("https://APP.example", false),
            ("https://app.example/x", false),
            ("https://user@app.example", false),
            ("https://*.example", false),
            ("app.example", false),
            ("null", false),
            ("", false),
        ] {
            assert_eq!(is_origin(text), want, "{text}");
        }
    }

    #[test]
    fn prefixes_meet_where_one_is_below_the_other() {
        for (one, other, want) in [
            ("/a", "/a", true),
            ("/a", "/A/b", true),
            ("/a/b/c", "/a", true),
            ("/a", "/ab", false),
            ("/a/b", "/a/c", false),
            ("/api/admin", "/api", true),
            ("/api/admin", "/api/photos", false),
        ] {
            assert_eq!(meets(one, other), want, "{one} {other}");
        }
    }

    #[test]
    fn a_prefix_is_plain() {
        let with = |prefix: &str| Api {
            prefix: prefix.to_owned(),
            ..Api::new("a", "https://a.example", Timestamp(0))
        };
        for (prefix, want) in [
            ("", true),
            ("/photos", true),
            ("/v1/photos", true),
            ("/", false),
            ("photos", false),
            ("/photos/", false),
            ("/a//b", false),
            ("/a/../b", false),
            ("/a%20b", false),
            ("/{id}", false),
            ("/@me", false),
        ] {
            assert_eq!(check(&with(prefix)).is_ok(), want, "{prefix}");
        }
    }
}
