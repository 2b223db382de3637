//! RFC 6749 §5.2, RFC 6750 §3 — refusals and faults on the wire

use super::respond::json;
use crate::layer::access::Cause;
use axum::response::{IntoResponse, Response};
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use valetkey_core::error::{Code, Denial, Error, Fault};
use valetkey_core::time::Seconds;

#[derive(Serialize)]
struct Body<'a> {
    error: &'static str,
    error_description: &'a str,
}

/// After how many seconds a caller may try again when something we need was away.
const RETRY_SECONDS: HeaderValue = HeaderValue::from_static("2");

/// After how many a caller who came too often may (RFC 6585 §4).
const WAIT_SECONDS: HeaderValue = HeaderValue::from_static("30");

fn body(status: StatusCode, code: Code, detail: &str) -> Response {
    let bytes = serde_json::to_vec(&Body { error: code.as_str(), error_description: detail });
    (status, json(bytes.unwrap_or_default())).into_response()
}

/// A refusal of a protocol endpoint. `challenged`: a 401 names the scheme by which a client may prove itself.
pub(crate) fn denied(denial: Denial, challenged: bool) -> Response {
    let status = match denial.code {
        Code::InvalidClient => StatusCode::UNAUTHORIZED,
        Code::TemporarilyUnavailable => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::BAD_REQUEST,
    };
    let mut response = body(status, denial.code, denial.detail);
    if status == StatusCode::TOO_MANY_REQUESTS {
        response.headers_mut().insert(RETRY_AFTER, WAIT_SECONDS);
    }
    if status == StatusCode::UNAUTHORIZED && challenged {
        let challenge = HeaderValue::from_static("Basic realm=\"valetkey\", charset=\"UTF-8\"");
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    response
}

/// RFC 7591 §3.2.2 — a refusal that says in words of ours which rule is broken.
pub(crate) fn broken(code: Code, words: &str) -> Response {
    body(StatusCode::BAD_REQUEST, code, words)
}

/// RFC 6585 §4 — a caller who came too often, and when it may come again.
pub(crate) fn too_often(detail: &'static str, wait: Seconds) -> Response {
    let mut response = denied(Code::TemporarilyUnavailable.because(detail), false);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.0));
    response
}

/// A failure of ours: 503 where a retry may help, 500 otherwise; the cause goes to the log, once.
pub(crate) fn failed(fault: &Fault) -> Response {
    let mut response = if fault.kind.is_outage() {
        let mut response = body(
            StatusCode::SERVICE_UNAVAILABLE,
            Code::TemporarilyUnavailable,
            "the server cannot answer just now; try again in a moment",
        );
        response.headers_mut().insert(RETRY_AFTER, RETRY_SECONDS);
        response
    } else {
        body(
            StatusCode::INTERNAL_SERVER_ERROR,
            Code::ServerError,
            "the server failed to answer; quote the x-request-id header when you report it",
        )
    };
    response.extensions_mut().insert(Cause(fault.to_string()));
    response
}

pub(crate) fn respond(error: &Error, challenged: bool) -> Response {
    match error {
        Error::Denied(denial) => denied(*denial, challenged),
        Error::Failed(fault) => failed(fault),
    }
}

/// A body that could not be read.
pub(crate) fn unreadable(status: StatusCode) -> Response {
    body(status, Code::InvalidRequest, "the request body is too large, too slow or incomplete")
}

/// RFC 6750 §3 — the challenge of a protected resource. No error code where no token was sent.
pub(crate) fn challenge(denial: Option<Denial>) -> Response {
    let (status, value) = match denial {
        None => (StatusCode::UNAUTHORIZED, "Bearer realm=\"valetkey\"".to_owned()),
        Some(denial) => {
            let status = match denial.code {
                Code::InsufficientScope => StatusCode::FORBIDDEN,
                Code::InvalidRequest => StatusCode::BAD_REQUEST,
                _ => StatusCode::UNAUTHORIZED,
            };
            let Denial { code, detail } = denial;
            let code = code.as_str();
            (status, format!("Bearer realm=\"valetkey\", error=\"{code}\", error_description=\"{detail}\""))
        }
    };
    let mut response = match denial {
        Some(denial) => body(status, denial.code, denial.detail),
        None => status.into_response(),
    };
    if let Ok(value) = HeaderValue::try_from(value) {
        response.headers_mut().insert(WWW_AUTHENTICATE, value);
    }
    response
}
