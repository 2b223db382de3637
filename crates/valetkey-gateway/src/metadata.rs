//! RFC 9728 §3 — what an API says of itself: who issues its tokens, and which scopes mean something to it

use axum::body::Body;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_MAX_AGE, ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue,
};
use http::{Method, Response, StatusCode};
use serde_json::json;
use std::collections::BTreeSet;
use valetkey_core::context::Server;
use valetkey_core::store::Api;

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// The part of a path behind the well-known one: an API's prefix, or nothing.
pub(crate) fn suffix(path: &str) -> Option<&str> {
    path.strip_prefix(WELL_KNOWN).filter(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Where an API's document is.
pub(crate) fn path(api: &Api) -> String {
    format!("{WELL_KNOWN}{}", api.prefix)
}

/// The document of the API with that prefix; without one, of the API whose resource is the server itself.
pub(crate) fn answer(server: &Server, method: &Method, suffix: &str) -> Option<Response<Body>> {
    let catalog = server.catalog();
    let suffix = suffix.trim_end_matches('/');
    let issuer = server.settings.issuer();
    let api = catalog.apis().iter().find(|api| {
        let below = api.resource.strip_prefix(issuer).map(|rest| rest.trim_end_matches('/'));
        below == Some(suffix) || (!suffix.is_empty() && api.prefix == suffix)
    })?;
    match *method {
        Method::GET | Method::HEAD => {}
        Method::OPTIONS => return Some(preflight()),
        _ => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD, OPTIONS"));
            return Some(response);
        }
    }
    let mut scopes: BTreeSet<&str> = api.scopes.iter().collect();
    scopes.extend(api.endpoints.iter().flat_map(|rule| rule.scopes.iter()));
    let methods: &[&str] = if api.query_access_token { &["header", "body", "query"] } else { &["header"] };
    let document = json!({
        "resource": api.resource,
        "resource_name": api.name,
        "authorization_servers": [issuer],
        "scopes_supported": scopes,
        "bearer_methods_supported": methods,
    });
    let mut response = Response::new(Body::from(document.to_string()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=60"));
    Some(response)
}

/// Fetch Standard §3.3 — anyone may read the document; MCP clients in a browser ask first, for the header they send.
fn preflight() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET"));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("mcp-protocol-version"));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("7200"));
    response
}
