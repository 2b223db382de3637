//! `valetkey approval`: what waits for a person's answer, and answering in that person's name.

use super::manage::Managed;
use super::output::{Answer, Column};
use super::tenant::Within;
use super::values;
use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use valetkey_core::approval::{self, Waiting};
use valetkey_core::authorize::device;
use valetkey_core::directory::User;
use valetkey_core::manage::approval::Yes;
use valetkey_core::manage::{approval as commands, user};
use valetkey_core::scope::Scope;
use valetkey_core::store::ApprovalState;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show what waits for somebody
    List(List),
    /// Allow a request in the name of its user, for tests and scripts
    Approve(Approve),
    /// Deny a request in the name of its user
    Deny(Deny),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Id or user name
    #[arg(long)]
    user: String,
    #[command(flatten)]
    within: Within,
}

#[derive(Debug, Args)]
pub(crate) struct Which {
    /// The request's id, its `auth_req_id` or `device_code`, or the code that a device shows
    id: String,
    /// Who answers: id or user name; needed for a device, which names nobody
    #[arg(long)]
    user: Option<String>,
    #[command(flatten)]
    within: Within,
}

#[derive(Debug, Args)]
pub(crate) struct Approve {
    #[command(flatten)]
    which: Which,
    /// Only these of what was asked for [default: all]
    #[arg(long, value_name = "SCOPES", value_parser = values::scope)]
    scope: Option<Scope>,
    /// You saw the user prove who they are just now, in this way: one of the `acr_values_supported` [default: tokens say
    /// nothing of when and how]
    #[arg(long, value_name = "ACR")]
    acr: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Deny {
    #[command(flatten)]
    which: Which,
}

const COLUMNS: &[Column] = &[
    ("Id", "id"),
    ("Application", "client_id"),
    ("Scope", "scope"),
    ("Message", "binding_message"),
    ("State", "state"),
    ("Until", "expires_at"),
];

pub(crate) async fn run(managed: &Managed, command: Command) -> Result<Answer> {
    let cx = &managed.cx;
    match command {
        Command::List(list) => {
            let user = user::find(cx, &list.within.tenant(), &list.user).await?;
            let waiting = commands::of_user(cx, &user).await?;
            let json = waiting.iter().map(shown).collect();
            Ok(Answer::Many { json, columns: COLUMNS, none: "Nothing waits for this user." })
        }
        Command::Approve(Approve { which, scope, acr }) => {
            let (waiting, user) = found(managed, &which).await?;
            let asked = &waiting.pending.request.scope;
            let granted =
                scope.map_or_else(|| asked.clone(), |scope| asked.filter(|name| scope.contains(name)));
            let yes = Yes { scope: &granted, acr: acr.as_deref() };
            commands::decide(cx, &waiting, &user, Some(yes)).await?;
            answer(managed, &waiting).await
        }
        Command::Deny(Deny { which }) => {
            let (waiting, user) = found(managed, &which).await?;
            commands::decide(cx, &waiting, &user, None).await?;
            answer(managed, &waiting).await
        }
    }
}

async fn found(managed: &Managed, which: &Which) -> Result<(Waiting, User)> {
    let cx = &managed.cx;
    let waiting = match device::by_code(cx, &which.id).await? {
        Some(waiting) => waiting,
        None => commands::find(cx, &which.id).await?,
    };
    let user = match (&which.user, &waiting.row.user) {
        (Some(name), _) => user::find(cx, &which.within.tenant(), name).await?,
        (None, Some(id)) => user::find(cx, &waiting.pending.request.tenant, id.as_str()).await?,
        (None, None) => bail!("a device names nobody: say who answers with --user"),
    };
    Ok((waiting, user))
}

async fn answer(managed: &Managed, waiting: &Waiting) -> Result<Answer> {
    let now = approval::of(&managed.cx, waiting.row.id).await?;
    Ok(Answer::one(shown(now.as_ref().unwrap_or(waiting)), COLUMNS))
}

fn shown(waiting: &Waiting) -> Value {
    let Waiting { row, pending } = waiting;
    json!({
        "id": row.id.to_string(),
        "client_id": row.client,
        "user": row.user,
        "scope": pending.request.scope.to_string(),
        "binding_message": pending.binding_message,
        "state": match row.state {
            ApprovalState::Waiting => "waiting",
            ApprovalState::Allowed(_) => "allowed",
            ApprovalState::Denied => "denied",
        },
        "created_at": row.created_at,
        "expires_at": row.expires_at,
    })
}
