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

/// Whether these settings may stand beside these APIs. The sentence names the key.
pub fn check(cx: &Context, applied: &Applied, apis: &[Api]) -> Result<(), ManageError> {
    let lifetimes = applied.lifetimes.over(&cx.settings.lifetimes);
    if let Some((name, why)) = lifetimes.wrong().into_iter().next() {
        return Err(refused(format!("lifetimes.{name}: {why}")));
    }
    check_registration(&applied.registration)?;
    check_aliases(applied, apis)
}

fn check_registration(given: &Registration) -> Result<(), ManageError> {
    for grant in &given.grant_types {
        if let Some(compat) = Compat::needed_for(*grant).filter(|compat| !given.compat.contains(compat)) {
            return Err(refused(format!(
                "registration.grant_types: the grant {} needs the opt-in {} in registration.compat",
                grant.name(),
                compat.name()
            )));
        }
    }
    let opted = given.compat.contains(&Compat::LongLivedAccessToken);
    let longest = if opted { LONGEST_OPTED_ACCESS_TOKEN } else { LONGEST_ACCESS_TOKEN };
    if given.access_token_lifetime.is_some_and(|span| span < Seconds(1) || span > longest) {
        return Err(refused(format!(
            "registration.access_token_lifetime: from 1 to {} seconds{}",
            longest.0,
            if opted {
                ""
            } else {
                "; longer needs the opt-in long_lived_access_token in registration.compat"
            }
        )));
    }
    Ok(())
}

fn check_aliases(applied: &Applied, apis: &[Api]) -> Result<(), ManageError> {
    let mut seen: Vec<&str> = Vec::new();
    for (endpoint, paths) in &applied.aliases {
        if !path::ENDPOINTS.iter().any(|(name, _)| name == endpoint) {
            let all = path::ENDPOINTS.map(|(name, _)| name).join(", ");
            return Err(refused(format!("http.aliases: there is no endpoint {endpoint}; there are {all}")));
        }
        for alias in paths {
            if !path::is_plain(alias) {
                return Err(refused(format!(
                    "http.aliases.{endpoint}: {alias:?} is not a path such as /token"
                )));
            }
            let own = path::ENDPOINTS.iter().any(|(_, own)| own.eq_ignore_ascii_case(alias));
            let below = OWN_PATHS.into_iter().find(|own| *own != "/oauth" && meets(own, alias));
            if own || below.is_some() || alias.eq_ignore_ascii_case("/oauth") {
                return Err(refused(format!("http.aliases.{endpoint}: {alias} is the server's own already")));
            }
            if let Some(api) = apis.iter().find(|api| !api.prefix.is_empty() && meets(&api.prefix, alias)) {
                return Err(refused(format!(
                    "http.aliases.{endpoint}: {alias} meets the prefix {} of the API {}",
                    api.prefix, api.id
                )));
            }
            if seen.contains(&alias.as_str()) {
                return Err(refused(format!("http.aliases: {alias} stands for two endpoints: keep one")));
            }
            seen.push(alias);
        }
    }
    Ok(())
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
        check(cx, &settings.applied, &cx.store.apis().await?)?;
        let applied = settings.applied.clone();
        let record = cx.record(Event::SettingsApplied, actor.clone()).object("settings");
        if cx.store.carry_out(&[(Step::Settings(settings), record)]).await? == Write::Done {
            cx.follow_changes().await?;
            return Ok(applied);
        }
    }
    Err(refused("others keep changing the settings: try again"))
}
