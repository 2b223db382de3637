//! Rows that leave the store as it is: client credentials and introspection.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::baseline::SignCosts;
use crate::exchange::{Cycle, Exchange, Fixed, Gather, Gathered};
use crate::load::Party;
use crate::measure::Stage;
use crate::report::Figures;
use crate::setup::Algorithm;

pub(super) fn sealed(stage: &mut Stage) -> Result<Figures> {
    client_credentials(stage, None)
}

pub(super) fn eddsa(stage: &mut Stage) -> Result<Figures> {
    signed(stage, Algorithm::EdDsa, |costs| costs.ed25519)
}

pub(super) fn es256(stage: &mut Stage) -> Result<Figures> {
    signed(stage, Algorithm::Es256, |costs| costs.es256)
}

pub(super) fn rs256(stage: &mut Stage) -> Result<Figures> {
    signed(stage, Algorithm::Rs256, |costs| costs.rs256)
}

fn client_credentials(stage: &mut Stage, algorithm: Option<Algorithm>) -> Result<Figures> {
    let request = stage.actors.client_credentials(algorithm);
    let expected = if algorithm.is_some() { r#""access_token":"ey"# } else { r#""access_token":"vk_at_"# };
    stage.measure((0..stage.plan.connections).map(|_| Fixed::boxed(&request, expected)).collect())
}

/// A signed token cannot come faster than a bare answer and a signature, one after the other.
fn signed(stage: &mut Stage, algorithm: Algorithm, cost: fn(&SignCosts) -> f64) -> Result<Figures> {
    let costs = if let Some(costs) = stage.sign {
        costs
    } else {
        let each = stage.plan.baseline.as_secs_f64() / 3.0;
        *stage.sign.insert(stage.pins.figures(&["sign", &each.to_string()])?)
    };
    let mut figures = client_credentials(stage, Some(algorithm))?;
    let sign = cost(&costs);
    if let Some(bare) = figures.bare_per_second {
        let what = format!("1/(1/bare + sign), sign {:.1} µs", sign * 1e6);
        figures.compare_rate(what, 1.0 / (1.0 / bare + sign));
    }
    Ok(figures)
}

pub(super) fn introspection(stage: &mut Stage) -> Result<Figures> {
    let tokens = gather(stage)?;
    let requests: Rc<[Vec<u8>]> = tokens.iter().map(|token| stage.actors.introspection(token)).collect();
    let figures = stage.measure(Cycle::over(&requests, stage.plan.connections, r#""active":true"#))?;
    Ok(figures.with_note(format!("{} distinct tokens", requests.len())))
}

/// As many distinct sealed tokens as the plan asks for.
fn gather(stage: &mut Stage) -> Result<Vec<String>> {
    let tokens = Gathered::new(RefCell::new(Vec::new()));
    let request: Rc<[u8]> = stage.actors.client_credentials(None).into();
    let exchange = |_| {
        let gather = Gather { request: Rc::clone(&request), tokens: Rc::clone(&tokens) };
        Box::new(gather) as Box<dyn Exchange>
    };
    let exchanges = (0..stage.plan.connections).map(exchange).collect();
    let mut load = stage.load(vec![Party { exchanges, rate: None }])?;
    while tokens.borrow().len() < stage.plan.tokens {
        let sample = load.run(Duration::from_millis(100))?.remove(0);
        if let Some(error) = sample.first_error {
            bail!("cannot gather tokens: {error}");
        }
    }
    drop(load);
    let mut tokens = tokens.take();
    stage.tokens += tokens.len() as u64;
    tokens.truncate(stage.plan.tokens);
    Ok(tokens)
}
