//! The command line, and the plan of a run that follows from it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::{Args, Parser, Subcommand};

use crate::baseline::Signature;
use crate::probe::Callers;

/// Measures the built server beside a bare axum echo and other baselines of the same run.
#[derive(Debug, Parser)]
#[command(name = "valetkey-bench", version, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) helper: Option<Helper>,
    #[command(flatten)]
    pub(crate) options: Options,
}

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The server's binary [default: `valetkey` beside this program, built if it is missing]
    #[arg(long, value_name = "PATH")]
    pub(crate) server: Option<PathBuf>,
    /// Only these rows (see --list)
    #[arg(long, value_name = "ROW,…", value_delimiter = ',')]
    pub(crate) rows: Vec<String>,
    /// Keep-alive connections
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub(crate) connections: u16,
    /// Seconds of each run [default: 2, with --quick 1]
    #[arg(long)]
    pub(crate) seconds: Option<f64>,
    /// Runs of each row; the median counts [default: 5, with --quick 1]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=100))]
    pub(crate) runs: Option<u16>,
    /// Distinct tokens to introspect [default: 100000, with --quick 10000]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=5_000_000))]
    pub(crate) tokens: Option<u32>,
    /// Where the store and the commit probe live; name a disk, not a tmpfs [default: beside this program]
    #[arg(long, value_name = "PATH")]
    pub(crate) dir: Option<PathBuf>,
    /// Write the figures as JSON; `-` is standard output (the table then goes to standard error)
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<String>,
    /// A smoke run of at most a minute: shows that everything works, its figures prove little
    #[arg(long)]
    pub(crate) quick: bool,
    /// List the rows and their goals
    #[arg(long)]
    pub(crate) list: bool,
}

/// Baselines: those hidden need a process of their own, pinned to the server's core.
#[derive(Debug, Subcommand)]
pub(crate) enum Helper {
    /// Drive the bare echo alone, to hold the load generator against another one (wrk)
    Bare {
        #[arg(long, default_value_t = 64)]
        connections: usize,
        #[arg(long, default_value_t = 5.0)]
        seconds: f64,
        #[arg(long, default_value_t = 300)]
        answer_bytes: usize,
        /// Drive an echo that runs already, at this address
        #[arg(long)]
        address: Option<SocketAddr>,
    },
    /// Count the instructions and allocations of one request on each hot path, and hold them to limits (needs valgrind)
    Count(CountOptions),
    /// Serve the bare echo until killed; prints its address. POST anything to /echo
    Echo { answer_bytes: usize },
    #[command(hide = true)]
    Sign { signature: Signature, seconds: f64 },
    #[command(hide = true)]
    Argon2 { seconds: f64 },
    #[command(hide = true)]
    Probe {
        dir: PathBuf,
        callers: Callers,
        count: usize,
        seconds: f64,
        /// The cores of who writes and of who asks.
        server: Option<usize>,
        load: Option<usize>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct CountOptions {
    /// The server's binary [default: `valetkey` beside this program, built if it is missing]
    #[arg(long, value_name = "PATH")]
    pub(crate) server: Option<PathBuf>,
    /// Only these paths
    #[arg(long, value_name = "PATH,…", value_delimiter = ',')]
    pub(crate) paths: Vec<String>,
    /// The limits [default: bench/limits.json]
    #[arg(long, value_name = "FILE")]
    pub(crate) limits: Option<PathBuf>,
    /// Write what was counted as the new limits
    #[arg(long)]
    pub(crate) write: bool,
    /// Requests that are counted on each path
    #[arg(long, default_value_t = 400)]
    pub(crate) requests: u32,
    /// Keep callgrind's dumps here, for callgrind_annotate
    #[arg(long, value_name = "DIR")]
    pub(crate) keep: Option<PathBuf>,
}

/// How long and how wide everything is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) connections: usize,
    pub(crate) runs: usize,
    pub(crate) run: Duration,
    pub(crate) warm_up: Duration,
    /// Of each baseline: the echo, the probe, argon2.
    pub(crate) baseline: Duration,
    pub(crate) tokens: usize,
    pub(crate) starts: usize,
    pub(crate) quick: bool,
}

impl Plan {
    pub(crate) fn from_options(options: &Options) -> Result<Self> {
        let quick = options.quick;
        let seconds = options.seconds.unwrap_or(if quick { 1.0 } else { 2.0 });
        if !(0.05..=600.0).contains(&seconds) {
            bail!("--seconds must lie between 0.05 and 600");
        }
        let run = Duration::from_secs_f64(seconds);
        Ok(Self {
            connections: usize::from(options.connections),
            runs: usize::from(options.runs.unwrap_or(if quick { 1 } else { 5 })),
            run,
            warm_up: if quick {
                run.min(Duration::from_millis(300))
            } else {
                run.min(Duration::from_secs(1))
            },
            baseline: if quick {
                run.min(Duration::from_millis(600))
            } else {
                run.min(Duration::from_millis(1200))
            },
            tokens: usize::try_from(options.tokens.unwrap_or(if quick { 10_000 } else { 100_000 }))?,
            starts: if quick { 1 } else { 5 },
            quick,
        })
    }
}
