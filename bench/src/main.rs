//! The benchmark of Valetkey: drives the built server from outside and compares it with bare baselines of the same run.

mod baseline;
mod browser;
mod count;
mod echo;
mod exchange;
mod goals;
mod http;
mod load;
mod measure;
mod options;
mod postgres;
mod probe;
mod process;
mod procfs;
mod report;
mod rows;
mod seed;
mod server;
mod setup;
mod stats;
mod stop;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::Parser;

use options::{Cli, Helper, Options, Plan};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.helper {
        Some(Helper::Count(options)) => stop::watch_signals().and_then(|()| count::run(&options)),
        Some(helper) => run_helper(&helper).map(|()| ExitCode::SUCCESS),
        None => run_all(&cli.options),
    };
    done.unwrap_or_else(|error| {
        eprintln!("valetkey-bench: {error:#}");
        ExitCode::FAILURE
    })
}

fn run_helper(helper: &Helper) -> Result<()> {
    match helper {
        Helper::Bare { connections, seconds, answer_bytes, address } => {
            let pins = pinned()?;
            let length = Duration::try_from_secs_f64(*seconds)?;
            echo::print_rate(pins, *address, (*connections, length), *answer_bytes)
        }
        Helper::Count(options) => count::run(options).map(drop),
        Helper::Echo { answer_bytes } => echo::serve(*answer_bytes),
        Helper::Sign { signature, seconds } => baseline::print_sign_cost(*signature, *seconds),
        Helper::Argon2 { seconds } => baseline::print_argon2_rate(*seconds),
        Helper::Probe { dir, callers, count, seconds, server, load } => {
            let pins = process::Pins::on(server.zip(*load));
            pins.pin_this_process();
            probe::print_rate(pins, dir, (*callers, *count), *seconds)
        }
    }
}

fn run_all(options: &Options) -> Result<ExitCode> {
    if options.list {
        rows::print_list();
        return Ok(ExitCode::SUCCESS);
    }
    let plan = Plan::from_options(options)?;
    // Before anything is pinned: it may have to be built.
    let binary = server::locate(options.server.as_deref())?;
    let pins = pinned()?;
    let report = rows::run(options, &plan, pins, binary)?;
    report.print(options.json.as_deref())?;
    Ok(if report.is_void() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Signals are heeded, and this process is on the load generator's core.
fn pinned() -> Result<process::Pins> {
    stop::watch_signals()?;
    let pins = process::Pins::detect();
    pins.pin_this_process();
    Ok(pins)
}
