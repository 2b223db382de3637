//! The command line: one file per command, and what they share.

pub(crate) mod api;
pub(crate) mod apply;
mod approval;
pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod client;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod details_type;
pub(crate) mod dev;
pub(crate) mod doctor;
pub(crate) mod endpoint;
pub(crate) mod grant;
pub(crate) mod health;
mod http;
pub(crate) mod input;
pub(crate) mod issuer;
pub(crate) mod key;
pub(crate) mod manage;
pub(crate) mod migrate;
pub(crate) mod output;
pub(crate) mod password;
pub(crate) mod perform;
pub(crate) mod scope;
pub(crate) mod serve;
pub(crate) mod session;
pub(crate) mod tenant;
#[cfg(test)]
mod tests;
pub(crate) mod token;
pub(crate) mod upstream;
pub(crate) mod user;
mod values;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use manage::Managed;
use output::Answer;
use std::path::PathBuf;
use std::process::ExitCode;

/// An OAuth 2 and OpenID Connect server.
#[derive(Debug, Parser)]
#[command(name = "valetkey", version, max_term_width = 100, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Flags of every command.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Global {
    /// A configuration file; may be repeated, later ones win [default: ./valetkey.toml, if it is there; `dev`: none]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options")]
    pub(crate) config: Vec<PathBuf>,
    /// Where database, keys and lock are kept [default: ./valetkey-data]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Global options")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Print JSON on standard output
    #[arg(long, global = true, help_heading = "Global options")]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Try it: a server on this machine with a demo user and demo applications
    Dev(dev::Arguments),
    /// Run the server
    Serve(serve::Arguments),
    #[command(flatten)]
    Manage(Manage),
    /// Make the configuration what files say: all of it, or nothing
    Apply(apply::Arguments),
    /// Act as a client against any issuer
    #[command(subcommand)]
    Perform(perform::Command),
    /// The configuration
    #[command(subcommand)]
    Config(config::Command),
    /// Bring the store's schema up to date, or move the store from SQLite to PostgreSQL
    Migrate(migrate::Arguments),
    /// Write the whole store into one file, while servers run
    Backup(backup::Backup),
    /// Put the store back to what a backup says; everybody has to sign in again
    Restore(backup::Restore),
    /// Look for what is wrong with configuration, files and store
    Doctor,
    /// Ask a running server whether it is ready (exit 0) or not (exit 1)
    Healthcheck(health::Arguments),
    /// Hash a password from standard input
    HashPassword,
    /// Print shell completions
    Completions(completions::Arguments),
}

/// What works on the store.
#[derive(Debug, Subcommand)]
enum Manage {
    /// Applications
    #[command(subcommand)]
    Client(client::Command),
    /// Accounts
    #[command(subcommand)]
    User(user::Command),
    /// User directories
    #[command(subcommand)]
    Tenant(tenant::Command),
    /// Existing providers at which people may sign in
    #[command(subcommand)]
    Upstream(upstream::Command),
    /// Other issuers whose word counts here
    #[command(subcommand)]
    Issuer(issuer::Command),
    /// What applications can ask for
    #[command(subcommand)]
    Scope(scope::Command),
    /// What applications can ask for in detail (RFC 9396)
    #[command(subcommand)]
    AuthorizationDetailsType(details_type::Command),
    /// Resource servers
    #[command(subcommand)]
    Api(api::Command),
    /// What a token needs at an API's endpoints
    #[command(subcommand)]
    Endpoint(endpoint::Command),
    /// What users let applications do
    #[command(subcommand)]
    Grant(grant::Command),
    /// What waits for somebody's answer
    #[command(subcommand)]
    Approval(approval::Command),
    /// Where users are signed in
    #[command(subcommand)]
    Session(session::Command),
    /// Look into a token, or take it back
    #[command(subcommand)]
    Token(token::Command),
    /// Signing and sealing keys
    #[command(subcommand)]
    Key(key::Command),
    /// The audit trail
    #[command(subcommand)]
    Audit(audit::Command),
    /// Print the configuration as a file that can be applied
    Export(apply::Export),
}

impl Manage {
    /// Whether it puts something into the store that needs nothing there before.
    fn creates(&self) -> bool {
        matches!(
            self,
            Self::Client(client::Command::Create(_))
                | Self::User(user::Command::Create(_))
                | Self::Tenant(tenant::Command::Create(_))
                | Self::Upstream(upstream::Command::Create(_))
                | Self::Issuer(issuer::Command::Create(_))
                | Self::Scope(scope::Command::Create(_))
                | Self::AuthorizationDetailsType(details_type::Command::Create(_))
                | Self::Api(api::Command::Create(_))
        )
    }

    async fn run(self, managed: &Managed, json: bool) -> Result<Answer> {
        match self {
            Self::Client(command) => client::run(managed, command).await,
            Self::User(command) => user::run(managed, command).await,
            Self::Tenant(command) => tenant::run(managed, command).await,
            Self::Upstream(command) => upstream::run(managed, command).await,
            Self::Issuer(command) => issuer::run(managed, command).await,
            Self::Scope(command) => scope::run(managed, command).await,
            Self::AuthorizationDetailsType(command) => details_type::run(managed, command).await,
            Self::Api(command) => api::run(managed, command, json).await,
            Self::Endpoint(command) => endpoint::run(managed, command).await,
            Self::Grant(command) => grant::run(managed, command).await,
            Self::Approval(command) => approval::run(managed, command).await,
            Self::Session(command) => session::run(managed, command).await,
            Self::Token(command) => token::run(managed, command).await,
            Self::Key(command) => key::run(managed, command).await,
            Self::Audit(command) => audit::run(managed, command, json).await,
            Self::Export(arguments) => apply::export(managed, &arguments).await,
        }
    }
}

/// Parses the command line and runs the command.
pub(crate) fn run() -> ExitCode {
    let Cli { global, command } = Cli::parse();
    match dispatch(&global, command) {
        Ok(code) => code,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

/// One line that says what to change; a configuration with several mistakes gets one line for each.
fn complain(error: &anyhow::Error) {
    for line in output::said(error).lines() {
        eprintln!("valetkey: {line}");
    }
}

fn dispatch(global: &Global, command: Command) -> Result<ExitCode> {
    let json = global.json;
    let answer = match command {
        Command::Dev(arguments) => return dev::run(global, &arguments),
        Command::Serve(arguments) => return serve::run(global, &arguments),
        Command::Apply(arguments) => quiet_runtime()?.block_on(apply::run(global, &arguments))?,
        Command::Manage(command) => quiet_runtime()?.block_on(manage(global, command))?,
        Command::Perform(command) => quiet_runtime()?.block_on(perform::run(command))?,
        Command::Config(command) => config::run(global, command)?,
        Command::Migrate(arguments) => quiet_runtime()?.block_on(migrate::run(global, &arguments))?,
        Command::Backup(arguments) => quiet_runtime()?.block_on(backup::backup(global, &arguments))?,
        Command::Restore(arguments) => quiet_runtime()?.block_on(backup::restore(global, &arguments))?,
        Command::Doctor => return quiet_runtime()?.block_on(doctor::run(global)),
        Command::Healthcheck(arguments) => return quiet_runtime()?.block_on(health::run(global, &arguments)),
        Command::HashPassword => quiet_runtime()?.block_on(password::run())?,
        Command::Completions(arguments) => completions::run(&arguments),
    };
    answer.print(json)?;
    Ok(ExitCode::SUCCESS)
}

/// Runs a command on the open store, and closes it whatever came of it. One that creates something makes the store too,
/// where none is: a typing mistake in a path otherwise shows as a missing database.
async fn manage(global: &Global, command: Manage) -> Result<Answer> {
    let managed =
        if command.creates() { Managed::open_or_make(global).await? } else { Managed::open(global).await? };
    let answer = command.run(&managed, global.json).await;
    managed.close().await;
    answer
}

/// Commands need no worker threads.
fn quiet_runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}
