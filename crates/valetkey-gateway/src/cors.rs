//! Fetch Standard §3.3 — which other origins' scripts may call an API, where its operator listed any
//!
//! Tokens are no ambient credentials, so nothing here ever allows credentials: no cookie opens an API to another origin.

use axum::body::Body;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderName, HeaderValue,
    ORIGIN, VARY,
};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use valetkey_core::route;
use valetkey_core::store::Api;

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
/// What a script may send where it does not say.
const USUAL: HeaderValue = HeaderValue::from_static("authorization, content-type");
/// What a script has to read to find out what it lacks, and to name a request in a complaint.
const EXPOSED: HeaderValue = HeaderValue::from_static("WWW-Authenticate, X-Request-Id");
const PRIVATE_NETWORK: HeaderName = HeaderName::from_static("access-control-allow-private-network");

/// What to say of the origin of a request; `None`: nothing.
fn allowed(api: &Api, headers: &HeaderMap) -> Option<HeaderValue> {
    let mut origins = headers.get_all(ORIGIN).iter();
    let origin = origins.next().filter(|_| origins.next().is_none())?;
    if is_open(api) {
        return Some(HeaderValue::from_static("*"));
    }
    let listed = api.cors_origins.iter().any(|own| own.as_bytes() == origin.as_bytes());
    listed.then(|| origin.clone())
}

fn is_open(api: &Api) -> bool {
    api.cors_origins.iter().any(|origin| origin == "*")
}

/// The answer to a preflight of an origin that may call; it needs no token, and the API never sees it.
pub(crate) fn preflight(api: &Api, parts: &Parts) -> Option<Response<Body>> {
    if parts.method != Method::OPTIONS || api.cors_origins.is_empty() {
        return None;
    }
    let asked = parts.headers.get(ACCESS_CONTROL_REQUEST_METHOD)?;
    allowed(api, &parts.headers)?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    permit(api, &parts.headers, headers);
    headers.remove(ACCESS_CONTROL_EXPOSE_HEADERS);
    if asked.to_str().is_ok_and(|method| route::Method::of_request(method).is_some()) {
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    }
    let names = parts.headers.get(ACCESS_CONTROL_REQUEST_HEADERS).filter(|names| is_list(names.as_bytes()));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, names.cloned().unwrap_or(USUAL));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    headers.append(
        VARY,
        HeaderValue::from_static("access-control-request-method, access-control-request-headers"),
    );
    Some(response)
}

/// RFC 9110 §5.6.1: names of headers with commas between them.
fn is_list(text: &[u8]) -> bool {
    let letter = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~, ".contains(byte);
    text.len() <= 1000 && text.iter().all(letter)
}

/// Says in an answer whose scripts may read it. Where the operator listed origins, or people come by browser, what the
/// upstream says of it does not count.
pub(crate) fn permit(api: &Api, request: &HeaderMap, answer: &mut HeaderMap) {
    if api.browser {
        answer.remove(ACCESS_CONTROL_ALLOW_CREDENTIALS);
    }
    if api.cors_origins.is_empty() {
        return;
    }
    for name in [
        ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_ALLOW_CREDENTIALS,
        ACCESS_CONTROL_ALLOW_METHODS,
        ACCESS_CONTROL_ALLOW_HEADERS,
        PRIVATE_NETWORK,
    ] {
        answer.remove(name);
    }
    if !is_open(api) {
        // RFC 9110 §12.5.5: what a cache holds for one origin is not for another.
        answer.append(VARY, HeaderValue::from_static("origin"));
    }
    if let Some(origin) = allowed(api, request) {
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        answer.append(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
}
