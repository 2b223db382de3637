//! Kill -9 under mixed load, restart, judge by what was acknowledged. See `--help`.

mod campaign;
mod chance;
mod code;
mod hire;
mod judge;
mod ledger;
mod log;
mod refresh;
mod sabotage;
mod server;
mod table;
mod token;
mod wire;
mod worker;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use campaign::Plan;
use sabotage::Sabotage;

const HELP: &str = "usage: scripts/crash [--rounds N] [--seed S] [--workers W] [--longest MS] [--keep] [--self-test]

Starts `valetkey serve` on a fresh directory, loads it with code flows, refreshes, client credentials, introspections,
revocations, replays and races, kills it with SIGKILL at a random moment, restarts it, and checks all it acknowledged.

  --rounds N    kills (default 50)
  --seed S      repeats the moments and the mix of an earlier run (default: the clock; printed)
  --workers W   client threads (default 8)
  --longest MS  the longest a server lives under load before it is killed (default 2500; the shortest is 200)
  --keep        leave the directory with data, log and journal behind
  --self-test   one round per rule with the ledger falsified or the server tampered with: each rule must go red

VALETKEY_BIN names the binary (default: target/release/valetkey, else target/debug/valetkey).
Exit 0: no breach. 1: breaches. 2: wrong usage or the run could not be made.";

fn main() -> ExitCode {
    let mut plan = Plan {
        bin: binary(),
        rounds: 50,
        seed: clock(),
        workers: 8,
        longest: 2500,
        keep: false,
        sabotage: None,
    };
    let mut self_test = false;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--keep" => plan.keep = true,
            "--self-test" => self_test = true,
            "--help" | "-h" => {
                println!("{HELP}");
                return ExitCode::SUCCESS;
            }
            name => {
                let number = arguments.next().and_then(|text| text.parse().ok());
                if number.and_then(|number| set(&mut plan, name, number)).is_none() {
                    eprintln!("{HELP}");
                    return ExitCode::from(2);
                }
            }
        }
    }
    if self_test { prove(&plan) } else { run(&plan) }
}

/// Sets an option that takes a number; `None` when there is no such option or the number is out of its range.
fn set(plan: &mut Plan, name: &str, number: u64) -> Option<()> {
    match name {
        "--rounds" => plan.rounds = u32::try_from(number).ok().filter(|rounds| *rounds > 0)?,
        "--workers" => {
            plan.workers = usize::try_from(number).ok().filter(|workers| (1..=64).contains(workers))?;
        }
        "--seed" => plan.seed = number,
        "--longest" => plan.longest = Some(number).filter(|longest| *longest > 200)?,
        _ => return None,
    }
    Some(())
}

fn run(plan: &Plan) -> ExitCode {
    println!("seed {}, {} rounds, {} workers, {}", plan.seed, plan.rounds, plan.workers, plan.bin.display());
    match campaign::run(plan) {
        Ok(verdict) => {
            table::print(&verdict);
            ExitCode::from(u8::from(!verdict.breaches.is_empty()))
        }
        Err(error) => {
            eprintln!("crash: {error}");
            ExitCode::from(2)
        }
    }
}

/// Shows that each rule can go red.
fn prove(plan: &Plan) -> ExitCode {
    let mut blind = 0;
    for sabotage in Sabotage::ALL {
        let plan = Plan { rounds: 2, workers: 4, sabotage: Some(sabotage), ..plan.clone() };
        let verdict = match campaign::run(&plan) {
            Ok(verdict) => verdict,
            Err(error) => {
                eprintln!("crash: {sabotage:?}: {error}");
                return ExitCode::from(2);
            }
        };
        let rules: std::collections::BTreeSet<_> =
            verdict.breaches.iter().map(|breach| breach.rule).collect();
        let seen = rules.contains(&sabotage.rule());
        blind += u32::from(!seen);
        println!(
            "{} {:<44} {}",
            if seen { "red  " } else { "BLIND" },
            sabotage.rule().to_string(),
            sabotage.describe()
        );
        for other in rules.iter().filter(|rule| **rule != sabotage.rule()) {
            println!("      also {other}");
        }
    }
    ExitCode::from(u8::from(blind > 0))
}

fn clock() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_secs())
}

fn binary() -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target");
    let built = ["release", "debug"].map(|kind| root.join(kind).join("valetkey"));
    let given = std::env::var_os("VALETKEY_BIN").map(PathBuf::from);
    let chosen = given
        .or_else(|| built.iter().find(|path| path.is_file()).cloned())
        .unwrap_or_else(|| built[1].clone());
    chosen.canonicalize().unwrap_or(chosen)
}
