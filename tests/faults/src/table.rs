//! The verdicts, for people (Markdown) and for programs (JSON).

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use serde_json::{Value, json};

use crate::fault::{Fault, Outcome};

pub type Row = (Fault, Outcome);

fn verdict(outcome: &Outcome) -> &'static str {
    match (&outcome.skipped, outcome.breaches.is_empty()) {
        (Some(_), _) => "not run",
        (None, true) => "holds",
        (None, false) => "**breached**",
    }
}

fn seconds(took: Duration) -> String {
    if took < Duration::from_secs(10) {
        format!("{} ms", took.as_millis())
    } else {
        format!("{} s", took.as_secs())
    }
}

fn recovery(outcome: &Outcome) -> String {
    let sorted = &outcome.recoveries;
    match (sorted.get(sorted.len() / 2), sorted.last()) {
        (Some(median), Some(worst)) => format!("{} / {}", seconds(*median), seconds(*worst)),
        _ => "–".to_owned(),
    }
}

/// The table, and beneath it what each fault must show and what was seen.
pub fn markdown(rows: &[Row]) -> String {
    let mut text =
        "| fault | what happens | rounds | acknowledged | breaches | recovery (median / worst) | took | |\n\
                    | --- | --- | ---: | ---: | ---: | ---: | ---: | --- |\n"
            .to_owned();
    for (fault, outcome) in rows {
        // Writing to a text cannot fail.
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {} |",
            fault.id,
            fault.name,
            outcome.rounds,
            outcome.acknowledged,
            outcome.breaches.len(),
            recovery(outcome),
            seconds(outcome.took),
            verdict(outcome)
        );
    }
    for (fault, outcome) in rows {
        let _ = writeln!(text, "\n**{}** must show: {}", fault.id, fault.pass);
        for note in outcome.notes.iter().chain(&outcome.skipped) {
            let _ = writeln!(text, "- {note}");
        }
        for line in breaches(outcome) {
            let _ = writeln!(text, "- BREACH {line}");
        }
    }
    text
}

/// Each kind of breach with its first case.
pub fn breaches(outcome: &Outcome) -> Vec<String> {
    let mut kinds: BTreeMap<_, (usize, &str)> = BTreeMap::new();
    for breach in &outcome.breaches {
        kinds.entry(breach.rule).or_insert((0, &breach.detail)).0 += 1;
    }
    let line = |(rule, (count, first)): (crate::load::ledger::Rule, (usize, &str))| {
        format!("{} {rule}: {count} times, first: {first}", rule.invariant())
    };
    kinds.into_iter().map(line).collect()
}

pub fn json(rows: &[Row], seed: u64) -> Value {
    let row = |(fault, outcome): &Row| {
        let breaches = outcome.breaches.iter().map(|breach| {
            json!({ "invariant": breach.rule.invariant(), "rule": breach.rule.to_string(), "round": breach.round,
                    "detail": breach.detail })
        });
        json!({
            "fault": fault.id,
            "name": fault.name,
            "pass": fault.pass,
            "rounds": outcome.rounds,
            "acknowledged": outcome.acknowledged,
            "breaches": breaches.collect::<Vec<_>>(),
            "recovery_ms": outcome.recoveries.iter().map(Duration::as_millis).map(|ms| u64::try_from(ms).unwrap_or(u64::MAX)).collect::<Vec<_>>(),
            "took_s": outcome.took.as_secs(),
            "notes": outcome.notes,
            "skipped": outcome.skipped,
        })
    };
    json!({ "seed": seed, "faults": rows.iter().map(row).collect::<Vec<_>>() })
}
