//! `valetkey grant`: what users let applications do.

use super::manage::Managed;
use super::output::{Answer, Column};
use super::tenant::Within;
use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use valetkey_core::ids::{ClientId, GrantId};
use valetkey_core::manage::{consent, grant as commands, user};
use valetkey_core::store::{Consent, Grant, GrantFilter, Page};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show grants, newest first
    List(List),
    /// Take one grant back, or with --user and --client all that a user gave an application, the consent too
    Revoke(Revoke),
    /// Show what a user agreed to, as the account page does
    Consents(Consenting),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Id or user name
    #[arg(long)]
    user: Option<String>,
    /// The application's id
    #[arg(long)]
    client: Option<String>,
    /// Revoked and expired ones too
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    within: Within,
}

#[derive(Debug, Args)]
pub(crate) struct Revoke {
    /// The grant's id: its tokens end, and what the user allowed stands, so that the application gets a new grant without a
    /// question
    #[arg(required_unless_present = "user", conflicts_with_all = ["user", "client"])]
    id: Option<String>,
    /// Id or user name
    #[arg(long, requires = "client")]
    user: Option<String>,
    /// The application's id
    #[arg(long, requires = "user")]
    client: Option<String>,
    #[command(flatten)]
    within: Within,
}

#[derive(Debug, Args)]
pub(crate) struct Consenting {
    /// Id or user name
    #[arg(long)]
    user: String,
    #[command(flatten)]
    within: Within,
}

const COLUMNS: &[Column] = &[
    ("id", "id"),
    ("user", "username"),
    ("client", "client_id"),
    ("scope", "scope"),
    ("last used", "last_used_at"),
    ("state", "state"),
];
const CONSENTS: &[Column] = &[
    ("client", "client_id"),
    ("scope", "scope"),
    ("given", "granted_at"),
    ("changed", "updated_at"),
    ("implied", "implied"),
];

pub(crate) async fn run(managed: &Managed, command: Command) -> Result<Answer> {
    match command {
        Command::List(which) => list(managed, which).await,
        Command::Revoke(revoke) => self::revoke(managed, revoke).await,
        Command::Consents(consenting) => {
            let user = user::find(&managed.cx, &consenting.within.tenant(), &consenting.user).await?;
            let json = managed.cx.store.consents(&user.id).await?.iter().map(consent_json).collect();
            Ok(Answer::Many { json, columns: CONSENTS, none: "This user has agreed to nothing." })
        }
    }
}

async fn revoke(managed: &Managed, revoke: Revoke) -> Result<Answer> {
    let (cx, actor) = (&managed.cx, Managed::actor());
    match (revoke.id, revoke.user, revoke.client) {
        (_, Some(user), Some(client)) => {
            let user = user::find(cx, &revoke.within.tenant(), &user).await?;
            consent::withdraw(cx, actor, &user.id, &ClientId::from(client.as_str())).await?;
            Ok(Answer::done(&client, "Taken back"))
        }
        (id, ..) => {
            let id = id.unwrap_or_default();
            let grant: GrantId =
                id.parse().with_context(|| format!("`{id}` is no grant's id: see `grant list`"))?;
            commands::revoke(cx, actor, grant).await?;
            Ok(Answer::done(&id, "Revoked"))
        }
    }
}

async fn list(managed: &Managed, which: List) -> Result<Answer> {
    let cx = &managed.cx;
    let user = match &which.user {
        Some(user) => Some(user::find(cx, &which.within.tenant(), user).await?.id),
        None => None,
    };
    let filter = GrantFilter { user, client: which.client.map(ClientId::from), ended: which.all };
    let (mut json, mut page) = (Vec::new(), Page::first(500));
    let mut names = Names::default();
    loop {
        let some = cx.store.grants(&filter, &page, cx.now).await?;
        for grant in &some {
            json.push(grant_json(managed, grant, &names.of(managed, grant).await?));
        }
        match some.last() {
            Some(last) if some.len() == 500 => page.after = Some(last.id.to_string()),
            _ => return Ok(Answer::Many { json, columns: COLUMNS, none: "There are no grants." }),
        }
    }
}

/// User names by id, each read once.
#[derive(Default)]
struct Names(std::collections::HashMap<String, String>);

impl Names {
    async fn of(&mut self, managed: &Managed, grant: &Grant) -> Result<String> {
        if let Some(name) = self.0.get(grant.user.as_str()) {
            return Ok(name.clone());
        }
        let user = managed.cx.store.user(&grant.user).await?;
        let name = user.map(|user| user.username).unwrap_or_default();
        self.0.insert(grant.user.to_string(), name.clone());
        Ok(name)
    }
}

fn grant_json(managed: &Managed, grant: &Grant, username: &str) -> Value {
    let now = managed.cx.now;
    let refreshable = grant.generation > 0 && grant.idle_until > now && grant.expires_at > now;
    let state = match grant.revoked_at {
        Some(_) => "revoked",
        None if refreshable || grant.access_until > now => "active",
        None => "expired",
    };
    json!({
        "id": grant.id.to_string(),
        "client_id": grant.client,
        "user": grant.user,
        "username": username,
        "tenant": grant.tenant,
        "session": grant.session.map(|id| id.to_string()),
        "scope": grant.scope,
        "resources": grant.resources,
        "state": state,
        "generation": grant.generation,
        "created_at": grant.created_at,
        "last_used_at": grant.last_used_at,
        "idle_until": grant.idle_until,
        "expires_at": grant.expires_at,
        "access_until": grant.access_until,
        "revoked_at": grant.revoked_at,
    })
}

fn consent_json(consent: &Consent) -> Value {
    json!({
        "id": consent.client,
        "client_id": consent.client,
        "user": consent.user,
        "scope": consent.scope,
        "granted_at": consent.granted_at,
        "updated_at": consent.updated_at,
        "implied": consent.implied,
    })
}
