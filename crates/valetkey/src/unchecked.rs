//! For the benchmark alone: Valetkey with the gateway's check switched off. Never shipped, never run elsewhere.

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
