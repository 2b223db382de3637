//! `valetkey endpoint`: what a token needs at an API's endpoints.

use super::manage::Managed;
use super::output::{Answer, Column};
use super::values::{self, One};
use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use valetkey_core::ids::ApiId;
use valetkey_core::manage::endpoint as commands;
use valetkey_core::manage::endpoint::NewEndpoint;
use valetkey_core::route::Method;
use valetkey_core::scope::Scope;
use valetkey_core::store::EndpointRule;
use valetkey_core::time::Seconds;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Say what a token needs for a method and a path; as soon as an API has one rule, only what has a rule is let through
    Create(Create),
    /// Show all, or those of one API
    List(List),
    /// Delete one
    Delete(One),
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    #[arg(long, value_name = "ID")]
    api: String,
    /// GET (HEAD too), POST, PUT, PATCH, DELETE, OPTIONS, HEAD, or * for all
    #[arg(long, value_parser = values::method)]
    method: Method,
    /// Below the API's prefix, such as /things/{id} or /files/{*rest}
    #[arg(long, value_name = "TEMPLATE")]
    path: String,
    /// The scopes that a token must have, all of them; repeat for several
    #[arg(long, value_name = "SCOPES", value_parser = values::scope)]
    scope: Vec<Scope>,
    /// Only for users: an application's own token is refused
    #[arg(long)]
    user: bool,
    /// Only for users who proved who they are no longer ago (RFC 9470)
    #[arg(long, value_name = "SECONDS")]
    max_age: Option<u32>,
    /// Only for users authenticated so, by the names of `acr_values_supported`; repeat for several, of which one suffices
    #[arg(long, value_name = "VALUE")]
    acr: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    #[arg(long, value_name = "ID")]
    api: Option<String>,
}

const FIELDS: &[Column] = &[
    ("Id", "id"),
    ("API", "api"),
    ("Method", "method"),
    ("Path", "path"),
    ("Scopes", "scopes"),
    ("Users only", "user"),
    ("Signed in no longer ago, seconds", "max_age"),
    ("Authenticated so", "acr"),
];
const COLUMNS: &[Column] = &[
    ("id", "id"),
    ("api", "api"),
    ("method", "method"),
    ("path", "path"),
    ("scopes", "scopes"),
    ("users only", "user"),
];

pub(crate) async fn run(managed: &Managed, command: Command) -> Result<Answer> {
    let (cx, actor) = (&managed.cx, Managed::actor());
    match command {
        Command::Create(create) => {
            let scopes = values::union(&create.scope);
            let new = NewEndpoint {
                method: create.method,
                path: create.path,
                scopes,
                user: create.user,
                max_age: create.max_age.map(|age| Seconds(age.into())),
                acr: create.acr,
            };
            let api = ApiId::from(create.api);
            let rule = commands::create(cx, actor, &api, new).await?;
            Ok(Answer::one(to_json(&api, &rule), FIELDS))
        }
        Command::List(list) => {
            let all = commands::list(cx).await?;
            let wanted = |api: &ApiId| list.api.as_deref().is_none_or(|id| api.as_str() == id);
            let json =
                all.iter().filter(|(api, _)| wanted(api)).map(|(api, rule)| to_json(api, rule)).collect();
            Ok(Answer::Many { json, columns: COLUMNS, none: "No endpoint has a rule." })
        }
        Command::Delete(one) => {
            let api = commands::delete(cx, actor, &one.id.as_str().into()).await?;
            if api.endpoints.is_empty() {
                eprintln!("valetkey: {} has no rule left: any token for it is let through now", api.id);
            }
            Ok(Answer::done(&one.id, "Deleted"))
        }
    }
}

fn to_json(api: &ApiId, rule: &EndpointRule) -> Value {
    json!({
        "id": rule.id.as_str(),
        "api": api.as_str(),
        "method": rule.method.name(),
        "path": rule.path,
        "scopes": rule.scopes,
        "user": rule.user,
        "max_age": rule.max_age,
        "acr": rule.acr,
    })
}

/// A rule in one line.
pub(super) fn line(rule: &EndpointRule) -> String {
    let scopes = if rule.scopes.is_empty() { "any scope".to_owned() } else { rule.scopes.to_string() };
    let user = if rule.user { ", users only" } else { "" };
    format!("{} {}: {scopes}{user}", rule.method.name(), rule.path)
}
