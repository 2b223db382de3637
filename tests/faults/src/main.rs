//! The fault plan as a program: load, a fault, and a judge that reads the ledger. See `--help`.

mod fault;
mod faults;
mod load;
mod pace;
mod probe;
mod table;
mod world;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use fault::{Fault, Outcome, Stage};

const HELP: &str = "usage: scripts/faults [--smoke|--full] [--seed S] [--scale X] [--workers W] [--minutes M] [--json FILE]
                      [--keep] [--list] [--self-test] [FAULT]...

Starts `valetkey serve`, alone or as several nodes, on SQLite or on PostgreSQL clusters of its own; loads it while
something goes wrong; and checks by the ledger of what was acknowledged that nothing was lost, doubled or revived.

  --smoke       few rounds, generous limits, the faults of the smoke set (default)
  --full        the plan's limits, all faults; wants a quiet machine
  FAULT         only these, such as R01 or R01/postgres
  --seed S      repeats the moments and the mix of an earlier run (default: the clock; printed)
  --scale X     multiplies the rounds (default 1)
  --workers W   client threads (default 8)
  --minutes M   begins no further fault after this time (default: 6 smoke, 45 full)
  --json FILE   the table for programs
  --keep        leave data, logs and ledgers behind
  --list        the faults, and what each must show
  --self-test   falsifies the ledger once per rule: each rule must go red

VALETKEY_BIN names the binary (default: target/release/valetkey).
Exit 0: no breach. 1: breaches. 2: wrong usage, or a fault could not be played.";

struct Order {
    stage: Stage,
    minutes: Option<u64>,
    json: Option<PathBuf>,
    keep: bool,
    self_test: bool,
    named: Vec<String>,
}

fn main() -> ExitCode {
    let order = match read(std::env::args().skip(1).collect()) {
        Ok(Some(order)) => order,
        Ok(None) => return ExitCode::SUCCESS,
        Err(complaint) => {
            eprintln!("faults: {complaint}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    if order.self_test { faults::proof::prove(&order.stage) } else { play(&order) }
}

/// What the command line asks for; `None` when it was answered already.
fn read(arguments: Vec<String>) -> Result<Option<Order>, String> {
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_secs());
    let home = std::env::temp_dir().join(format!("valetkey-faults-{}", std::process::id()));
    let stage = Stage { bin: binary(), home, seed, workers: 8, full: false, scale: 1.0 };
    let mut order =
        Order { stage, minutes: None, json: None, keep: false, self_test: false, named: Vec::new() };
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} wants a value"));
        let wrong = |_| format!("{argument} wants a number");
        match argument.as_str() {
            "--smoke" => order.stage.full = false,
            "--full" => order.stage.full = true,
            "--keep" => order.keep = true,
            "--self-test" => order.self_test = true,
            "--seed" => order.stage.seed = value()?.parse().map_err(wrong)?,
            "--workers" => order.stage.workers = value()?.parse().map_err(wrong)?,
            "--minutes" => order.minutes = Some(value()?.parse().map_err(wrong)?),
            "--scale" => {
                order.stage.scale = value()?.parse().map_err(|_| "--scale wants a number".to_owned())?;
            }
            "--json" => order.json = Some(value()?.into()),
            "--help" | "-h" => {
                println!("{HELP}");
                return Ok(None);
            }
            "--list" => {
                for fault in faults::ALL {
                    println!(
                        "{:<14} {}{}\n               {}",
                        fault.id,
                        fault.name,
                        if fault.smoke { " (smoke)" } else { "" },
                        fault.pass
                    );
                }
                return Ok(None);
            }
            name if faults::ALL.iter().any(|fault| is_named(fault, name)) => {
                order.named.push(name.to_owned());
            }
            other => return Err(format!("there is no fault or option '{other}'")),
        }
    }
    Ok(Some(order))
}

fn is_named(fault: &Fault, name: &str) -> bool {
    fault.id == name || fault.id.split('/').next() == Some(name)
}

fn play(order: &Order) -> ExitCode {
    let (stage, began) = (&order.stage, Instant::now());
    let wanted = |fault: &&Fault| {
        if order.named.is_empty() {
            fault.smoke || stage.full
        } else {
            order.named.iter().any(|name| is_named(fault, name))
        }
    };
    let minutes = order.minutes.unwrap_or(if stage.full { 45 } else { 6 });
    println!("seed {}, {}, {}", stage.seed, if stage.full { "full" } else { "smoke" }, stage.bin.display());
    let (mut rows, mut broken) = (Vec::new(), false);
    for fault in faults::ALL.iter().filter(wanted) {
        let late = began.elapsed() > Duration::from_secs(minutes * 60);
        let outcome = if late {
            Ok(Outcome::skipped(format!("{minutes} minutes were over")))
        } else {
            one(fault, stage, order.keep)
        };
        let outcome = outcome.map_or_else(
            |error| {
                broken = true;
                Outcome::skipped(format!("could not be played: {error}"))
            },
            Outcome::finish,
        );
        println!("{}", progress(fault, &outcome));
        for breach in table::breaches(&outcome) {
            println!("               BREACH {breach}");
        }
        rows.push((*fault, outcome));
    }
    println!("\n{}", table::markdown(&rows));
    if let Some(path) = &order.json
        && let Err(error) = std::fs::write(path, format!("{:#}\n", table::json(&rows, stage.seed)))
    {
        eprintln!("faults: {}: {error}", path.display());
        broken = true;
    }
    let breached = rows.iter().any(|(_, outcome)| !outcome.breaches.is_empty());
    ExitCode::from(if breached {
        1
    } else if broken {
        2
    } else {
        0
    })
}

/// Plays one fault in a directory of its own, which stays when something was found.
fn one(fault: &Fault, stage: &Stage, keep: bool) -> io::Result<Outcome> {
    let home = stage.home.join(fault.id.replace('/', "-"));
    std::fs::create_dir_all(&home)?;
    let stage = Stage { home: home.clone(), ..stage.clone() };
    let mut outcome = (fault.run)(&stage)?;
    if outcome.breaches.is_empty() && !keep {
        std::fs::remove_dir_all(&home)?;
        // The parent goes with the last of them.
        let _ = home.parent().map(std::fs::remove_dir);
    } else {
        outcome.note(format!("data, logs and ledger are kept in {}", home.display()));
    }
    Ok(outcome)
}

fn progress(fault: &Fault, outcome: &Outcome) -> String {
    let said = match &outcome.skipped {
        Some(why) => format!("not run: {why}"),
        None => format!(
            "{} rounds, {} acknowledged, {} breaches",
            outcome.rounds,
            outcome.acknowledged,
            outcome.breaches.len()
        ),
    };
    format!("{:<14} {said} ({} s)", fault.id, outcome.took.as_secs())
}

fn binary() -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/release/valetkey");
    let chosen = std::env::var_os("VALETKEY_BIN").map_or(root, PathBuf::from);
    chosen.canonicalize().unwrap_or(chosen)
}
