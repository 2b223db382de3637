//! The gateway: protects an API that knows nothing of OAuth. It judges a request, says who calls, and passes it on; or it
//! tells a reverse proxy what it would have said (forward-auth).

mod browser;
mod challenge;
mod cors;
mod credential;
mod forward_auth;
mod headers;
mod identity;
mod judging;
mod lasting;
mod metadata;
mod policy;
mod proxy;
mod route;
mod tunnel;
mod upstream;
mod verify;

use axum::body::Body;
use http::request::Parts;
use http::{Request, Response};
use identity::Identities;
use rustls::ClientConfig;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use upstream::Upstream;
use valetkey_core::context::Server;
use valetkey_core::proof::certificate::Fingerprint;
use valetkey_core::store::Api;

/// What an upstream and a caller may cost.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Until a connection to an upstream stands.
    pub connect_timeout: Duration,
    /// Until an upstream begins to answer; what the caller sends is part of it.
    pub response_timeout: Duration,
    /// Bytes of a request's body.
    pub max_body_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            response_timeout: Duration::from_secs(100),
            max_body_bytes: 64 * 1024 * 1024,
        }
    }
}

/// Who calls, as the edge found out.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    /// The client's address: the peer's, or what a trusted proxy says of it.
    pub address: IpAddr,
    /// The peer is a proxy that may speak for others.
    pub trusted_peer: bool,
    /// The certificate in whose connection it came.
    pub certificate: Option<Fingerprint>,
    pub request_id: &'a str,
}

/// What became of a request.
#[derive(Debug)]
pub enum Answer {
    /// It belongs to no API.
    NotOurs,
    /// The gateway's own answer.
    Own(Response<Body>),
    /// An upstream's answer, to be handed on as it is.
    Passed(Response<Body>),
    /// A person in a browser wants `target`, a path below the API's prefix, and has to sign in first.
    SignIn { api: Box<Api>, target: String, parts: Box<Parts> },
    /// A person at that API signs out.
    SignOut { api: Box<Api>, parts: Box<Parts> },
}

/// The gateway. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Gateway(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    server: Arc<Server>,
    upstream: Upstream,
    identities: Identities,
}

impl Gateway {
    /// `tls`: whose certificates an `https` upstream may show.
    pub fn new(server: Arc<Server>, limits: Limits, tls: ClientConfig) -> Self {
        let upstream = Upstream::new(limits, tls);
        Self(Arc::new(Inner { server, upstream, identities: Identities::default() }))
    }

    /// Answers a request that none of the server's own routes answers.
    pub async fn answer(&self, request: Request<Body>, caller: Caller<'_>) -> Answer {
        let path = request.uri().path();
        if let Some(suffix) = metadata::suffix(path) {
            return metadata::answer(&self.0.server, request.method(), suffix)
                .map_or(Answer::NotOurs, Answer::Own);
        }
        if forward_auth::is_at(path) {
            return forward_auth::answer(&self.0, request, caller).await;
        }
        proxy::answer(&self.0, request, caller).await
    }
}
