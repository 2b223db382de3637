//! Rows that write durably to SQLite: refresh with rotation beside the commit probe, and whole code flows beside refresh.

use anyhow::{Context as _, Result};

use super::loads;
use crate::measure::{Basis, Stage};
use crate::probe::CommitRate;
use crate::report::Figures;

pub(super) fn refresh(stage: &Stage) -> Result<Figures> {
    beside_probe(stage, loads::refresh)
}

pub(super) fn refresh_wide(stage: &Stage) -> Result<Figures> {
    beside_probe(stage, loads::refresh_wide)
}

/// The probe has as many callers as there are connections.
fn beside_probe(stage: &Stage, load: loads::Make) -> Result<Figures> {
    let chains = load(stage, &stage.empty)?;
    let connections = chains.len();
    let mut rate = || Ok(probe(stage, "threads", connections)?.per_second);
    let what = format!("one-row updates, {connections} waiting threads");
    let figures = stage.measure(&stage.empty, chains, Basis::Rate(what, &mut rate))?;
    let alone = probe(stage, "tasks", connections)?;
    let (updates, each) = (alone.per_second, alone.per_commit);
    Ok(figures.with_note(format!(
        "with {connections} tasks in place of threads the probe made {updates:.0} updates/s, {each:.0} a commit"
    )))
}

fn probe(stage: &Stage, callers: &str, count: usize) -> Result<CommitRate> {
    let scratch = stage.empty.install.scratch()?;
    let dir = scratch.to_str().context("the directory's name is not UTF-8")?;
    let (count, seconds) = (count.to_string(), stage.plan.baseline.as_secs_f64().to_string());
    let cores = stage.pins.cores.map(|(server, load)| [server.to_string(), load.to_string()]);
    let mut words = vec!["probe", dir, callers, &count, &seconds];
    words.extend(cores.iter().flatten().map(String::as_str));
    stage.pins.figures(&words)
}

pub(super) fn code_flow(stage: &Stage) -> Result<Figures> {
    let world = &stage.empty;
    let mut refresh = stage.rate_of(world, loads::refresh(stage, world)?)?;
    let basis = Basis::Rate("refreshes of the same server".to_owned(), &mut refresh);
    let figures = stage.measure(world, loads::code(stage, world)?, basis)?;
    Ok(figures.with_note("a unit is two requests: authorize and token".to_owned()))
}
