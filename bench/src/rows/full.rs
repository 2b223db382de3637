//! A store with a million users, a million grants and 100,000 clients beside one that is empty.

use anyhow::Result;

use super::{idle_memory, loads, set_up};
use crate::measure::{Basis, Stage, World};
use crate::report::{Fact, Figures};
use crate::seed::{Amounts, fill};
use crate::stats::millis;

pub(super) const ON_EMPTY: &str = "the same on an empty store";

pub(super) fn sealed(stage: &Stage) -> Result<Figures> {
    beside_empty(stage, loads::sealed)
}

pub(super) fn eddsa(stage: &Stage) -> Result<Figures> {
    beside_empty(stage, loads::eddsa)
}

pub(super) fn introspection(stage: &Stage) -> Result<Figures> {
    beside_empty(stage, loads::introspection)
}

pub(super) fn refresh(stage: &Stage) -> Result<Figures> {
    beside_empty(stage, loads::refresh)
}

pub(super) fn refresh_wide(stage: &Stage) -> Result<Figures> {
    beside_empty(stage, loads::refresh_wide)
}

pub(super) fn code(stage: &Stage) -> Result<Figures> {
    beside_empty(stage, loads::code)
}

pub(super) fn logins(stage: &Stage) -> Result<Figures> {
    beside_empty(stage, loads::logins)
}

fn beside_empty(stage: &Stage, load: loads::Make) -> Result<Figures> {
    let full = world(stage)?;
    let mut rate = stage.rate_of(&stage.empty, load(stage, &stage.empty)?)?;
    let basis = Basis::Rate(ON_EMPTY.to_owned(), &mut rate);
    stage.measure(full, load(stage, full)?, basis)
}

/// The full one, made when it is first asked for.
pub(super) fn world(stage: &Stage) -> Result<&World> {
    if let Some(world) = stage.full.get() {
        return Ok(world);
    }
    let amounts = Amounts::of(stage.plan.quick);
    eprintln!("filling a store with {amounts}…");
    let mut world = set_up(&stage.plan, stage.pins, stage.binary.clone(), &stage.parent)?;
    // A row of each table, from which the others are copied.
    world.actors.grants(&world.install, 1)?;
    world.running.end(&world.install)?;
    fill(&world.install.database(), amounts)?;
    world.running = world.install.start()?;
    Ok(stage.full.get_or_init(|| world))
}

/// How the full one starts, and what it takes.
pub(super) fn facts(stage: &Stage) -> Result<Vec<Fact>> {
    let Some(world) = stage.full.get() else { return Ok(Vec::new()) };
    let ready = millis(world.running.ready_after);
    Ok(vec![
        Fact::new("exec to ready, full store", "ms", ready, super::START),
        Fact::new(
            "memory after its rows (RSS), full store",
            "MB",
            idle_memory(&world.running)?,
            super::AFTER,
        ),
    ])
}
