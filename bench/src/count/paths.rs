//! The hot paths: what is asked of the server on each.

use anyhow::{Context as _, Result};
use std::rc::Rc;

use crate::browser::{Browser, read_whole};
use crate::exchange::{CodeFlow, Cycle, Exchange, Fixed, Refresh};
use crate::server::Install;
use crate::setup::{Actors, Algorithm};

pub(super) struct HotPath {
    pub(super) name: &'static str,
    pub(super) exchange: Box<dyn Exchange>,
}

/// Tokens to introspect in turn.
const TOKENS: usize = 16;

/// Needs a running server: tokens, a session and grants are made in it first.
pub(super) fn all(install: &Install, actors: &Actors) -> Result<Vec<HotPath>> {
    let host = install.host();
    let signed =
        |algorithm| Fixed::boxed(&actors.client_credentials(Some(algorithm)), r#""access_token":"ey"#);
    let sealed = Fixed::boxed(&actors.client_credentials(None), r#""access_token":"vk_at_"#);
    let session = actors.sessions(install)?.remove(0);
    let refresh = actors.grants(install, 1)?.remove(0);
    let code = CodeFlow::boxed(&host, actors.code_request.clone(), session);
    let path = |name, exchange| HotPath { name, exchange };
    Ok(vec![
        path("client_credentials", sealed),
        path("client_credentials_eddsa", signed(Algorithm::EdDsa)),
        path("introspection", introspection(install, actors)?),
        path("refresh", Refresh::boxed(&host, &actors.code_request.client(), refresh)),
        path("code_flow", code),
    ])
}

fn introspection(install: &Install, actors: &Actors) -> Result<Box<dyn Exchange>> {
    let mut browser = Browser::open(install.public, &install.host())?;
    let mut requests = Vec::new();
    for _ in 0..TOKENS {
        let bytes = browser.send(&actors.client_credentials(None))?;
        let answer = read_whole(&bytes)?;
        let token = answer.json_text("access_token").with_context(|| answer.describe())?;
        requests.push(actors.introspection(token));
    }
    let requests = Rc::from(requests);
    Ok(Cycle::over(&requests, 1, r#""active":true"#).remove(0))
}
