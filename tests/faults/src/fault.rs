//! A fault of the plan, the stage it plays on, and what came of it.

use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::load::crew::Crew;
use crate::load::ledger::{Breach, Rule};

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    /// As in the plan, with the engine where it is played on both: `R01/postgres`.
    pub id: &'static str,
    pub name: &'static str,
    /// What must be so, in words.
    pub pass: &'static str,
    /// Whether it is of the set that runs with each change.
    pub smoke: bool,
    pub run: fn(&Stage) -> io::Result<Outcome>,
}

/// Where a fault is played.
#[derive(Debug, Clone)]
pub struct Stage {
    pub bin: PathBuf,
    /// A directory of its own, on another path than any data.
    pub home: PathBuf,
    pub seed: u64,
    pub workers: usize,
    /// The whole set, on a quiet machine, with the plan's own limits.
    pub full: bool,
    /// Multiplies the rounds.
    pub scale: f64,
}

impl Stage {
    /// How many rounds: in the smoke set, in the whole set.
    pub fn rounds(&self, smoke: u32, full: u32) -> u32 {
        let base = f64::from(if self.full { full } else { smoke });
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a small positive number"
        )]
        let scaled = (base * self.scale).round().max(1.0) as u32;
        scaled
    }

    /// One of two values: in the smoke set, in the whole set.
    pub fn pick<T>(&self, smoke: T, full: T) -> T {
        if self.full { full } else { smoke }
    }

    /// A limit of the plan. The smoke set runs on whatever machine, beside whatever else: there it is five times as long.
    pub fn limit(&self, limit: Duration) -> Duration {
        self.pick(limit * 5, limit)
    }
}

/// What a fault did.
#[derive(Debug)]
pub struct Outcome {
    pub rounds: u32,
    pub acknowledged: u64,
    pub breaches: Vec<Breach>,
    pub recoveries: Vec<Duration>,
    /// Figures that were seen, in words.
    pub notes: Vec<String>,
    /// Why it could not be played here.
    pub skipped: Option<String>,
    began: Instant,
    pub took: Duration,
}

impl Outcome {
    pub fn new() -> Self {
        Self {
            rounds: 0,
            acknowledged: 0,
            breaches: Vec::new(),
            recoveries: Vec::new(),
            notes: Vec::new(),
            skipped: None,
            began: Instant::now(),
            took: Duration::ZERO,
        }
    }

    /// This machine lacks what the fault needs.
    pub fn skipped(why: impl Into<String>) -> Self {
        Self { skipped: Some(why.into()), ..Self::new() }
    }

    pub fn breach(&mut self, rule: Rule, detail: impl Into<String>) {
        self.breaches.push(Breach::new(rule, self.rounds, detail));
    }

    /// What the fault itself asks for.
    pub fn demand(&mut self, is_so: bool, otherwise: impl FnOnce() -> String) {
        if !is_so {
            self.breach(Rule::Asked, otherwise());
        }
    }

    /// Something took this long and may take so long.
    pub fn in_time(&mut self, what: &str, took: Duration, limit: Duration) {
        if took > limit {
            self.breach(
                Rule::InTime,
                format!("{what} took {} ms of {}", took.as_millis(), limit.as_millis()),
            );
        }
    }

    pub fn recovered(&mut self, took: Duration, limit: Duration) {
        self.recoveries.push(took);
        self.in_time("recovery", took, limit);
    }

    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// Takes what a crew did and saw.
    pub fn take(&mut self, crew: &mut Crew) {
        let counts = crew.counts();
        let hollow = |kind: &str| matches!(kind, "busy" | "lost in the storm");
        self.acknowledged +=
            counts.iter().filter(|(kind, _)| !hollow(kind)).map(|(_, count)| count).sum::<u64>();
        let shown: Vec<String> = counts.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        self.note(shown.join(", "));
        self.breaches.append(&mut crew.take_breaches());
    }

    pub fn finish(mut self) -> Self {
        self.took = self.began.elapsed();
        self.recoveries.sort();
        self
    }
}
