//! Fetch Standard §3.3 — cross-origin reads: public documents by anyone, token answers only by the client's own origin

use axum::body::Body;
use axum::response::Response;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, VARY,
};
use http::{HeaderValue, StatusCode};
use url::Url;
use valetkey_core::client::Client;

/// What a browser application needs beside the body (RFC 6750 §3, RFC 9449 §8).
const READABLE: HeaderValue = HeaderValue::from_static("www-authenticate, dpop-nonce");

/// Documents that hold no secret and need no credentials.
pub(crate) fn public(mut response: Response) -> Response {
    response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response.headers_mut().insert(ACCESS_CONTROL_EXPOSE_HEADERS, READABLE);
    response
}

/// RFC 10017: a browser application reads its token answer if it runs where one of its redirect URIs points.
pub(crate) fn for_client(mut response: Response, origin: Option<&str>, client: &Client) -> Response {
    let Some(origin) = origin else { return response };
    let own = |uri: &String| Url::parse(uri).is_ok_and(|url| url.origin().ascii_serialization() == origin);
    response.headers_mut().insert(VARY, HeaderValue::from_static("Origin"));
    if origin != "null"
        && client.redirect_uris.iter().any(own)
        && let Ok(value) = HeaderValue::from_str(origin)
    {
        response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, value);
        response.headers_mut().insert(ACCESS_CONTROL_EXPOSE_HEADERS, READABLE);
    }
    response
}

/// The preflight says nothing about any client; the answer itself decides who may read it.
pub(crate) async fn preflight() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"));
    // MCP clients send the third with the metadata request already.
    let allowed = HeaderValue::from_static("authorization, content-type, dpop, mcp-protocol-version");
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed);
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("7200"));
    response
}
