//! The applied settings: which may stand, and the change of them alone.

use super::api::{OWN_PATHS, meets};
use super::{ManageError, TRIES, refused};
use crate::applied::{Applied, Registration};
use crate::audit::{Actor, Event};
use crate::client::compat::Compat;
use crate::context::Context;
use crate::settings::{LONGEST_ACCESS_TOKEN, LONGEST_OPTED_ACCESS_TOKEN, path};
use crate::store::{Api, Step, StoredSettings, Write};
use crate::time::Seconds;

/// A key, and why its value cannot stand.
pub type Wrong = (String, String);

fn wrong<T>(key: impl Into<String>, why: impl Into<String>) -> Result<T, Wrong> {
    Err((key.into(), why.into()))
}

/// Whether these settings may stand beside these APIs.
pub fn check(cx: &Context, applied: &Applied, apis: &[Api]) -> Result<(), Wrong> {
    let lifetimes = applied.lifetimes.over(&cx.settings.lifetimes);
    if let Some((name, why)) = lifetimes.wrong().into_iter().next() {
        return wrong(format!("lifetimes.{name}"), why.to_string());
    }
    check_registration(&applied.registration)?;
    check_details_types(applied, apis)?;
    check_services(applied, apis)?;
    check_aliases(applied, apis)
}

fn check_services(applied: &Applied, apis: &[Api]) -> Result<(), Wrong> {
    for path in applied.service_paths() {
        if let Some(api) = apis.iter().find(|api| !api.prefix.is_empty() && meets(&api.prefix, path)) {
            let why = format!("its {path} meets the prefix {} of the API {}", api.prefix, api.id);
            return wrong("services.mastodon", why);
        }
    }
    Ok(())
}

fn check_registration(given: &Registration) -> Result<(), Wrong> {
    for grant in &given.grant_types {
        if let Some(compat) = Compat::needed_for(*grant).filter(|compat| !given.compat.contains(compat)) {
            let (grant, compat) = (grant.name(), compat.name());
            let why = format!("the grant {grant} needs the opt-in {compat} in registration.compat");
            return wrong("registration.grant_types", why);
        }
    }
    if let Some(span) = given.unused_after.filter(|span| *span < Seconds::hours(1)) {
        return wrong("registration.unused_after", format!("{span} is less than 1h"));
    }
    let opted = given.compat.contains(&Compat::LongLivedAccessToken);
    let longest = if opted { LONGEST_OPTED_ACCESS_TOKEN } else { LONGEST_ACCESS_TOKEN };
    if let Some(span) = given.access_token_lifetime.filter(|span| *span < Seconds(1) || *span > longest) {
        let more = if opted {
            ""
        } else {
            "; longer needs the opt-in long_lived_access_token in registration.compat"
        };
        let why = format!("{span} is outside the range 1s to {longest}{more}");
        return wrong("registration.access_token_lifetime", why);
    }
    Ok(())
}

fn check_details_types(applied: &Applied, apis: &[Api]) -> Result<(), Wrong> {
    let all = &applied.authorization_details_types;
    for (at, own) in all.iter().enumerate() {
        let key = format!("authorization_details_types.{}", own.name);
        if let Some(why) = own.flaw() {
            return wrong(key, why);
        }
        if all[..at].iter().any(|other| other.name == own.name) {
            return wrong(key, "this type stands there twice: keep one");
        }
        if let Some(api) = own.api.as_ref().filter(|api| !apis.iter().any(|own| own.id == **api)) {
            return wrong(key, format!("there is no API `{api}`"));
        }
    }
    Ok(())
}

fn check_aliases(applied: &Applied, apis: &[Api]) -> Result<(), Wrong> {
    let mut seen: Vec<&str> = Vec::new();
    for (endpoint, paths) in &applied.aliases {
        let key = format!("http.aliases.{endpoint}");
        if !path::ENDPOINTS.iter().any(|(name, _)| name == endpoint) {
            let all = path::ENDPOINTS.map(|(name, _)| name).join(", ");
            return wrong(key, format!("there is no endpoint {endpoint}; there are {all}"));
        }
        for alias in paths {
            if !path::is_plain(alias) {
                return wrong(key, format!("{alias:?} is not a path such as /token"));
            }
            let own = path::ENDPOINTS.iter().any(|(_, own)| own.eq_ignore_ascii_case(alias));
            let below = OWN_PATHS.into_iter().any(|own| own != "/oauth" && meets(own, alias));
            if own || below || alias.eq_ignore_ascii_case("/oauth") {
                return wrong(key, format!("{alias} is the server's own already"));
            }
            if let Some(api) = apis.iter().find(|api| !api.prefix.is_empty() && meets(&api.prefix, alias)) {
                let why = format!("{alias} meets the prefix {} of the API {}", api.prefix, api.id);
                return wrong(key, why);
            }
            if applied.service_paths().any(|path| path.eq_ignore_ascii_case(alias)) {
                return wrong(key, format!("{alias} is answered by services.mastodon already"));
            }
            if seen.contains(&alias.as_str()) {
                return wrong(key, format!("{alias} stands for two endpoints: keep one"));
            }
            seen.push(alias);
        }
    }
    Ok(())
}

/// What the audit trail says of a change: the opt-ins that it switches for whoever is registered from now on.
pub(super) fn told(before: &Applied, after: &Applied) -> String {
    let switched = Compat::switched(&before.registration.compat, &after.registration.compat);
    switched.map_or("settings".to_owned(), |switched| format!("settings {switched}"))
}

/// The settings as the store has them now.
pub async fn show(cx: &Context) -> Result<StoredSettings, ManageError> {
    Ok(cx.store.applied().await?)
}

/// Changes the settings by `edit`. Nothing is written where nothing changed.
pub async fn update(
    cx: &Context,
    actor: &Actor,
    edit: impl Fn(&mut Applied) + Send,
) -> Result<Applied, ManageError> {
    for _ in 0..TRIES {
        let stored = cx.store.applied().await?;
        let mut settings = stored.clone();
        edit(&mut settings.applied);
        if settings == stored {
            return Ok(settings.applied);
        }
        let checked = check(cx, &settings.applied, &cx.store.apis().await?);
        checked.map_err(|(key, why)| refused(format!("{key}: {why}")))?;
        let applied = settings.applied.clone();
        let record = cx.record(Event::SettingsApplied, actor.clone());
        let record = record.object(told(&stored.applied, &applied));
        if cx.store.carry_out(&[(Step::Settings(settings), record)]).await? == Write::Done {
            cx.follow_changes().await?;
            return Ok(applied);
        }
    }
    Err(refused("others keep changing the settings: try again"))
}
