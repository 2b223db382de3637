//! One log event per request, and one for what went wrong in it. No query, body, credential or cookie is ever in it.
//!
//! Targets: `valetkey::access` (info; warn from status 500 on), `valetkey::fault` (error), and the span
//! `valetkey::request` (debug). The binary's default filter is meant to be `info,valetkey::access=warn`: a disabled
//! event costs one atomic load.

use std::time::Duration;

use axum::body::Body;
use http::{Method, Response, StatusCode};
use tracing::Span;

use super::Arrival;
use super::panics::Panic;
use super::request_id::RequestId;

/// Why an answer is a 5xx, put by the error layer into the response's extensions; logged here, once, with the
/// request id. It must not hold secrets or request input.
#[derive(Debug, Clone)]
pub struct Cause(pub String);

pub(super) struct Line<'a> {
    pub(super) method: &'static str,
    /// The template, never the path.
    pub(super) route: &'a str,
    pub(super) status: StatusCode,
    pub(super) duration: Duration,
    pub(super) arrival: &'a Arrival,
}

/// The span in which a handler runs, so that its own log lines carry the request id when debugging.
pub(super) fn span(id: &RequestId) -> Span {
    tracing::debug_span!(target: "valetkey::request", "request", %id)
}

pub(super) fn log(line: &Line<'_>, response: &Response<Body>) {
    let Line { method, route, status, duration, arrival } = line;
    let Arrival { request_id, client, .. } = arrival;
    let status = status.as_u16();
    let duration_us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    if status < 500 {
        tracing::info!(target: "valetkey::access", method, route, status, duration_us, %request_id, %client);
        return;
    }
    tracing::warn!(target: "valetkey::access", method, route, status, duration_us, %request_id, %client);
    if let Some(Cause(cause)) = response.extensions().get() {
        tracing::error!(target: "valetkey::fault", %request_id, route, cause, "a request failed");
    }
}

pub(super) fn panicked(panic: &Panic, request_id: &RequestId, route: &str) {
    let Panic { place, message } = panic;
    metrics::counter!("valetkey_http_panics_total").increment(1);
    tracing::error!(target: "valetkey::fault", %request_id, route, place, message, "a handler panicked");
}

/// The method's name; a client can invent others, and those share one.
pub(super) fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::TRACE => "TRACE",
        Method::CONNECT => "CONNECT",
        _ => "OTHER",
    }
}
