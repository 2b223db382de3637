//! `valetkey apply`, `valetkey export`: the whole configuration as one file.

use super::Global;
use super::manage::Managed;
use super::output::Answer;
use crate::apply::{Source, export_json, export_text, merge, preset, run as carry_out, to_json, to_text};
use anyhow::{Context as _, Result};
use clap::Args;
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;
use valetkey_core::manage::apply::{Refusal, export as read_all};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// A file to apply, `-` for standard input; repeat for several, which must not contradict each other
    #[arg(long, short, value_name = "FILE", required_unless_present = "preset")]
    file: Vec<String>,
    /// A file that comes with Valetkey: tout, mastodon, toon, service-account, own-provider
    #[arg(long, value_name = "NAME", value_parser = preset::parse)]
    preset: Vec<(String, Source)>,
    /// Only show what would change
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Delete what the files do not name, of the kinds that they speak of
    #[arg(long)]
    prune: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The SHA-256 of each client's secrets too, so that they work on another server
    #[arg(long)]
    secret_hashes: bool,
}

impl Arguments {
    /// The files' texts, in the order given, presets first.
    fn sources(&self) -> Result<Vec<Source>> {
        let mut sources: Vec<Source> = self.preset.iter().map(|(_, source)| source.clone()).collect();
        for file in &self.file {
            sources.push(if file == "-" { standard_input()? } else { from_file(Path::new(file))? });
        }
        Ok(sources)
    }
}

fn standard_input() -> Result<Source> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("cannot read standard input")?;
    Ok(Source { path: "standard input".into(), text })
}

fn from_file(path: &Path) -> Result<Source> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(Source { path: path.to_owned(), text })
}

/// The files are read before the store is opened: a mistake in them makes none.
pub(crate) async fn run(global: &Global, arguments: &Arguments) -> Result<Answer> {
    let mut merged = merge(&arguments.sources()?)?;
    merged.wanted.prune = arguments.prune;
    let managed = if arguments.dry_run {
        Managed::open_or_imagine(global).await?
    } else {
        Managed::open_or_make(global).await?
    };
    let planned = carry_out(&managed.cx, &Managed::actor(), &merged, arguments.dry_run).await;
    managed.close().await;
    let plan = planned?;
    let (json, mut text) = (to_json(&plan, arguments.dry_run), to_text(&plan, arguments.dry_run));
    // A preset looks like all there is to say; another one's settings may stand beside it.
    if !arguments.preset.is_empty() && !plan.kept.is_empty() {
        let _ = writeln!(text, "Settings of before that nothing here names stay: {}.", plan.kept.join(", "));
    }
    Ok(Answer::Text { json, text })
}

pub(crate) async fn export(managed: &Managed, arguments: &Export) -> Result<Answer> {
    let all = read_all(&managed.cx, arguments.secret_hashes).await.map_err(|refusal| match refusal {
        Refusal::Failed(error) => anyhow::Error::from(error),
        Refusal::Problems(_) => anyhow::anyhow!("the stored configuration cannot be read"),
    })?;
    Ok(Answer::Text { json: export_json(&all), text: export_text(&all) })
}
