//! The table of rows, and the run through it.

mod gateway;
mod grants;
mod logins;
mod stateless;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::goals::{Goal, Judged, Limit, Of, first, speed};
use crate::measure::Stage;
use crate::options::{Options, Plan};
use crate::process::Pins;
use crate::procfs::resident_bytes;
use crate::report::{Fact, Figures, Machine, Report, Row};
use crate::server::{Install, Running};
use crate::setup::Actors;
use crate::stats::{median, millis, real};

/// One line of the result: later issues add theirs here (gateway, PostgreSQL, a big store).
struct Definition {
    name: &'static str,
    what: &'static str,
    goals: &'static [Goal],
    run: fn(&mut Stage) -> Result<Figures>,
}

const fn row(
    name: &'static str,
    what: &'static str,
    goals: &'static [Goal],
    run: fn(&mut Stage) -> Result<Figures>,
) -> Definition {
    Definition { name, what, goals, run }
}

use Limit::{AtLeast, AtMost};

const ROWS: &[Definition] = &[
    row(
        "cc",
        "client credentials, sealed token",
        &[first(Of::Bare, AtLeast(0.60)), speed(Of::Bare, AtLeast(0.75))],
        stateless::sealed,
    ),
    row(
        "cc-eddsa",
        "client credentials, JWT EdDSA",
        &[first(Of::Bare, AtLeast(0.26)), speed(Of::Basis, AtLeast(0.85))],
        stateless::eddsa,
    ),
    row("cc-es256", "client credentials, JWT ES256", &[speed(Of::Basis, AtLeast(0.85))], stateless::es256),
    row("cc-rs256", "client credentials, JWT RS256", &[speed(Of::Basis, AtLeast(0.85))], stateless::rs256),
    row(
        "introspection",
        "introspection of distinct sealed tokens",
        &[first(Of::Bare, AtLeast(0.65)), speed(Of::Bare, AtLeast(0.75))],
        stateless::introspection,
    ),
    row("refresh", "refresh with rotation, durable", &[speed(Of::Basis, AtLeast(0.70))], grants::refresh),
    row("refresh-256", "the same, 256 connections", &[speed(Of::Basis, AtLeast(0.70))], grants::refresh_wide),
    row(
        "code",
        "code flow, live session: authorize, token",
        &[speed(Of::Basis, AtLeast(0.50))],
        grants::code_flow,
    ),
    row("login", "password login", &[speed(Of::Basis, AtLeast(0.95))], logins::password),
    row(
        "cc-while-logins",
        "client credentials, 1,000/s, while logins run",
        &[speed(Of::Basis, AtMost(2.0))],
        logins::client_credentials_meanwhile,
    ),
    // Last: the API they register is implied by tokens for no API in particular.
    row(
        "gateway",
        "through the gateway to an echo, sealed token",
        &[first(Of::Basis, AtLeast(0.75)), speed(Of::Basis, AtLeast(0.85))],
        gateway::through,
    ),
    row(
        "forward-auth",
        "what nginx asks before a request",
        &[first(Of::Bare, AtLeast(0.60))],
        gateway::forward_auth,
    ),
];

pub(crate) fn print_list() {
    for row in ROWS {
        let goals: Vec<String> = row.goals.iter().map(Goal::describe).collect();
        println!("{:16} {:46} {}", row.name, row.what, goals.join("; "));
    }
}

/// The asked rows in the table's order. `code` is compared with `refresh`, so it brings that along.
fn chosen(names: &[String]) -> Result<Vec<&'static Definition>> {
    if let Some(unknown) = names.iter().find(|name| ROWS.iter().all(|row| row.name != name.as_str())) {
        bail!("no row {unknown:?}; --list shows them");
    }
    let has = |wanted: &str| names.iter().any(|name| name == wanted);
    let is_chosen = |row: &&Definition| match names {
        [] => true,
        _ => has(row.name) || (row.name == "refresh" && has("code")),
    };
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
    let (mut stage, mut facts) = set_up(plan, pins, binary, &parent)?;
    let mut rows = Vec::new();
    for definition in chosen {
        eprintln!("{}: {}…", definition.name, definition.what);
        rows.push(measured(definition, &mut stage));
        crate::stop::check()?;
    }
    facts.push(after_load(&stage)?);
    Ok(Report { machine, facts, sign_us: stage.sign.map(Into::into), rows, took: began.elapsed() })
}

fn measured(definition: &Definition, stage: &mut Stage) -> Row {
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
        eprintln!("{name} is void: {void}\n{}", stage.install.end_of_log());
    }
    let judged = goals.iter().map(|goal| {
        let value = figures.as_ref().filter(|_| void.is_none()).and_then(|figures| figures.value(goal.of));
        Judged::new(*goal, value)
    });
    Row { name, what, goals: judged.collect(), figures, void }
}

/// First start, the actors, and the starts that count: those on the store as it then is.
fn set_up(plan: &Plan, pins: Pins, binary: PathBuf, parent: &Path) -> Result<(Stage, Vec<Fact>)> {
    eprintln!("Setting up…");
    let install = Install::prepare(binary, parent, pins)?;
    let mut running = install.start()?;
    let first_start = millis(running.ready_after);
    let actors = Actors::create(&install, if plan.quick { 4 } else { 16 })?;
    let mut starts = Vec::new();
    for _ in 0..plan.starts {
        if !running.child.end(Duration::from_secs(10)) {
            bail!("the server did not end within 10 s of SIGTERM: {}", install.end_of_log());
        }
        running = install.start()?;
        starts.push(millis(running.ready_after));
    }
    let idle = idle_memory(&running)?;
    let facts = vec![
        Fact::new("exec to ready, first start (creates the store and its keys)", "ms", first_start, &[]),
        Fact::new(
            "exec to ready, existing store",
            "ms",
            median(&starts).unwrap_or_default(),
            &[speed(Of::Figure, AtMost(100.0))],
        ),
        Fact::new(
            "memory idle (RSS)",
            "MB",
            idle,
            &[first(Of::Figure, AtMost(40.0)), speed(Of::Figure, AtMost(32.0))],
        ),
    ];
    let plan = *plan;
    let (sign, refresh_per_second, tokens) = (None, None, 0);
    Ok((Stage { plan, pins, install, running, actors, sign, refresh_per_second, tokens }, facts))
}

/// A second after it is ready: what starts lazily has then started.
fn idle_memory(running: &Running) -> Result<f64> {
    crate::stop::pause(Duration::from_secs(1));
    Ok(real(resident_bytes(running.id())?) / 1e6)
}

fn after_load(stage: &Stage) -> Result<Fact> {
    let memory = real(resident_bytes(stage.running.id())?) / 1e6;
    let name = format!("memory after the rows (RSS), {} tokens issued", stage.tokens);
    // The goal speaks of a million tokens: fewer prove nothing.
    let goals: &[Goal] = if stage.tokens >= 1_000_000 { &[speed(Of::Figure, AtMost(64.0))] } else { &[] };
    Ok(Fact::new(&name, "MB", memory, goals))
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
        assert_eq!(names(&["code"]), ["refresh", "code"]);
        assert_eq!(names(&[]).len(), ROWS.len());
        assert!(chosen(&["nonsense".to_owned()]).is_err());
    }
}
