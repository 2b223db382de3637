//! What the connections of each row say, on any world: the same on an empty store and on a full one.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Result, bail};

use super::logins::LOGINS;
use crate::exchange::{CodeFlow, Cycle, Exchange, Fixed, Gather, Gathered, Refresh};
use crate::load::Party;
use crate::measure::{Exchanges, Stage, World};
use crate::setup::Algorithm;

pub(super) type Make = fn(&Stage, &World) -> Result<Exchanges>;

const WIDE: usize = 256;

#[expect(clippy::unnecessary_wraps, reason = "one of several that are called alike")]
pub(super) fn sealed(stage: &Stage, world: &World) -> Result<Exchanges> {
    Ok(client_credentials(stage, world, None))
}

#[expect(clippy::unnecessary_wraps, reason = "one of several that are called alike")]
pub(super) fn eddsa(stage: &Stage, world: &World) -> Result<Exchanges> {
    Ok(client_credentials(stage, world, Some(Algorithm::EdDsa)))
}

#[expect(clippy::unnecessary_wraps, reason = "one of several that are called alike")]
pub(super) fn es256(stage: &Stage, world: &World) -> Result<Exchanges> {
    Ok(client_credentials(stage, world, Some(Algorithm::Es256)))
}

#[expect(clippy::unnecessary_wraps, reason = "one of several that are called alike")]
pub(super) fn rs256(stage: &Stage, world: &World) -> Result<Exchanges> {
    Ok(client_credentials(stage, world, Some(Algorithm::Rs256)))
}

fn client_credentials(stage: &Stage, world: &World, algorithm: Option<Algorithm>) -> Exchanges {
    let request = world.actors.client_credentials(algorithm);
    let expected = if algorithm.is_some() { r#""access_token":"ey"# } else { r#""access_token":"vk_at_"# };
    (0..stage.plan.connections).map(|_| Fixed::boxed(&request, expected)).collect()
}

pub(super) fn introspection(stage: &Stage, world: &World) -> Result<Exchanges> {
    let tokens = gather(stage, world)?;
    let requests: Rc<[Vec<u8>]> = tokens.iter().map(|token| world.actors.introspection(token)).collect();
    Ok(Cycle::over(&requests, stage.plan.connections, r#""active":true"#))
}

/// As many distinct sealed tokens as the plan asks for.
fn gather(stage: &Stage, world: &World) -> Result<Vec<String>> {
    let tokens = Gathered::new(RefCell::new(Vec::new()));
    let request: Rc<[u8]> = world.actors.client_credentials(None).into();
    let exchange = |_| {
        let gather = Gather { request: Rc::clone(&request), tokens: Rc::clone(&tokens) };
        Box::new(gather) as Box<dyn Exchange>
    };
    let exchanges = (0..stage.plan.connections).map(exchange).collect();
    let mut load = world.load(vec![Party { exchanges, rate: None }])?;
    while tokens.borrow().len() < stage.plan.tokens {
        let sample = load.run(Duration::from_millis(100))?.remove(0);
        if let Some(error) = sample.first_error {
            bail!("cannot gather tokens: {error}");
        }
    }
    drop(load);
    let mut tokens = tokens.take();
    stage.tokens.set(stage.tokens.get() + tokens.len() as u64);
    tokens.truncate(stage.plan.tokens);
    Ok(tokens)
}

pub(super) fn refresh(stage: &Stage, world: &World) -> Result<Exchanges> {
    chains(world, stage.plan.connections)
}

pub(super) fn refresh_wide(_: &Stage, world: &World) -> Result<Exchanges> {
    chains(world, WIDE)
}

/// Every connection has a grant of its own, and refreshes it again and again.
fn chains(world: &World, connections: usize) -> Result<Exchanges> {
    let (host, client) = (world.install.host(), world.actors.code_request.client());
    let tokens = world.actors.grants(&world.install, connections)?;
    Ok(tokens.into_iter().map(|token| Refresh::boxed(&host, &client, token)).collect())
}

pub(super) fn code(stage: &Stage, world: &World) -> Result<Exchanges> {
    let sessions = world.actors.sessions(&world.install)?;
    let (host, code_request) = (world.install.host(), world.actors.code_request.clone());
    let browsers = sessions.into_iter().cycle().take(stage.plan.connections);
    Ok(browsers.map(|cookies| CodeFlow::boxed(&host, code_request.clone(), cookies)).collect())
}

#[expect(clippy::unnecessary_wraps, reason = "one of several that are called alike")]
pub(super) fn logins(_: &Stage, world: &World) -> Result<Exchanges> {
    Ok(world.logins(LOGINS))
}
