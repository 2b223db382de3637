//! What every handler shares.

use crate::layer::body::BodyLimits;
use crate::layer::request_id::RequestId;
use crate::pages::render::Renderer;
use crate::pages::view::Site;
use std::sync::Arc;
use valetkey_core::context::{Caller, Context, RequestName, Server};

/// The application. Cheap to clone.
#[derive(Debug, Clone)]
pub struct App(Arc<Inner>);

#[derive(Debug)]
pub struct Inner {
    pub server: Arc<Server>,
    pub renderer: Renderer,
    pub site: Site,
    pub body_limits: BodyLimits,
    /// Whether there is a console.
    pub console: bool,
    /// Set by `valetkey dev`: `/dev/callback` plays the demo application.
    pub demo: Option<Demo>,
}

/// The demo application of `valetkey dev`.
#[derive(Debug, Clone)]
pub struct Demo {
    pub client_id: String,
    pub client_secret: String,
    pub redirect_uri: String,
    /// The ids and secrets of all demo applications: no secrets at all.
    pub secrets: Vec<(String, String)>,
    /// The PKCE verifier behind the challenge in the printed link.
    pub code_verifier: String,
}

impl std::ops::Deref for App {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl App {
    pub fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// One request's view of the server.
    pub fn context(&self, address: std::net::IpAddr, request: &RequestId) -> Context {
        let request = RequestName::new(request.as_str());
        let caller = Caller { address: Some(address), request: Some(request), ..Caller::default() };
        Context::new(&self.server, caller)
    }
}
