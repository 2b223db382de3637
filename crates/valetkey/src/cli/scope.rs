//! `valetkey scope`: what applications can ask for, in words.

use super::manage::Managed;
use super::output::{Answer, Column};
use anyhow::{Context as _, Result};
use clap::{ArgAction, Args, Subcommand};
use serde_json::{Value, json};
use valetkey_core::manage::scope as commands;
use valetkey_core::store::ScopeWords;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Register a scope
    Create(Create),
    /// Show all, the standard ones too
    List,
    /// Show one
    Show(One),
    /// Change its words
    Update(Update),
    /// Delete its words; only clients registered for it by name can still ask for it
    Delete(One),
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Such as `read` or `photos.write`
    name: String,
    /// What it lets an application do, as people read it: "See your photos"
    #[arg(long, value_name = "TEXT")]
    description: String,
    /// A second, smaller line
    #[arg(long, value_name = "TEXT")]
    detail: Option<String>,
    /// Given when a request asks for no scope at all
    #[arg(long)]
    default: bool,
}

#[derive(Debug, Args)]
pub(crate) struct One {
    name: String,
}

#[derive(Debug, Args)]
pub(crate) struct Update {
    name: String,
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    #[arg(long, value_name = "TEXT")]
    detail: Option<String>,
    #[arg(long, value_name = "true|false", action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    default: Option<bool>,
}

const FIELDS: &[Column] = &[
    ("Name", "name"),
    ("Description", "description"),
    ("Detail", "detail"),
    ("By default", "default"),
    ("Built in", "standard"),
];
const COLUMNS: &[Column] =
    &[("name", "name"), ("description", "description"), ("default", "default"), ("built in", "standard")];

pub(crate) async fn run(managed: &Managed, command: Command) -> Result<Answer> {
    let (cx, actor) = (&managed.cx, Managed::actor());
    let scope = match command {
        Command::Create(create) => {
            let scope = ScopeWords {
                name: create.name,
                description: create.description,
                detail: create.detail.unwrap_or_default(),
                default: create.default,
                standard: false,
            };
            commands::create(cx, actor, scope).await?
        }
        Command::List => {
            let json = cx.catalog().scopes().map(to_json).collect();
            return Ok(Answer::Many { json, columns: COLUMNS, none: "There are no scopes." });
        }
        Command::Show(one) => known(managed, &one.name)?,
        Command::Update(update) => {
            let mut scope = known(managed, &update.name)?;
            scope.description = update.description.unwrap_or(scope.description);
            scope.detail = update.detail.unwrap_or(scope.detail);
            scope.default = update.default.unwrap_or(scope.default);
            commands::update(cx, actor, scope).await?
        }
        Command::Delete(one) => {
            commands::delete(cx, actor, &one.name).await?;
            return Ok(Answer::done(&one.name, "Deleted"));
        }
    };
    Ok(Answer::one(to_json(&scope), FIELDS))
}

fn known(managed: &Managed, name: &str) -> Result<ScopeWords> {
    managed.cx.catalog().scope(name).cloned().with_context(|| format!("there is no scope `{name}`"))
}

fn to_json(scope: &ScopeWords) -> Value {
    json!({
        "id": scope.name,
        "name": scope.name,
        "description": scope.description,
        "detail": scope.detail,
        "default": scope.default,
        "standard": scope.standard,
    })
}
