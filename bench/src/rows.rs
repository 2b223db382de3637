//! The table of rows, and the run through it.

mod full;
mod gateway;
mod grants;
mod loads;
mod logins;
mod postgres;
mod stateless;
mod table;

use std::cell::{Cell, OnceCell};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::goals::Limit::AtMost;
use crate::goals::{Goal, Judged, Of, first, speed};
use crate::load::Party;
use crate::measure::{Stage, World};
use crate::options::{Options, Plan};
use crate::process::Pins;
use crate::procfs::resident_bytes;
use crate::report::{Fact, Machine, Report, Row};
use crate::server::{Install, Running};
use crate::setup::Actors;
use crate::stats::{median, millis, real};
use table::{Definition, ROWS};

pub(crate) fn print_list() {
    for row in ROWS {
        let goals: Vec<String> = row.goals.iter().map(Goal::describe).collect();
        println!("{:16} {:46} {}", row.name, row.what, goals.join("; "));
    }
}

/// The asked rows in the table's order.
fn chosen(names: &[String]) -> Result<Vec<&'static Definition>> {
    if let Some(unknown) = names.iter().find(|name| ROWS.iter().all(|row| row.name != name.as_str())) {
        bail!("no row {unknown:?}; --list shows them");
    }
    let is_chosen = |row: &&Definition| names.is_empty() || names.iter().any(|name| name == row.name);
    Ok(ROWS.iter().filter(is_chosen).collect())
}

/// Runs everything that was asked for. A row that fails is void and the next one is tried.
pub(crate) fn run(options: &Options, plan: &Plan, pins: Pins, binary: PathBuf) -> Result<Report> {
    let chosen = chosen(&options.rows)?;
    let parent = match &options.dir {
        Some(dir) => dir.clone(),
        None => std::env::current_exe()?.parent().context("no directory")?.to_owned(),
    };
    let began = Instant::now();
    let machine = Machine::describe(&binary, &parent, pins, plan);
    let (stage, mut facts) = raise(plan, pins, binary, parent)?;
    let mut rows = Vec::new();
    for definition in chosen {
        eprintln!("{}: {}…", definition.name, definition.what);
        rows.push(measured(definition, &stage));
        crate::stop::check()?;
    }
    facts.push(after_load(&stage, options.rows.is_empty() && !plan.quick)?);
    facts.extend(full::facts(&stage)?);
    Ok(Report { machine, facts, rows, took: began.elapsed() })
}

fn measured(definition: &Definition, stage: &Stage) -> Row {
    let Definition { name, what, goals, .. } = *definition;
    let (figures, void) = match (definition.run)(stage) {
        Ok(figures) => {
            let void =
                figures.first_error.as_ref().map(|error| format!("{} errors: {error}", figures.errors));
            (Some(figures), void)
        }
        Err(error) => (None, Some(format!("{error:#}"))),
    };
    if let Some(void) = &void {
        eprintln!("{name} is void: {void}\n{}", stage.empty.install.end_of_log());
    }
    let judged = goals.iter().map(|goal| {
        let value = figures.as_ref().filter(|_| void.is_none()).and_then(|figures| figures.value(goal.of));
        Judged::new(*goal, value)
    });
    Row { name, what, goals: judged.collect(), figures, void }
}

const START: &[Goal] = &[speed(Of::Figure, AtMost(100.0))];
const AFTER: &[Goal] = &[speed(Of::Figure, AtMost(64.0))];

/// A started server on a new SQLite store, with those who take part.
fn set_up(plan: &Plan, pins: Pins, binary: PathBuf, parent: &Path) -> Result<World> {
    set_up_on(plan, Install::prepare(binary, parent, pins)?)
}

fn set_up_on(plan: &Plan, install: Install) -> Result<World> {
    let running = install.start()?;
    let actors = Actors::create(&install, if plan.quick { 4 } else { 16 })?;
    Ok(World { install, running, actors })
}

/// First start, the actors, and the starts that count: those on the store as it then is.
fn raise(plan: &Plan, pins: Pins, binary: PathBuf, parent: PathBuf) -> Result<(Stage, Vec<Fact>)> {
    eprintln!("Setting up…");
    let mut empty = set_up(plan, pins, binary.clone(), &parent)?;
    let first_start = millis(empty.running.ready_after);
    let mut starts = Vec::new();
    for _ in 0..plan.starts {
        empty.running.end(&empty.install)?;
        empty.running = empty.install.start()?;
        starts.push(millis(empty.running.ready_after));
    }
    let idle = idle_memory(&empty.running)?;
    let facts = vec![
        Fact::new("exec to ready, first start (creates the store and its keys)", "ms", first_start, &[]),
        Fact::new("exec to ready, existing store", "ms", median(&starts).unwrap_or_default(), START),
        Fact::new(
            "memory idle (RSS)",
            "MB",
            idle,
            &[first(Of::Figure, AtMost(40.0)), speed(Of::Figure, AtMost(32.0))],
        ),
    ];
    let (plan, full, tokens) = (*plan, OnceCell::new(), Cell::new(0));
    Ok((Stage { plan, pins, binary, parent, empty, full, tokens }, facts))
}

/// A second after it is ready: what starts lazily has then started.
fn idle_memory(running: &Running) -> Result<f64> {
    crate::stop::pause(Duration::from_secs(1));
    Ok(real(resident_bytes(running.id())?) / 1e6)
}

/// The goal speaks of a million tokens: fewer prove nothing.
const MILLION: u64 = 1_000_000;

fn after_load(stage: &Stage, whole: bool) -> Result<Fact> {
    let (world, begun) = (&stage.empty, Instant::now());
    if whole {
        let exchanges = loads::sealed(stage, world)?;
        let mut load = world.load(vec![Party { exchanges, rate: None }])?;
        while stage.tokens.get() < MILLION && begun.elapsed() < Duration::from_mins(1) {
            let units = load.run(Duration::from_secs(1))?.remove(0).units();
            stage.tokens.set(stage.tokens.get() + units);
        }
    }
    let memory = real(resident_bytes(world.running.id())?) / 1e6;
    let name = format!("memory after the rows (RSS), {} units of work", stage.tokens.get());
    Ok(Fact::new(&name, "MB", memory, if stage.tokens.get() >= MILLION { AFTER } else { &[] }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(asked: &[&str]) -> Vec<&'static str> {
        let asked: Vec<String> = asked.iter().map(ToString::to_string).collect();
        chosen(&asked).expect("known rows").into_iter().map(|row| row.name).collect()
    }

    #[test]
    fn rows_are_chosen_by_name_in_the_tables_order() {
        assert_eq!(names(&["login", "cc"]), ["cc", "login"]);
        assert_eq!(names(&[]).len(), ROWS.len());
        assert!(chosen(&["nonsense".to_owned()]).is_err());
    }
}
