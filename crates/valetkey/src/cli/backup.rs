//! `valetkey backup` and `valetkey restore`: the whole store in one file, and back.

use super::Global;
use super::manage::{Managed, chosen};
use super::output::{Answer, time};
use crate::backup;
use anyhow::Result;
use clap::Args;
use serde_json::{Map, Value, json};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use valetkey_core::manage::key;
use valetkey_store::Report;

#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// The file to make, readable for its owner alone
    file: PathBuf,
    /// Replace the file, if it is there
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// A file that `valetkey backup` made, of either kind of database
    file: PathBuf,
    /// Replace what is in the database
    #[arg(long)]
    force: bool,
}

/// The store as it is at one moment, while servers go on.
pub(crate) async fn backup(global: &Global, arguments: &Backup) -> Result<Answer> {
    let loaded = chosen(global)?;
    let report = backup::backup(&loaded.config, &arguments.file, arguments.force).await?;
    let made = format!("Backed up into {}, schema {}.", arguments.file.display(), report.about.schema);
    let more = "It opens under the same master key only: keep that elsewhere.";
    Ok(answer(&report, &arguments.file, &[&made, more]))
}

/// The store as it was, under new keys: nobody is signed in, and nothing that was handed out is good.
pub(crate) async fn restore(global: &Global, arguments: &Restore) -> Result<Answer> {
    let loaded = chosen(global)?;
    let report = backup::restore(&loaded.config, &arguments.file, arguments.force).await?;
    // A server would make them as well.
    let managed = Managed::open_configured(&loaded).await?;
    let keys = key::ensure(&managed.cx).await;
    managed.close().await;
    keys?;
    let made = format!(
        "Restored the state of {} (backup {}). What was changed since then has to be done again: \
         passwords, rotated secrets, disabled and deleted accounts and applications.",
        time(report.about.made_at.0),
        report.about.id
    );
    let more = "Nobody is signed in any more, all tokens are dead, and applications are to be allowed anew.";
    Ok(answer(&report, &arguments.file, &[&made, more]))
}

fn answer(report: &Report, file: &Path, words: &[&str]) -> Answer {
    let mut text = String::new();
    for (table, count) in &report.rows {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{table:<14} {count:>10}");
    }
    for line in words {
        let _ = writeln!(text, "{line}");
    }
    let about = &report.about;
    let rows: Map<String, Value> =
        report.rows.iter().map(|(table, count)| (table.clone(), (*count).into())).collect();
    let json = json!({
        "id": about.id.to_string(),
        "file": file.display().to_string(),
        "made_at": about.made_at,
        "schema": about.schema,
        "valetkey": about.valetkey,
        "rows": rows,
    });
    Answer::Text { json, text }
}
