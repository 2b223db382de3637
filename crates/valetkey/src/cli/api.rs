//! `valetkey api`: resource servers, the form of their tokens, and what a reverse proxy needs to know of them.

mod snippet;

use super::manage::Managed;
use super::output::{Answer, Column};
use super::values::{self, One};
use anyhow::{Result, bail};
use clap::{ArgAction, Args, Subcommand};
use serde_json::Value;
use snippet::Proxy;
use valetkey_core::ids::ApiId;
use valetkey_core::jose::SigningAlgorithm;
use valetkey_core::manage::api as commands;
use valetkey_core::scope::Scope;
use valetkey_core::store::{Api, TokenFormat};
use valetkey_core::time::Seconds;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Register an API
    Create(Create),
    /// Show all
    List,
    /// Show one, or the configuration of a reverse proxy that asks before each request
    Show(Show),
    /// Change what is given
    Update(Update),
    /// Delete: no more tokens for it
    Delete(One),
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    id: String,
    /// Print what nginx, Traefik, Caddy or Envoy needs to ask Valetkey before each request
    #[arg(long, value_name = "nginx|traefik|caddy|envoy", value_parser = snippet::proxy)]
    snippet: Option<Proxy>,
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    #[arg(long)]
    id: String,
    #[arg(long)]
    name: String,
    #[command(flatten)]
    details: Details,
}

#[derive(Debug, Args)]
pub(crate) struct Update {
    id: String,
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    details: Details,
}

#[derive(Debug, Args)]
pub(crate) struct Details {
    /// Its path on the public listener, such as /photos
    #[arg(long, value_name = "PATH")]
    prefix: Option<String>,
    /// Where its requests go
    #[arg(long, value_name = "URL")]
    upstream: Option<String>,
    /// Its resource indicator and the audience of its tokens [default: issuer and prefix]
    #[arg(long, value_name = "URI")]
    resource: Option<String>,
    /// The scopes that mean something to it; repeat for several [default: any]
    #[arg(long, value_name = "SCOPES", value_parser = values::scope)]
    scope: Vec<Scope>,
    /// sealed: only Valetkey reads it; jwt: RFC 9068
    #[arg(long, value_name = "sealed|jwt", value_parser = values::token_format)]
    token_format: Option<TokenFormat>,
    /// EdDSA, ES256 or RS256, where the format is jwt
    #[arg(long, value_name = "ALGORITHM", value_parser = values::signing_algorithm)]
    signing_alg: Option<SigningAlgorithm>,
    /// Such as 10m or 1h [default: the server's]
    #[arg(long, value_name = "DURATION", value_parser = values::seconds)]
    access_token_lifetime: Option<Seconds>,
    /// query_access_token: the token may come in the query or a form body, where logs may keep it; `none` takes it back
    #[arg(long, value_name = "FLAG", value_parser = ["query_access_token", "none"])]
    compat: Vec<String>,
    /// Send the access token on to the upstream too
    #[arg(long, value_name = "true|false", action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    pass_token: Option<bool>,
    /// Browser mode: people who open it in a browser sign in here and come back with a session, without any token
    #[arg(long, value_name = "true|false", action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    browser: Option<bool>,
    /// What such a session may do; repeat for several [default: all scopes of the API]
    #[arg(long, value_name = "SCOPES", value_parser = values::scope)]
    browser_scope: Vec<Scope>,
    /// Scripts of this origin may call it, such as https://app.example; repeat for several, `*` for any, `none` for nobody
    #[arg(long, value_name = "ORIGIN")]
    cors_origin: Vec<String>,
}

const FIELDS: &[Column] = &[
    ("Id", "id"),
    ("Name", "name"),
    ("Prefix", "prefix"),
    ("Upstream", "upstream"),
    ("Resource", "resource"),
    ("Scopes", "scopes"),
    ("Token format", "token_format"),
    ("Signed by", "signing_alg"),
    ("Token lifetime", "access_token_lifetime"),
    ("Endpoints", "endpoints"),
    ("Token in query", "query_access_token"),
    ("Token passed on", "pass_token"),
    ("Browser mode", "browser"),
    ("In a browser", "browser_scope"),
    ("Other origins", "cors_origins"),
    ("Created", "created_at"),
    ("Changed", "updated_at"),
];
const COLUMNS: &[Column] = &[
    ("id", "id"),
    ("name", "name"),
    ("prefix", "prefix"),
    ("upstream", "upstream"),
    ("resource", "resource"),
    ("scopes", "scopes"),
    ("tokens", "token_format"),
    ("signed by", "signing_alg"),
];

pub(crate) async fn run(managed: &Managed, command: Command, as_json: bool) -> Result<Answer> {
    let (cx, actor) = (&managed.cx, Managed::actor());
    let api = match command {
        Command::Create(create) => {
            let api = new(managed, create)?;
            commands::create(cx, actor, api).await?
        }
        Command::List => {
            let json = cx.store.apis().await?.iter().map(serde_json::to_value).collect::<Result<_, _>>()?;
            return Ok(Answer::Many { json, columns: COLUMNS, none: "No APIs are registered." });
        }
        Command::Show(show) => {
            let api = commands::show(cx, &show.id.into()).await?;
            if let Some(proxy) = show.snippet {
                return snippet::of(&api, proxy, cx.settings.issuer());
            }
            api
        }
        Command::Update(update) => {
            let id = ApiId::from(update.id);
            commands::update(cx, actor, &id, |api| {
                if let Some(name) = update.name {
                    api.name = name;
                }
                apply(update.details, api);
            })
            .await?
        }
        Command::Delete(one) => {
            commands::delete(cx, actor, &one.id.as_str().into()).await?;
            return Ok(Answer::done(&one.id, "Deleted"));
        }
    };
    let mut json = to_json(&api)?;
    if !as_json {
        json["endpoints"] = api.endpoints.iter().map(super::endpoint::line).collect();
    }
    Ok(Answer::one(json, FIELDS))
}

/// A sealed token is signed by nobody; rules are told in one line each for people, whole for programs.
fn to_json(api: &Api) -> Result<Value> {
    let mut json = serde_json::to_value(api)?;
    if api.token_format == TokenFormat::Sealed
        && let Some(members) = json.as_object_mut()
    {
        members.remove("signing_alg");
    }
    Ok(json)
}

fn new(managed: &Managed, create: Create) -> Result<Api> {
    let resource = match (&create.details.resource, &create.details.prefix) {
        (Some(resource), _) => resource.clone(),
        (None, Some(prefix)) => managed.cx.settings.url(prefix),
        (None, None) => bail!("give --resource or --prefix: tokens for this API name it"),
    };
    let mut api = Api { name: create.name, ..Api::new(create.id, resource, managed.cx.now) };
    apply(create.details, &mut api);
    Ok(api)
}

fn apply(details: Details, api: &mut Api) {
    if !details.scope.is_empty() {
        api.scopes = values::union(&details.scope);
    }
    api.prefix = details.prefix.unwrap_or_else(|| std::mem::take(&mut api.prefix));
    api.upstream = details.upstream.unwrap_or_else(|| std::mem::take(&mut api.upstream));
    api.resource = details.resource.unwrap_or_else(|| std::mem::take(&mut api.resource));
    api.token_format = details.token_format.unwrap_or(api.token_format);
    api.signing_alg = details.signing_alg.unwrap_or(api.signing_alg);
    api.access_token_lifetime = details.access_token_lifetime.or(api.access_token_lifetime);
    if let Some(last) = details.compat.last() {
        api.query_access_token = last == "query_access_token";
    }
    api.pass_token = details.pass_token.unwrap_or(api.pass_token);
    api.browser = details.browser.unwrap_or(api.browser);
    if !details.browser_scope.is_empty() {
        api.browser_scope = Some(values::union(&details.browser_scope));
    }
    if !details.cors_origin.is_empty() {
        api.cors_origins = details.cors_origin;
        api.cors_origins.retain(|origin| origin != "none");
    }
}
