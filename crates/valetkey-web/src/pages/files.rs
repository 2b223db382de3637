//! `/assets/…`: stylesheet, icon and the one script, under names that change with their content.

use super::assets::find;
use super::respond::plain_error;
use super::view::ErrorKind;
use crate::extract::Call;
use axum::body::Body;
use axum::response::Response;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

pub(crate) async fn get(call: Call) -> Response {
    let Some((asset, cache)) = find(call.uri.path()) else { return plain_error(&call, ErrorKind::NotFound) };
    let mut response = Response::new(Body::from(asset.bytes));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    response
}

/// Browsers ask for this whatever the page says.
pub(crate) async fn icon() -> Response {
    let icon = &super::assets::ASSETS.icon;
    let mut response = Response::new(Body::from(icon.bytes));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(icon.content_type));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=86400"));
    response
}

/// Nothing here is for search engines.
pub(crate) async fn robots() -> Response {
    let mut response = Response::new(Body::from("User-agent: *\nDisallow: /\n"));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
