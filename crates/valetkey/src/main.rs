//! Valetkey: an OAuth 2 and OpenID Connect server in one binary.

mod apply;
mod cli;
mod clock;
mod config;
mod dev;
mod hasher;
mod home;
mod jobs;
mod logging;
mod serve;
mod wire;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
