//! Rows that write durably: refresh with rotation beside the commit probe, and whole code flows beside refresh.

use anyhow::{Context as _, Result};

use crate::exchange::{CodeFlow, Refresh};
use crate::measure::Stage;
use crate::probe::CommitRate;
use crate::report::Figures;

const WIDE: usize = 256;

pub(super) fn refresh(stage: &mut Stage) -> Result<Figures> {
    let figures = refresh_with(stage, stage.plan.connections)?;
    stage.refresh_per_second = Some(figures.per_second);
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
    let before = probe(stage, connections)?;
    let mut figures = stage.measure(chains)?;
    let after = probe(stage, connections)?;
    let mean = f64::midpoint(before.per_second, after.per_second);
    let what = format!(
        "one-row updates, {connections} callers ({:.0} and {:.0})",
        before.per_second, after.per_second
    );
    figures.compare_rate(what, mean);
    Ok(figures.with_note(format!("the probe grouped {:.1} updates a commit", before.per_commit)))
}

fn probe(stage: &Stage, callers: usize) -> Result<CommitRate> {
    let scratch = stage.install.scratch()?;
    let dir = scratch.to_str().context("the directory's name is not UTF-8")?;
    let seconds = stage.plan.baseline.as_secs_f64().to_string();
    stage.pins.figures(&["probe", dir, &callers.to_string(), &seconds])
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
