//! `valetkey completions`: for the shell.

use super::Cli;
use super::output::Answer;
use clap::{Args, CommandFactory};
use clap_complete::Shell;
use serde_json::json;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// bash, zsh, fish, elvish or powershell
    shell: Shell,
}

pub(crate) fn run(arguments: &Arguments) -> Answer {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "valetkey", &mut script);
    let text = String::from_utf8_lossy(&script).into_owned();
    Answer::Text { json: json!({"id": arguments.shell.to_string(), "script": text}), text }
}
