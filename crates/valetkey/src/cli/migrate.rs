//! `valetkey migrate`: brings the store up to date, or moves it from SQLite to PostgreSQL.

use super::Global;
use super::manage::{Managed, chosen};
use super::output::Answer;
use crate::config::values::DatabaseUrl;
use crate::home::Home;
use crate::wire;
use anyhow::{Result, bail};
use clap::Args;
use serde_json::{Map, Value, json};
use std::fmt::Write;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Move everything to this empty PostgreSQL database: `postgres://…`, or `-` to read it from standard input, where
    /// other users of this machine cannot see its password
    #[arg(long, value_name = "URL")]
    to: Option<String>,
}

pub(crate) async fn run(global: &Global, arguments: &Arguments) -> Result<Answer> {
    match &arguments.to {
        None => up_to_date(global).await,
        Some(to) => moved(global, to).await,
    }
}

/// Opening is what brings the schema up to date.
async fn up_to_date(global: &Global) -> Result<Answer> {
    Managed::open(global).await?.close().await;
    Ok(Answer::Text { json: json!({"id": "migrate"}), text: "The schema is up to date.\n".to_owned() })
}

async fn moved(global: &Global, to: &str) -> Result<Answer> {
    let loaded = chosen(global)?;
    let home = Home::new(&loaded.config);
    if home.postgres.is_some() {
        bail!("the configured database is on PostgreSQL already: `migrate --to` moves from SQLite");
    }
    let given =
        if to == "-" { super::input::secret("Database address")?.expose().to_owned() } else { to.to_owned() };
    let url = DatabaseUrl(given.trim().to_owned());
    if !url.is_postgres() {
        bail!("expected postgres://user@host/database");
    }
    let rows = wire::transfer(&home, &url).await?;
    let mut text = String::new();
    for (table, count) in &rows {
        let _ = writeln!(text, "{table:<14} {count:>10}");
    }
    let _ = writeln!(
        text,
        "Moved. Set database_url to {url} and restart; this SQLite file takes no more writes. The master key stays what it is."
    );
    let counts: Map<String, Value> = rows.into_iter().map(|(table, count)| (table, count.into())).collect();
    Ok(Answer::Text { json: json!({"id": "migrate", "to": url.to_string(), "rows": counts}), text })
}
