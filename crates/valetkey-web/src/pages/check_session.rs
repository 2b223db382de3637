//! OIDC Session Management §3.2 — the page that an application frames to ask whether somebody is still signed in

use super::assets::ASSETS;
use super::respond::HTML;
use crate::layer::csp::Policy;
use crate::layer::headers::Framable;
use axum::body::Body;
use axum::response::Response;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};

/// The same for everybody: what differs is in the browser's cookie.
pub(crate) async fn get() -> Response {
    let script = &ASSETS.check_session.path;
    let html = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Session</title>\
         <script src=\"{script}\"></script></head><body></body></html>\n"
    );
    let mut response = Response::new(Body::from(html));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HTML);
    headers.insert(CONTENT_SECURITY_POLICY, Policy::Framed.header());
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    response.extensions_mut().insert(Framable);
    response
}
