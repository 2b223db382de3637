//! What the console offers, as JSON: the grants, and for those who are signed in applications, scopes and APIs.

use crate::cookie::Cookie;
use crate::extract::Call;
use serde::Serialize;
use valetkey_core::client::compat::Compat;
use valetkey_core::client::{AuthMethod, Client};
use valetkey_core::endpoint::discovery::path;
use valetkey_core::error::Fault;
use valetkey_core::grant::GrantType;
use valetkey_core::login::form_proof;
use valetkey_core::scope::Scope;
use valetkey_core::store::{Api, EndpointRule, Page, ScopeWords, Session};

/// The most applications that are listed; any other is used by its id.
const MOST: u32 = 200;

#[derive(Serialize)]
struct Answer<'a> {
    issuer: &'a str,
    redirect_uri: String,
    /// `valetkey dev`: whoever reaches it is on this machine.
    development: bool,
    person: Option<String>,
    csrf: Option<String>,
    endpoints: Endpoints,
    grants: Vec<Grant>,
    applications: Vec<Application<'a>>,
    scopes: Vec<Words<'a>>,
    apis: Vec<Offered<'a>>,
}

#[derive(Serialize)]
struct Endpoints {
    authorize: String,
    token: String,
    revoke: String,
    introspect: String,
    userinfo: String,
    jwks: String,
}

#[derive(Serialize)]
struct Grant {
    name: &'static str,
    /// Of a grant that RFC 9700 advises against.
    risk: Option<&'static str>,
}

#[derive(Serialize)]
struct Application<'a> {
    id: &'a str,
    name: &'a str,
    auth: &'static str,
    grants: Vec<&'static str>,
    /// Absent: whatever is registered here.
    scope: Option<&'a Scope>,
    /// Whether its answers may come to the console.
    allowed: bool,
    /// Whether this person may change that.
    own: bool,
    /// Of a demo client, whose secret everybody knows.
    secret: Option<&'a str>,
}

#[derive(Serialize)]
struct Words<'a> {
    name: &'a str,
    description: &'a str,
    standard: bool,
}

#[derive(Serialize)]
struct Offered<'a> {
    id: &'a str,
    name: &'a str,
    prefix: &'a str,
    resource: &'a str,
    scopes: &'a Scope,
    endpoints: Vec<Rule<'a>>,
}

#[derive(Serialize)]
struct Rule<'a> {
    method: &'static str,
    path: &'a str,
    scopes: &'a Scope,
    user: bool,
}

/// The document for the bearer of `session`.
pub(super) async fn of(call: &Call, session: Option<&Session>) -> Result<Vec<u8>, Fault> {
    let cx = &call.cx;
    let user = match session {
        Some(session) => cx.store.user(&session.user).await?,
        None => None,
    };
    let demo = call.app.demo.as_ref();
    let known = user.is_some() || demo.is_some();
    let owned = match session {
        Some(session) => cx.store.applications(&session.user).await?,
        None => Vec::new(),
    };
    let mut clients =
        if demo.is_some() { cx.store.clients(&Page::first(MOST)).await? } else { owned.clone() };
    clients.retain(|client| !client.disabled);
    let catalog = cx.catalog();
    let callback = cx.settings.url(path::CONSOLE);
    let url = |path| cx.settings.url(path);
    let answer = Answer {
        issuer: cx.settings.issuer(),
        development: demo.is_some(),
        csrf: match (&user, call.cookie(Cookie::Session)) {
            (Some(_), Some(cookie)) => Some(form_proof::make(cx, cookie)?),
            _ => None,
        },
        person: user.map(|user| user.username),
        endpoints: Endpoints {
            authorize: url(path::AUTHORIZE),
            token: url(path::TOKEN),
            revoke: url(path::REVOKE),
            introspect: url(path::INTROSPECT),
            userinfo: url(path::USERINFO),
            jwks: url(path::JWKS),
        },
        grants: GrantType::ALL.into_iter().map(grant).collect(),
        applications: clients
            .iter()
            .map(|client| {
                let own = owned.iter().any(|own| own.id == client.id);
                Application::of(client, &callback, own, demo.map_or(&[], |demo| &demo.secrets))
            })
            .collect(),
        scopes: catalog.scopes().filter(|words| known || words.standard).map(words).collect(),
        apis: catalog.apis().iter().filter(|_| known).map(offered).collect(),
        redirect_uri: callback.clone(),
    };
    serde_json::to_vec(&answer).map_err(|e| Fault::internal("encoding the console's data", e))
}

fn grant(grant: GrantType) -> Grant {
    Grant { name: grant.name(), risk: Compat::needed_for(grant).map(Compat::risk) }
}

fn words(words: &ScopeWords) -> Words<'_> {
    Words { name: &words.name, description: &words.description, standard: words.standard }
}

fn offered(api: &Api) -> Offered<'_> {
    Offered {
        id: api.id.as_str(),
        name: &api.name,
        prefix: &api.prefix,
        resource: &api.resource,
        scopes: &api.scopes,
        endpoints: api.endpoints.iter().map(rule).collect(),
    }
}

fn rule(rule: &EndpointRule) -> Rule<'_> {
    Rule { method: rule.method.name(), path: &rule.path, scopes: &rule.scopes, user: rule.user }
}

impl<'a> Application<'a> {
    fn of(client: &'a Client, callback: &str, own: bool, secrets: &'a [(String, String)]) -> Self {
        let may = |grant: &GrantType| {
            client.allows(*grant) && Compat::needed_for(*grant).is_none_or(|opt_in| client.has(opt_in))
        };
        let auth = AuthMethod::ALL.into_iter().find(|(_, method)| *method == client.auth_method);
        let secret = secrets.iter().find(|(id, _)| id == client.id.as_str());
        Self {
            id: client.id.as_str(),
            name: &client.name,
            auth: auth.map_or("none", |(name, _)| name),
            grants: GrantType::ALL.into_iter().filter(may).map(GrantType::name).collect(),
            scope: client.scope.as_ref(),
            allowed: client.redirect_uris.iter().any(|uri| uri == callback),
            own,
            secret: secret.map(|(_, secret)| secret.as_str()),
        }
    }
}
