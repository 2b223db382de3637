//! Rows that write durably: refresh with rotation beside the commit probe, and whole code flows beside refresh.

use anyhow::{Context as _, Result};

use crate::exchange::{CodeFlow, Refresh};
use crate::measure::Stage;
use crate::probe::CommitRate;
use crate::report::Figures;

const WIDE: usize = 256;

pub(super) fn refresh(stage: &mut Stage) -> Result<Figures> {
    let figures = refresh_with(stage, stage.plan.connections)?;
    stage.refresh_per_second = figures.first_error.is_none().then_some(figures.per_second);
    Ok(figures)
}

pub(super) fn refresh_wide(stage: &mut Stage) -> Result<Figures> {
    refresh_with(stage, WIDE)
}

/// Every connection has a grant of its own; the probe has as many callers, and runs before and after.
fn refresh_with(stage: &mut Stage, connections: usize) -> Result<Figures> {
    let (host, client) = (stage.install.host(), stage.actors.code_request.client());
    let tokens = stage.actors.grants(&stage.install, connections)?;
    let chains = tokens.into_iter().map(|token| Refresh::boxed(&host, &client, token)).collect();
    let before = probe(stage, "threads", connections)?;
    let mut figures = stage.measure(chains)?;
    let after = probe(stage, "threads", connections)?;
    let alone = probe(stage, "tasks", connections)?;
    let (first, last) = (before.per_second, after.per_second);
    let what = format!("one-row updates, {connections} waiting threads ({first:.0} and {last:.0}), mean");
    figures.compare_rate(what, f64::midpoint(first, last));
    let bare = figures.bare_per_second.unwrap_or(f64::INFINITY);
    let (updates, both) = (alone.per_second, 1.0 / (1.0 / bare + 1.0 / alone.per_second));
    let share = figures.per_second / both;
    Ok(figures
        .with_note(format!("updates shared a commit by {:.0}", before.per_commit))
        .with_note(format!(
            "with {connections} tasks in place of threads the probe made {updates:.0} updates/s"
        ))
        .with_note(format!("{share:.3} of the bound 1/(1/bare + 1/that) = {both:.0}")))
}

fn probe(stage: &Stage, callers: &str, count: usize) -> Result<CommitRate> {
    let scratch = stage.install.scratch()?;
    let dir = scratch.to_str().context("the directory's name is not UTF-8")?;
    let seconds = stage.plan.baseline.as_secs_f64().to_string();
    stage.pins.figures(&["probe", dir, callers, &count.to_string(), &seconds])
}

pub(super) fn code_flow(stage: &mut Stage) -> Result<Figures> {
    let sessions = stage.actors.sessions(&stage.install)?;
    let (host, code_request) = (stage.install.host(), stage.actors.code_request.clone());
    let browsers = sessions.into_iter().cycle().take(stage.plan.connections);
    let flows = browsers.map(|cookies| CodeFlow::boxed(&host, code_request.clone(), cookies)).collect();
    let mut figures = stage.measure(flows)?;
    if let Some(refresh) = stage.refresh_per_second {
        figures.compare_rate("the row `refresh`".to_owned(), refresh);
    }
    Ok(figures.with_note("a unit is two requests: authorize and token".to_owned()))
}
