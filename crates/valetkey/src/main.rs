//! Valetkey: an OAuth 2 and OpenID Connect server in one binary.

#[cfg(feature = "unchecked")]
compile_error!("a server that checks nothing is for the benchmark alone: build `--bin valetkey-unchecked`");

mod apply;
mod backup;
mod certificates;
mod cli;
mod clock;
mod config;
mod dev;
mod durations;
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
