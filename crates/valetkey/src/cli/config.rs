//! `valetkey config`: a file to start from, what is wrong with one's own, and what is in force.

use super::Global;
use super::manage::{configuration, named};
use super::output::Answer;
use crate::config::keys::{Config, SECRETS};
use crate::config::{DEFAULT_FILE, Loaded, check};
use crate::wire;
use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a file to start from
    Init(Init),
    /// Say what `serve` would refuse
    Check,
    /// Show every value and where it came from; never a secret
    Dump,
    /// Print the JSON schema
    Schema,
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// Where to write; `-` prints
    #[arg(default_value = DEFAULT_FILE)]
    file: PathBuf,
    /// The public address of the server
    #[arg(long, value_name = "URL", default_value = "https://id.example.com")]
    issuer: String,
}

pub(crate) fn run(global: &Global, command: Command) -> Result<Answer> {
    match command {
        Command::Init(init) => self::init(&init),
        Command::Check => {
            let loaded = configuration(global)?;
            loaded.check_serve()?;
            wire::check(&loaded.config)?;
            let files: Vec<String> = loaded.files.iter().map(|file| file.display().to_string()).collect();
            let issuer = loaded.config.issuer.clone().unwrap_or_default();
            let json = json!({"id": "config", "valid": true, "issuer": issuer, "files": files});
            Ok(Answer::Text { json, text: format!("Good: `valetkey serve` would run as {issuer}.\n") })
        }
        Command::Dump => dump(&configuration(global)?),
        Command::Schema => {
            let json = serde_json::to_value(schemars::schema_for!(Config))?;
            Ok(Answer::Text { text: format!("{json:#}\n"), json })
        }
    }
}

fn init(init: &Init) -> Result<Answer> {
    check::check_issuer(&init.issuer).map_err(anyhow::Error::msg)?;
    let text = sample(&init.issuer);
    if init.file == Path::new("-") {
        return Ok(Answer::Text { json: json!({"id": "-", "text": text}), text });
    }
    let shown = init.file.display().to_string();
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&init.file);
    match opened {
        Ok(mut file) => file.write_all(text.as_bytes()).with_context(|| format!("cannot write {shown}"))?,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            bail!("{shown} exists already: name another file, or `-` to print")
        }
        Err(error) => return Err(error).with_context(|| format!("cannot make {shown}")),
    }
    Ok(Answer::Text {
        json: json!({"id": shown, "file": shown}),
        text: format!("Wrote {shown}. Set the issuer in it, then run `valetkey serve`.\n"),
    })
}

/// A file whose comments are the defaults.
pub(crate) fn sample(issuer: &str) -> String {
    let defaults = toml::to_string(&Config::default()).unwrap_or_default();
    let mut text = format!(
        "# Valetkey. Every key and its default; `valetkey config schema` has their words.\n\n\
         # The public address of this server: the one key that `serve` needs. It names the server for ever.\n\
         issuer = {}\n",
        Value::from(issuer)
    );
    for line in defaults.lines() {
        let plain = line.is_empty() || line.starts_with('[');
        let _ = writeln!(text, "{}{line}", if plain { "" } else { "# " });
    }
    text
}

/// TOML that says where each value came from; JSON without that.
fn dump(loaded: &Loaded) -> Result<Answer> {
    let mut json = serde_json::to_value(&loaded.config)?;
    let text = toml::to_string(&loaded.config)?;
    let mut section = String::new();
    let mut shown = String::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = format!("{}.", name.trim_end_matches(']'));
        }
        let origin = line.split_once(" = ").map(|(key, _)| loaded.origin(&format!("{section}{key}")));
        let _ = match origin {
            Some(origin) => writeln!(shown, "{line}  # {}", named(origin)),
            None => writeln!(shown, "{line}"),
        };
    }
    debug_assert!(SECRETS.iter().all(|key| json.get(*key).is_none_or(|v| v.is_null() || v == "***")));
    json["id"] = json!("config");
    Ok(Answer::Text { json, text: shown })
}
