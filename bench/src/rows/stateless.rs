//! Rows that leave the store as it is: client credentials and introspection.

use anyhow::Result;

use super::loads;
use crate::baseline::SignCost;
use crate::measure::{Basis, Stage};
use crate::report::Figures;

pub(super) fn sealed(stage: &Stage) -> Result<Figures> {
    stage.measure(&stage.empty, loads::sealed(stage, &stage.empty)?, Basis::Bare)
}

pub(super) fn eddsa(stage: &Stage) -> Result<Figures> {
    signed(stage, loads::eddsa, "ed25519")
}

pub(super) fn es256(stage: &Stage) -> Result<Figures> {
    signed(stage, loads::es256, "es256")
}

pub(super) fn rs256(stage: &Stage) -> Result<Figures> {
    signed(stage, loads::rs256, "rs256")
}

/// Of each measurement of a signature.
const SIGN_SECONDS: &str = "0.3";

/// A signed token cannot come faster than a bare answer and a signature, one after the other.
fn signed(stage: &Stage, load: loads::Make, algorithm: &'static str) -> Result<Figures> {
    let cost = || Ok(stage.pins.figures::<SignCost>(&["sign", algorithm, SIGN_SECONDS])?.seconds);
    stage.measure(&stage.empty, load(stage, &stage.empty)?, Basis::Bound(&cost))
}

pub(super) fn introspection(stage: &Stage) -> Result<Figures> {
    let exchanges = loads::introspection(stage, &stage.empty)?;
    let figures = stage.measure(&stage.empty, exchanges, Basis::Bare)?;
    Ok(figures.with_note(format!("{} distinct tokens", stage.plan.tokens)))
}
