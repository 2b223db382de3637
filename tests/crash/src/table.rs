//! The verdict as a table.

use crate::campaign::Verdict;
use crate::ledger::Rule;

pub fn print(verdict: &Verdict) {
    println!("\n{:<28}{:>10}", "acknowledged", "count");
    for (kind, count) in &verdict.counts {
        println!("{kind:<28}{count:>10}");
    }
    println!("{:<28}{:>10}", "all", verdict.counts.values().sum::<u64>());
    println!("\n{:<44}{:>8}", "rule", "breaches");
    for rule in Rule::ALL {
        println!("{rule:<44}{:>8}", verdict.breaches.iter().filter(|breach| breach.rule == rule).count());
    }
    println!();
    println!("{:<44}{:>8}", "rounds (kill -9 under load)", verdict.rounds);
    println!("{:<44}{:>8}", "kills during start-up besides", verdict.early_kills);
    println!("{:<44}{:>5} ms", "slowest recovery (exec to ready)", verdict.slowest.as_millis());
    println!("{:<44}{:>5} ms", "median recovery", verdict.median.as_millis());
    println!("{:<44}{:>5} ms", "slowest management command under load", verdict.slowest_command.as_millis());
    println!("{:<44}{:>6} s", "time taken", verdict.took.as_secs());
    for breach in verdict.breaches.iter().take(25) {
        println!("BREACH round {}: {}: {}", breach.round, breach.rule, breach.detail);
    }
    if verdict.breaches.len() > 25 {
        println!("… and {} more; see the journal", verdict.breaches.len() - 25);
    }
    if let Some(home) = &verdict.kept {
        println!("data, server.log and journal.txt are kept in {}", home.display());
    }
}
