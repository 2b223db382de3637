//! Shows that each rule of the judge, and each fault with rules of its own, can go red.

use std::collections::BTreeSet;
use std::io;
use std::process::ExitCode;

use crate::fault::{Outcome, Stage};
use crate::faults::{PROOFS, kill};
use crate::load::ledger::Rule;
use crate::load::sabotage::Sabotage;

pub fn prove(stage: &Stage) -> ExitCode {
    let mut blind = 0;
    for sabotage in Sabotage::ALL {
        let name = format!("{sabotage:?}");
        match one(stage, &name, |stage| kill::falsified(stage, sabotage)) {
            Ok(rules) => blind += u32::from(!seen(&rules, sabotage.rule(), sabotage.describe())),
            Err(error) => return broken(&name, &error),
        }
    }
    for (name, rule, play) in PROOFS {
        match one(stage, &name[..3], play) {
            Ok(rules) => blind += u32::from(!seen(&rules, *rule, name)),
            Err(error) => return broken(name, &error),
        }
    }
    ExitCode::from(u8::from(blind > 0))
}

/// The rules that a falsified run broke.
fn one(
    stage: &Stage,
    name: &str,
    play: impl FnOnce(&Stage) -> io::Result<Outcome>,
) -> io::Result<BTreeSet<Rule>> {
    let stage = Stage { home: stage.home.join(name), ..stage.clone() };
    std::fs::create_dir_all(&stage.home)?;
    let outcome = play(&stage)?;
    // What is left behind by a run that was falsified tells nothing.
    let _ = std::fs::remove_dir_all(&stage.home);
    Ok(outcome.breaches.iter().map(|breach| breach.rule).collect())
}

fn seen(rules: &BTreeSet<Rule>, wanted: Rule, what: &str) -> bool {
    let seen = rules.contains(&wanted);
    println!("{} {:<44} {what}", if seen { "red  " } else { "BLIND" }, wanted.to_string());
    for other in rules.iter().filter(|rule| **rule != wanted) {
        println!("      also {other}");
    }
    seen
}

fn broken(name: &str, error: &io::Error) -> ExitCode {
    eprintln!("faults: {name}: {error}");
    ExitCode::from(2)
}
