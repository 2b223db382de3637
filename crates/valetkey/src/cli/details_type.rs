//! `valetkey authorization-details-type`: what applications can ask for beyond scopes (RFC 9396), in words.

use super::manage::Managed;
use super::output::{Answer, Column};
use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use valetkey_core::applied::DetailsType;
use valetkey_core::manage::details_type as commands;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Register a type, or replace it
    Create(Create),
    /// Show all
    List,
    /// Show one
    Show(One),
    /// Delete one; what was agreed before stays
    Delete(One),
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// `type`, such as `payment_initiation`
    #[arg(value_name = "TYPE")]
    name: String,
    /// What it lets an application do, as people read it; `{amount.value}` stands for what is asked
    #[arg(long, value_name = "TEXT")]
    description: String,
    /// The API that it means something to
    #[arg(long, value_name = "ID")]
    api: Option<String>,
    /// A member that may stand in one (repeatable); none: the common ones of RFC 9396
    #[arg(long = "field", value_name = "NAME")]
    fields: Vec<String>,
    /// A member that must (repeatable)
    #[arg(long = "required", value_name = "NAME")]
    required: Vec<String>,
    /// What a member may say, such as `actions=read,write` (repeatable)
    #[arg(long = "values", value_name = "NAME=A,B")]
    values: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct One {
    #[arg(value_name = "TYPE")]
    name: String,
}

const FIELDS: &[Column] = &[
    ("Type", "type"),
    ("Description", "description"),
    ("API", "api"),
    ("Fields", "fields"),
    ("Required", "required"),
    ("Values", "values"),
];
const COLUMNS: &[Column] = &[("type", "type"), ("description", "description"), ("api", "api")];

pub(crate) async fn run(managed: &Managed, command: Command) -> Result<Answer> {
    let (cx, actor) = (&managed.cx, Managed::actor());
    let own = match command {
        Command::Create(create) => commands::set(cx, &actor, wanted(create)?).await?,
        Command::List => {
            let json = commands::list(cx).iter().map(to_json).collect();
            return Ok(Answer::Many { json, columns: COLUMNS, none: "There are no types." });
        }
        Command::Show(one) => {
            let found = commands::list(cx).into_iter().find(|own| own.name == one.name);
            found.with_context(|| format!("there is no type `{}`", one.name))?
        }
        Command::Delete(one) => {
            commands::delete(cx, &actor, &one.name).await?;
            return Ok(Answer::done(&one.name, "Deleted"));
        }
    };
    Ok(Answer::one(to_json(&own), FIELDS))
}

fn wanted(create: Create) -> Result<DetailsType> {
    let value = |text: &String| {
        let (name, values) = text.split_once('=').with_context(|| format!("{text} is not NAME=A,B"))?;
        Ok((name.to_owned(), values.split(',').map(str::to_owned).collect()))
    };
    Ok(DetailsType {
        name: create.name,
        description: create.description,
        api: create.api.map(Into::into),
        fields: create.fields,
        required: create.required,
        values: create.values.iter().map(value).collect::<Result<BTreeMap<_, _>>>()?,
    })
}

fn to_json(own: &DetailsType) -> Value {
    let mut json = json!(own);
    json["id"] = own.name.as_str().into();
    json
}
