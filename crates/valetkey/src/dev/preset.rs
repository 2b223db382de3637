//! `valetkey dev --preset`: the service that a preset describes, with its people, and an API that answers.

use super::{PASSWORD, USERNAME, unless_there};
use crate::apply::{Merged, run};
use anyhow::Result;
use serde_json::Value;
use url::Url;
use valetkey_core::applied::Registration;
use valetkey_core::audit::{Actor, Event};
use valetkey_core::client::compat::Compat;
use valetkey_core::client::redirect_uri::OOB;
use valetkey_core::client::{AuthMethod, Client};
use valetkey_core::context::Context;
use valetkey_core::grant::GrantType;
use valetkey_core::ids::TenantId;
use valetkey_core::manage::apply::Kind;
use valetkey_core::manage::client::{self, NewClient, registered_now};
use valetkey_core::manage::user::{self, NewUser};
use valetkey_core::secret::Secret;

/// Somebody who can sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) tenant: String,
    pub(crate) username: &'static str,
    pub(crate) password: &'static str,
}

/// What `dev` was asked to be.
#[derive(Debug, Default)]
pub(crate) struct Chosen {
    pub(crate) names: Vec<String>,
    pub(crate) merged: Merged,
}

/// One of each utility, who is known there and nowhere else.
const OF_TENANTS: [(&str, &str, &str); 2] = [
    ("eneco", "emma", "emma-turns-the-heating-up-1865"),
    ("viesgo", "victor", "victor-reads-the-meter-at-1865"),
];

/// Applies the presets: these settings and no others, and every upstream is the one that echoes.
pub(super) async fn furnish(cx: &Context, chosen: &mut Chosen, upstream: &str) -> Result<()> {
    let wanted = &mut chosen.merged.wanted;
    wanted.only_these_settings = true;
    for api in wanted.things.iter_mut().filter(|thing| thing.kind == Kind::Api) {
        let own = api.members.get("upstream").and_then(Value::as_str).unwrap_or_default();
        let path = Url::parse(own).map_or(String::new(), |url| url.path().trim_end_matches('/').to_owned());
        api.members.insert("upstream".to_owned(), format!("{upstream}{path}").into());
    }
    run(cx, &Actor::System, &chosen.merged, false).await?;
    Ok(())
}

/// alice is known in every tenant of the presets, and one more person in each of them.
pub(super) async fn people(cx: &Context, chosen: &Chosen) -> Result<Vec<Person>> {
    let mut people = vec![person("default", USERNAME, PASSWORD)];
    for thing in chosen.merged.wanted.things.iter().filter(|thing| thing.kind == Kind::Tenant) {
        people.push(person(&thing.id, USERNAME, PASSWORD));
        let own = OF_TENANTS.iter().filter(|(tenant, ..)| *tenant == thing.id);
        people.extend(own.map(|(tenant, username, password)| person(tenant, username, password)));
    }
    for person in &people {
        let tenant = TenantId::from(person.tenant.as_str());
        if user::find(cx, &tenant, person.username).await.is_ok() {
            continue;
        }
        let alice = person.username == USERNAME;
        let new = NewUser {
            username: person.username.to_owned(),
            name: alice.then(|| "Alice Liddell".to_owned()),
            email: Some(format!("{}@example.com", person.username)),
            tenant,
            password: Some(Secret::new(person.password)),
            admin: false,
        };
        unless_there(user::create(cx, Actor::System, new).await)?;
    }
    Ok(people)
}

fn person(tenant: &str, username: &'static str, password: &'static str) -> Person {
    Person { tenant: tenant.to_owned(), username, password }
}

/// A demo client as the presets would have it registered, beside what it is anyway.
pub(super) fn fitted(given: &Registration, new: NewClient) -> NewClient {
    let mut redirect_uris = new.redirect_uris.clone();
    if given.compat.contains(&Compat::Oob) && !redirect_uris.is_empty() {
        redirect_uris.push(OOB.to_owned());
    }
    let public = new.auth_method == Some(AuthMethod::None);
    let usable = |grant: &GrantType| match grant {
        GrantType::AuthorizationCode | GrantType::Implicit => !redirect_uris.is_empty(),
        GrantType::ClientCredentials | GrantType::TokenExchange | GrantType::JwtBearer => !public,
        GrantType::RefreshToken | GrantType::Password | GrantType::DeviceCode | GrantType::Ciba => true,
    };
    let mut grant_types: Vec<_> = given.grant_types.iter().copied().filter(usable).collect();
    let missing: Vec<_> = new.grant_types.iter().filter(|own| !grant_types.contains(own)).copied().collect();
    grant_types.extend(missing);
    if !grant_types.iter().any(|grant| matches!(grant, GrantType::AuthorizationCode | GrantType::Password)) {
        grant_types.retain(|grant| *grant != GrantType::RefreshToken);
    }
    let given_scope = given.scope.clone().unwrap_or_default();
    let scope = new.scope.as_ref().map(|own| own.union(&given_scope));
    registered_now(given, NewClient { grant_types, scope, redirect_uris, ..new })
}

/// Gives a client of an earlier start what the presets give.
pub(super) async fn refit(cx: &Context, client: &Client, new: &NewClient) -> Result<()> {
    let edit = |own: &mut Client| {
        own.grant_types.clone_from(&new.grant_types);
        own.scope.clone_from(&new.scope);
        own.application_scope.clone_from(&new.application_scope);
        own.compat.clone_from(&new.compat);
        own.access_token_lifetime = new.access_token_lifetime;
    };
    let mut fit = client.clone();
    edit(&mut fit);
    if fit != *client {
        client::update(cx, &Actor::System, &client.id, Event::ClientUpdated, edit).await?;
    }
    Ok(())
}
