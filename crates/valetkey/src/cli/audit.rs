//! `valetkey audit`: who did what.

use super::manage::Managed;
use super::output::{Answer, Column, time};
use super::tenant::Within;
use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::io::Write;
use std::time::Duration;
use valetkey_core::audit::{Actor, Record};
use valetkey_core::ids::ClientId;
use valetkey_core::manage::user;
use valetkey_core::store::{AuditFilter, Page};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the last events, oldest first
    Tail(Tail),
}

#[derive(Debug, Args)]
pub(crate) struct Tail {
    /// Go on and show what happens, until interrupted; with --json, one object a line
    #[arg(long, short)]
    follow: bool,
    /// How many
    #[arg(long, short = 'n', default_value_t = 50, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    lines: u32,
    /// Only of this user: id or user name
    #[arg(long)]
    user: Option<String>,
    /// Only of this application
    #[arg(long)]
    client: Option<String>,
    #[command(flatten)]
    within: Within,
}

/// How often a follower asks.
const EVERY: Duration = Duration::from_millis(500);
const COLUMNS: &[Column] = &[
    ("at", "at"),
    ("event", "event"),
    ("actor", "actor"),
    ("user", "user"),
    ("client", "client"),
    ("address", "address"),
    ("object", "object"),
];

pub(crate) async fn run(managed: &Managed, command: Command, as_json: bool) -> Result<Answer> {
    let Command::Tail(tail) = command;
    let user = match &tail.user {
        Some(user) => Some(user::find(&managed.cx, &tail.within.tenant(), user).await?.id),
        None => None,
    };
    let filter = AuditFilter { user, client: tail.client.map(ClientId::from) };
    let mut records = managed.cx.store.records(&filter, &Page::first(tail.lines)).await?;
    records.reverse();
    if !tail.follow {
        let json = records.iter().map(to_json).collect();
        return Ok(Answer::Many { json, columns: COLUMNS, none: "Nothing has happened yet." });
    }
    let newest = managed.cx.store.records(&AuditFilter::default(), &Page::first(1)).await?;
    let mut last = newest.first().map(|record| record.id);
    let wanted = |record: &Record| {
        filter.user.as_ref().is_none_or(|user| record.user.as_ref() == Some(user))
            && filter.client.as_ref().is_none_or(|client| record.client.as_ref() == Some(client))
    };
    let mut ticks = tokio::time::interval(EVERY);
    loop {
        for record in records.iter().filter(|record| wanted(record)) {
            // The reader has gone: so do we.
            if print(record, as_json).is_err() {
                return Ok(Answer::Nothing);
            }
        }
        tokio::select! {
            _ = ticks.tick() => {}
            _ = tokio::signal::ctrl_c() => return Ok(Answer::Nothing),
        }
        records = managed.cx.store.records_since(last, 1000).await?;
        last = records.last().map(|record| record.id).or(last);
    }
}

fn print(record: &Record, as_json: bool) -> std::io::Result<()> {
    let json = to_json(record);
    let mut out = std::io::stdout().lock();
    if as_json {
        writeln!(out, "{json}")?;
    } else {
        let member = |name: &str| json.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        write!(out, "{}  {:<22}", time(record.at.0), member("event").unwrap_or_default())?;
        for name in ["actor", "user", "client", "address", "object"] {
            if let Some(text) = member(name) {
                write!(out, "  {name}={text}")?;
            }
        }
        writeln!(out)?;
    }
    out.flush()
}

fn to_json(record: &Record) -> Value {
    let actor = match &record.actor {
        Actor::Operator => "operator".to_owned(),
        Actor::User(id) => id.to_string(),
        Actor::Client(id) => id.to_string(),
        Actor::Anonymous => "anonymous".to_owned(),
        Actor::System => "system".to_owned(),
    };
    json!({
        "id": record.id.to_string(),
        "at": record.at,
        "event": record.event,
        "actor": actor,
        "user": record.user,
        "client": record.client,
        "tenant": record.tenant,
        "address": record.address,
        "request": record.request,
        "object": record.object,
        "browser": record.browser,
    })
}
