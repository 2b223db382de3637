//! `valetkey session`: where users are signed in.

use super::manage::Managed;
use super::output::{Answer, Column};
use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use valetkey_core::ids::{SessionId, TenantId};
use valetkey_core::manage::{session as commands, user};
use valetkey_core::store::Session;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show a user's sessions, newest first
    List(List),
    /// End one session, or all of a user's
    Revoke(Revoke),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Id or user name
    #[arg(long)]
    user: String,
}

#[derive(Debug, Args)]
pub(crate) struct Revoke {
    /// The session's id
    #[arg(required_unless_present = "user", conflicts_with = "user")]
    id: Option<String>,
    /// Id or user name: all of that user's
    #[arg(long)]
    user: Option<String>,
}

const COLUMNS: &[Column] = &[
    ("id", "id"),
    ("address", "address"),
    ("browser", "user_agent"),
    ("signed in", "auth_time"),
    ("last seen", "last_seen_at"),
];

pub(crate) async fn run(managed: &Managed, command: Command) -> Result<Answer> {
    let (cx, actor) = (&managed.cx, Managed::actor());
    match command {
        Command::List(list) => {
            let user = user::find(cx, &TenantId::default(), &list.user).await?;
            let json = cx.store.sessions(&user.id, cx.now).await?.iter().map(to_json).collect();
            Ok(Answer::Many { json, columns: COLUMNS, none: "This user is signed in nowhere." })
        }
        Command::Revoke(Revoke { user: Some(user), .. }) => {
            let user = user::find(cx, &TenantId::default(), &user).await?;
            let ended = commands::end_all(cx, actor, &user.id, None).await?;
            let text = format!("Ended {ended} {}.\n", if ended == 1 { "session" } else { "sessions" });
            Ok(Answer::Text { json: json!({"id": user.id, "ended": ended}), text })
        }
        Command::Revoke(Revoke { id, .. }) => {
            let id = id.unwrap_or_default();
            let session: SessionId =
                id.parse().with_context(|| format!("`{id}` is no session's id: see `session list`"))?;
            commands::end(cx, actor, session).await?;
            Ok(Answer::done(&id, "Ended"))
        }
    }
}

fn to_json(session: &Session) -> Value {
    json!({
        "id": session.id.to_string(),
        "user": session.user,
        "tenant": session.tenant,
        "auth_time": session.auth_time,
        "amr": session.amr,
        "address": session.address,
        "user_agent": session.user_agent,
        "created_at": session.created_at,
        "last_seen_at": session.last_seen_at,
        "expires_at": session.expires_at,
    })
}
