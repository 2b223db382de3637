//! Rows about passwords: logins beside argon2's own rate, and what logins do to others.

use std::time::Duration;

use anyhow::Result;

use super::loads;
use crate::baseline::HashRate;
use crate::exchange::Fixed;
use crate::load::Party;
use crate::measure::{Basis, Runs, Stage};
use crate::report::Figures;

/// Connections that sign in: hashing is bounded by the processor, so more would only wait longer.
pub(super) const LOGINS: usize = 8;

/// Client-credentials requests a second while logins run: a few per cent of a core, so that what is measured is
/// how long they wait and not how the core is shared out between two full loads.
const MEANWHILE: f64 = 1000.0;

pub(super) fn password(stage: &Stage) -> Result<Figures> {
    let seconds = stage.plan.baseline.as_secs_f64().to_string();
    let mut rate = || Ok(stage.pins.figures::<HashRate>(&["argon2", &seconds])?.per_second);
    let basis = Basis::Rate("argon2id 19 MiB t=2 p=1".to_owned(), &mut rate);
    let figures = stage.measure(&stage.empty, loads::logins(stage, &stage.empty)?, basis)?;
    Ok(figures.with_note("a unit is authorize, login page, password".to_owned()))
}

/// p99 at a fixed light rate, by turns without logins and with them.
pub(super) fn client_credentials_meanwhile(stage: &Stage) -> Result<Figures> {
    let world = &stage.empty;
    let (mut idle, mut busy, mut logins) = (Runs::default(), Runs::default(), Runs::default());
    let mut alone = world.load(vec![paced(stage)])?;
    let mut beside = world.load(vec![paced(stage), Party { exchanges: world.logins(LOGINS), rate: None }])?;
    alone.run(Duration::from_millis(200))?;
    for _ in 0..stage.plan.runs {
        idle.add(&alone.run(stage.plan.run)?[0]);
        let samples = beside.run(stage.plan.run)?;
        busy.add(&samples[0]);
        logins.add(&samples[1]);
    }
    let (idle_p99s, p99s, rate) = (idle.p99s().to_vec(), busy.p99s().to_vec(), logins.per_second());
    let failed = idle.first_error().or(logins.first_error()).map(str::to_owned);
    let mut figures = busy.figures(stage.plan.connections);
    if let Some(error) = failed {
        figures.errors += 1;
        figures.first_error.get_or_insert(error);
    }
    figures.resident_bytes = crate::procfs::resident_bytes(world.running.id())?;
    figures.compare_pairs("its p99 without logins, µs".to_owned(), &p99s, &idle_p99s);
    Ok(figures.with_note(format!("meanwhile {rate:.1} logins/s")))
}

fn paced(stage: &Stage) -> Party {
    let request = stage.empty.actors.client_credentials(None);
    let exchanges =
        (0..stage.plan.connections).map(|_| Fixed::boxed(&request, r#""access_token""#)).collect();
    Party { exchanges, rate: Some(MEANWHILE) }
}
