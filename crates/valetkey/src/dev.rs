//! What `valetkey dev` puts into a fresh store: a user, applications and scopes that are the same on every machine.

pub(crate) mod echo;
mod greeting;
pub(crate) mod preset;

pub(crate) use greeting::greet;
pub(crate) use preset::{Chosen, Person};

use anyhow::{Context as _, Result, anyhow};
use valetkey_core::audit::{Actor, Event};
use valetkey_core::client::{AuthMethod, Client};
use valetkey_core::context::Context;
use valetkey_core::grant::GrantType;
use valetkey_core::ids::{ApiId, ClientId};
use valetkey_core::manage::ManageError;
use valetkey_core::manage::api;
use valetkey_core::manage::client::{self, NewClient};
use valetkey_core::manage::scope;
use valetkey_core::route::Method;
use valetkey_core::scope::Scope;
use valetkey_core::secret::Secret;
use valetkey_core::settings::path;
use valetkey_core::store::{Api, EndpointRule, ScopeWords};
use valetkey_web::app::Demo;

pub(crate) const USERNAME: &str = "alice";
pub(crate) const PASSWORD: &str = "alice-in-wonderland-1865";
pub(crate) const WEB: (&str, &str) = ("demo-web", "demo-web-secret-for-development-only");
pub(crate) const SPA: &str = "demo-spa";
pub(crate) const SERVICE: (&str, &str) = ("demo-service", "demo-service-secret-for-development-only");
/// The same at every start, so that a link printed earlier can still be finished.
const CODE_VERIFIER: &str = "verifier-of-valetkey-dev-which-is-no-secret-at-all";
/// The protected API, and its place.
const API: &str = "demo-api";
const PREFIX: &str = "/demo";
const EVERYTHING: &str = "openid profile email offline_access read write";

/// What is there to try things with.
#[derive(Debug, Clone)]
pub(crate) struct Seeded {
    pub(crate) demo: Demo,
    pub(crate) people: Vec<Person>,
    pub(crate) presets: Vec<String>,
}

/// Applies the presets, then makes what is missing; what is there stays as somebody may have changed it.
pub(crate) async fn seed(cx: &Context, upstream: &str, mut chosen: Chosen) -> Result<Seeded> {
    if !chosen.names.is_empty() {
        preset::furnish(cx, &mut chosen, upstream).await?;
    }
    let people = preset::people(cx, &chosen).await?;
    let demo = applications(cx, upstream, !chosen.names.is_empty()).await?;
    Ok(Seeded { demo, people, presets: chosen.names })
}

/// The demo applications and their API. `fit`: they are as the presets would have them registered.
async fn applications(cx: &Context, upstream: &str, fit: bool) -> Result<Demo> {
    for (name, description) in [("read", "See your things"), ("write", "Change your things")] {
        let words = ScopeWords {
            name: name.to_owned(),
            description: description.to_owned(),
            detail: String::new(),
            default: false,
            standard: false,
        };
        unless_there(scope::create(cx, Actor::System, words).await)?;
    }
    let callback = cx.settings.url("/dev/callback");
    let console = cx.settings.url(path::CONSOLE);
    let redirect_uris = vec![callback.clone(), console, "http://127.0.0.1/callback".to_owned()];
    let everything = Scope::parse(EVERYTHING).context("the demo's scope")?;
    let app = |id: &str, secret: Option<&str>, name: &str| NewClient {
        id: Some(id.to_owned()),
        secret: secret.map(Secret::new),
        name: name.to_owned(),
        redirect_uris: redirect_uris.clone(),
        scope: Some(everything.clone()),
        auth_method: secret.is_none().then_some(AuthMethod::None),
        ..NewClient::default()
    };
    let web = NewClient {
        description: "A web application of the demo".to_owned(),
        ..app(WEB.0, Some(WEB.1), "Demo Web")
    };
    let spa = NewClient {
        description: "A browser application of the demo".to_owned(),
        ..app(SPA, None, "Demo SPA")
    };
    let service = NewClient {
        redirect_uris: Vec::new(),
        grant_types: vec![GrantType::ClientCredentials],
        scope: Some(["read", "write"].into_iter().collect()),
        ..app(SERVICE.0, Some(SERVICE.1), "Demo Service")
    };
    for new in [web, spa, service] {
        client(cx, new, fit).await?;
    }
    protected(cx, upstream).await?;
    Ok(Demo {
        client_id: WEB.0.to_owned(),
        client_secret: WEB.1.to_owned(),
        redirect_uri: callback,
        secrets: [WEB, SERVICE].map(|(id, secret)| (id.to_owned(), secret.to_owned())).to_vec(),
        code_verifier: CODE_VERIFIER.to_owned(),
    })
}

/// An API that knows nothing of OAuth. Where it listens changes from start to start.
async fn protected(cx: &Context, upstream: &str) -> Result<()> {
    let (id, resource) = (ApiId::from(API), cx.settings.url(PREFIX));
    let here = |api: &mut Api| {
        upstream.clone_into(&mut api.upstream);
        api.resource.clone_from(&resource);
    };
    if cx.store.apis().await?.iter().any(|api| api.id == id) {
        api::update(cx, Actor::System, &id, here).await?;
        return Ok(());
    }
    let mut new = Api {
        name: "Demo API".to_owned(),
        prefix: PREFIX.to_owned(),
        scopes: ["read", "write"].into_iter().collect(),
        ..Api::new(id.clone(), "", cx.now)
    };
    here(&mut new);
    for (method, scope) in [(Method::Get, "read"), (Method::Post, "write")] {
        let id = format!("ep_{}", cx.new_id()).into();
        let scopes = Scope::from_iter([scope]);
        new.endpoints.push(EndpointRule {
            id,
            method,
            path: "/{*rest}".to_owned(),
            scopes,
            user: false,
            max_age: None,
            acr: Vec::new(),
        });
    }
    unless_there(api::create(cx, Actor::System, new).await)
}

/// Makes a client, or gives one of an earlier start the callback of this one: the port may have changed.
async fn client(cx: &Context, new: NewClient, fit: bool) -> Result<()> {
    let new = if fit { preset::fitted(&cx.in_force().applied.registration, new) } else { new };
    let id = ClientId::from(new.id.clone().ok_or_else(|| anyhow!("a demo client has an id"))?);
    let Some(before) = cx.store.client(&id).await? else {
        return unless_there(client::create(cx, Actor::System, new).await);
    };
    if fit {
        preset::refit(cx, &before, &new).await?;
    }
    if new.redirect_uris.iter().all(|uri| before.redirect_uris.contains(uri)) {
        return Ok(());
    }
    let edit = |client: &mut Client| {
        let missing: Vec<_> =
            new.redirect_uris.iter().filter(|uri| !client.redirect_uris.contains(uri)).cloned().collect();
        let moved = |uri: &String| uri.ends_with("/dev/callback") || uri.ends_with(path::CONSOLE);
        client.redirect_uris.retain(|uri| !moved(uri) || new.redirect_uris.contains(uri));
        client.redirect_uris.extend(missing);
    };
    client::update(cx, &Actor::System, &id, Event::ClientUpdated, edit).await?;
    Ok(())
}

fn unless_there<T>(made: Result<T, ManageError>) -> Result<()> {
    match made {
        Ok(_) | Err(ManageError::Exists(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
