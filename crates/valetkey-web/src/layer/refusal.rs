//! Answers no handler gave: unknown path, wrong method, body too large, a panic. In the form the route speaks.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::body::Body;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};

use super::request_id::RequestId;
use super::routes::Form;

/// Draws the whole HTML page for an error, in words, with the request id to quote.
pub type ErrorPage = Arc<dyn Fn(StatusCode, &RequestId) -> String + Send + Sync>;

/// A page without style, for a listener that has no templates.
pub fn plain_page() -> ErrorPage {
    Arc::new(|status, id| {
        let mut page = String::from("<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">");
        let (title, words) = (title(status), words(status));
        let _ = write!(
            page,
            "<title>{title}</title><h1>{title}</h1><p>{words}</p><p>Request id: {id}</p></html>"
        );
        page
    })
}

/// How a request is refused: the form of its route, and the id to quote.
pub(super) struct Refusal<'a> {
    pub(super) form: Form,
    pub(super) request_id: &'a RequestId,
    pub(super) page: &'a ErrorPage,
}

impl Refusal<'_> {
    /// Gives a bare error status (as axum's 404 and 405 are) its body; everything else passes as it is.
    pub(super) fn completed(&self, response: Response<Body>) -> Response<Body> {
        let status = response.status();
        let is_error = status.is_client_error() || status.is_server_error();
        // 401 and 403 without a body can be meant: the challenge is in the header (RFC 6750 §3).
        let meant = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
        if !is_error || meant || response.headers().contains_key(CONTENT_TYPE) {
            return response;
        }
        let (mut parts, _) = response.into_parts();
        let (kind, body) = self.body(status);
        parts.headers.remove(CONTENT_LENGTH);
        parts.headers.insert(CONTENT_TYPE, kind);
        Response::from_parts(parts, Body::from(body))
    }

    pub(super) fn panicked(&self) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        self.completed(response)
    }

    fn body(&self, status: StatusCode) -> (HeaderValue, String) {
        let (title, words, id) = (title(status), words(status), self.request_id);
        match self.form {
            Form::Protocol => {
                let body = serde_json::json!({ "error": code(status), "error_description": words });
                (HeaderValue::from_static("application/json"), body.to_string())
            }
            Form::Rest => {
                let body = serde_json::json!({
                    "type": "about:blank", "title": title, "status": status.as_u16(), "detail": words,
                    "request_id": id.as_str(),
                });
                (HeaderValue::from_static("application/problem+json"), body.to_string())
            }
            Form::Page => (HeaderValue::from_static("text/html; charset=utf-8"), (self.page)(status, id)),
        }
    }
}

/// RFC 6749 §5.2 and §4.1.2.1: the error code nearest to the status.
fn code(status: StatusCode) -> &'static str {
    match status {
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => "temporarily_unavailable",
        status if status.is_server_error() => "server_error",
        _ => "invalid_request",
    }
}

fn title(status: StatusCode) -> &'static str {
    status.canonical_reason().unwrap_or("Error")
}

/// What happened and what to change, without a word of the request.
fn words(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "There is nothing at this address.",
        StatusCode::METHOD_NOT_ALLOWED => {
            "This address does not answer that method; the Allow header names those it does."
        }
        StatusCode::PAYLOAD_TOO_LARGE => "The request body is larger than this address takes.",
        StatusCode::REQUEST_TIMEOUT => "The request body did not arrive in time.",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            "The request body has a content type this address does not take."
        }
        StatusCode::TOO_MANY_REQUESTS => "Too many requests; wait and try again.",
        StatusCode::SERVICE_UNAVAILABLE => "The server cannot answer just now; try again in a moment.",
        status if status.is_server_error() => {
            "The server failed to answer; the request id helps to find out why."
        }
        _ => "The request cannot be understood.",
    }
}
