//! `/developer/apps/{id}`: one application.

use super::super::respond::{app, drawn, person};
use super::super::view::developer::{
    Application, CallbackRow, FailureRow, Fresh, OptIn, Scope, SecretForm, SecretRow,
};
use super::super::view::{Destination, Href, When};
use super::{csrf, done, home, owned, snippets, state, visitor, words};
use crate::cookie::Cookie;
use crate::extract::Call;
use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use std::collections::HashMap;
use valetkey_core::client::noted::Failure;
use valetkey_core::client::{Client, ClientSecret};
use valetkey_core::directory::User;
use valetkey_core::error::Fault;
use valetkey_core::login::draft;
use valetkey_core::manage::portal::{self, MOST_SECRETS};
use valetkey_core::settings::path;

/// What stands on the page beside what the application is.
#[derive(Default)]
pub(super) struct Beside {
    pub(super) fresh: Option<Fresh>,
    pub(super) problem: Option<String>,
    /// What was typed for a new secret, and why there is none.
    pub(super) secret: Option<(String, String)>,
}

pub(crate) async fn get(Path(id): Path<String>, call: Call) -> Response {
    let user = match visitor(&call, &home(&id)).await {
        Ok(user) => user,
        Err(response) => return response,
    };
    match owned(&call, &user, &id).await {
        Ok(client) => draw(&call, &user, &client, StatusCode::OK, Beside::default()).await,
        Err(response) => response,
    }
}

/// The page with credentials that are shown this once.
pub(super) async fn show_fresh(call: &Call, user: &User, client: &Client, fresh: Fresh) -> Response {
    let beside = Beside { fresh: Some(fresh), ..Beside::default() };
    draw(call, user, client, StatusCode::OK, beside).await
}

pub(super) async fn draw(
    call: &Call,
    user: &User,
    client: &Client,
    status: StatusCode,
    beside: Beside,
) -> Response {
    drawn(call, status, view(call, user, client, beside).await)
}

async fn view(call: &Call, user: &User, client: &Client, beside: Beside) -> Result<Application, Fault> {
    let cx = &call.cx;
    let overview = portal::overview(cx, client).await?;
    let last_used: HashMap<_, _> = overview.uses.into_iter().collect();
    let fresh = beside.fresh.as_ref().map(|fresh| fresh.name.as_str());
    let secret = |own: &ClientSecret| SecretRow {
        id: own.id.to_string(),
        name: if own.name.is_empty() { "secret".to_owned() } else { own.name.clone() },
        created: When::new(own.created_at, cx.now),
        last_used: last_used.get(&own.id).map(|at| When::new(*at, cx.now)),
        expires: own.expires_at.filter(|at| *at > cx.now).map(|at| When::new(at, cx.now)),
        expired: !own.is_live(cx.now),
        fresh: fresh == Some(own.name.as_str()),
    };
    Ok(Application {
        csrf: csrf(call)?,
        person: person(user),
        console: call.app.console,
        home: Href::local(&home(client.id.as_str())).unwrap_or_else(Href::root),
        id: client.id.to_string(),
        app: app(client),
        kind: words::kind(client).0,
        description: client.description.clone(),
        state: state(client),
        done: done(call).filter(|_| beside.fresh.is_none()),
        problem: beside.problem,
        by_secret: client.auth_method.is_by_secret(),
        secrets: client.secrets.iter().map(secret).collect(),
        new_secret: secret_form(call, client, beside.secret)?,
        callbacks: client.redirect_uris.iter().map(|uri| callback(uri)).collect(),
        issuer: cx.settings.issuer().to_owned(),
        sample: snippets::sample(cx, client),
        try_it: Href::local(&format!("{}?client={}", path::CONSOLE, client.id)).filter(|_| call.app.console),
        snippets: snippets::of(cx, client),
        users: words::number(overview.audience.users),
        grants: words::number(overview.audience.grants),
        failures: overview.failures.into_iter().map(|failure| failure_row(call, failure)).collect(),
        may: may(call, client),
        grant_types: client.grant_types.iter().map(|grant| grant.name()).collect(),
        opt_ins: client.compat.iter().map(|own| OptIn { name: own.name(), risk: own.risk() }).collect(),
        fresh: beside.fresh,
    })
}

fn secret_form(call: &Call, client: &Client, typed: Option<(String, String)>) -> Result<SecretForm, Fault> {
    let cookie = call.cookie(Cookie::Session).unwrap_or_default();
    let live = client.secrets.iter().filter(|own| own.is_live(call.cx.now)).count();
    let (name, error) = typed.map_or_else(Default::default, |(name, error)| (name, Some(error)));
    Ok(SecretForm { draft: draft::make(&call.cx, cookie)?, name, error, full: live >= MOST_SECRETS })
}

fn callback(uri: &str) -> CallbackRow {
    let scheme = matches!(Destination::of(uri), Some(Destination::Scheme { .. }));
    let any_port = ["http://127.0.0.1", "http://[::1]"].iter().any(|host| uri.starts_with(host));
    CallbackRow { uri: uri.to_owned(), any_port, scheme }
}

/// What it may ask for; an application that may ask for everything is told what there is.
fn may(call: &Call, client: &Client) -> Vec<Scope> {
    let catalog = call.cx.catalog();
    let own = catalog.scopes().filter(|words| client.may_ask_for(&words.name));
    own.map(|words| Scope { name: words.name.clone(), words: words.description.clone() }).collect()
}

fn failure_row(call: &Call, failure: Failure) -> FailureRow {
    FailureRow {
        advice: words::advice(&failure.endpoint, &failure.code, &failure.detail),
        last: When::new(failure.last_at, call.cx.now),
        detail: words::sentence(&failure.detail),
        endpoint: failure.endpoint,
        code: failure.code,
        hint: failure.hint,
        count: failure.count,
    }
}
