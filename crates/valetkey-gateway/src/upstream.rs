//! The way to an upstream: kept-alive connections, bodies streamed both ways, bounded in time and size.

use crate::Limits;
use crate::challenge::Refusal;
use axum::body::{Body, HttpBody};
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http::{Request, Response};
use http_body_util::{LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use std::error::Error as _;
use std::time::Duration;

/// Idle connections kept to each upstream, and for how long.
const KEPT: usize = 256;
const KEPT_FOR: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(crate) struct Upstream {
    client: Client<HttpsConnector<HttpConnector>, Body>,
    limits: Limits,
}

impl Upstream {
    /// `tls`: whose certificates count; upstreams speak HTTP/1.1.
    pub(crate) fn new(limits: Limits, mut tls: ClientConfig) -> Self {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(limits.connect_timeout));
        // The connector says itself what it speaks.
        tls.alpn_protocols.clear();
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1();
        let connector = connector.wrap_connector(http);
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(KEPT_FOR)
            .pool_max_idle_per_host(KEPT)
            .pool_timer(TokioTimer::new())
            .build(connector);
        Self { client, limits }
    }

    /// Whether a request says beforehand that its body is larger than we take.
    pub(crate) fn is_too_large(&self, parts: &Parts) -> bool {
        let length = parts.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        length
            .and_then(|text| text.parse::<usize>().ok())
            .is_some_and(|length| length > self.limits.max_body_bytes)
    }

    /// Sends a request; its answer's body comes as it arrives.
    pub(crate) async fn send(&self, request: Request<Body>) -> Result<Response<Incoming>, Refusal<'static>> {
        let limit = self.limits.max_body_bytes;
        let request = request.map(|body| {
            if body.is_end_stream() { Body::empty() } else { Body::new(Limited::new(body, limit)) }
        });
        match tokio::time::timeout(self.limits.response_timeout, self.client.request(request)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(refusal(&error)),
            Err(_) => Err(Refusal::UpstreamLate),
        }
    }
}

fn refusal(error: &Error) -> Refusal<'static> {
    let mut source = error.source();
    while let Some(inner) = source {
        if inner.is::<LengthLimitError>() {
            return Refusal::TooLarge;
        }
        let late = inner.downcast_ref::<std::io::Error>();
        if late.is_some_and(|error| error.kind() == std::io::ErrorKind::TimedOut) {
            return Refusal::UpstreamLate;
        }
        source = inner.source();
    }
    tracing::debug!(target: "valetkey::gateway", %error, "an upstream failed");
    Refusal::Upstream
}
