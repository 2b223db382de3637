//! `valetkey session`: where users are signed in.

use super::manage::Managed;
use super::output::{Answer, Column};
use super::tenant::Within;
use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use valetkey_core::context::Context;
use valetkey_core::ids::{SessionId, UserId};
use valetkey_core::manage::{session as commands, user};
use valetkey_core::store::{Page, Session};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show sessions, a user's newest first
    List(List),
    /// End one session, or all of a user's
    Revoke(Revoke),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Id or user name [default: everybody's]
    #[arg(long)]
    user: Option<String>,
    #[command(flatten)]
    within: Within,
}

#[derive(Debug, Args)]
pub(crate) struct Revoke {
    /// The session's id
    #[arg(required_unless_present = "user", conflicts_with = "user")]
    id: Option<String>,
    /// Id or user name: all of that user's
    #[arg(long)]
    user: Option<String>,
    #[command(flatten)]
    within: Within,
}

const COLUMNS: &[Column] = &[
    ("id", "id"),
    ("user", "user"),
    ("address", "address"),
    ("browser", "user_agent"),
    ("signed in", "auth_time"),
    ("last seen", "last_seen_at"),
];

pub(crate) async fn run(managed: &Managed, command: Command) -> Result<Answer> {
    let (cx, actor) = (&managed.cx, Managed::actor());
    match command {
        Command::List(list) => {
            let (json, none) = match list.user {
                Some(user) => {
                    let user = user::find(cx, &list.within.tenant(), &user).await?;
                    (of_user(cx, &user.id).await?, "This user is signed in nowhere.")
                }
                None => (of_everybody(cx).await?, "Nobody is signed in."),
            };
            Ok(Answer::Many { json, columns: COLUMNS, none })
        }
        Command::Revoke(Revoke { user: Some(user), within, .. }) => {
            let user = user::find(cx, &within.tenant(), &user).await?;
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

async fn of_user(cx: &Context, user: &UserId) -> Result<Vec<Value>> {
    Ok(cx.store.sessions(user, cx.now).await?.iter().map(to_json).collect())
}

async fn of_everybody(cx: &Context) -> Result<Vec<Value>> {
    let (mut json, mut page) = (Vec::new(), Page::first(500));
    loop {
        let users = cx.store.users(None, &page).await?;
        for user in &users {
            json.append(&mut of_user(cx, &user.id).await?);
        }
        match users.last() {
            Some(last) if users.len() == 500 => page.after = Some(last.id.to_string()),
            _ => return Ok(json),
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
