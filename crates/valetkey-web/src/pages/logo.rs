//! `/assets/logos/…`: pictures of tenants and of applications, from our own origin, under names that say their content.

use super::assets::IMMUTABLE;
use super::respond::{failed, plain_error};
use super::view::ErrorKind;
use crate::extract::Call;
use axum::body::Body;
use axum::response::Response;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use valetkey_core::image::Image;

pub(crate) const PREFIX: &str = "/assets/logos/";

/// Where a picture is found.
pub(crate) fn path(logo: &Image) -> String {
    format!("{PREFIX}{}", logo.name())
}

/// The type is read off the bytes, and the edge says `nosniff` and a policy under which nothing runs.
pub(crate) async fn get(call: Call) -> Response {
    let name = call.uri.path().strip_prefix(PREFIX).unwrap_or_default();
    let catalog = call.cx.catalog();
    let mut logos = catalog.tenants().filter_map(|tenant| tenant.logo.as_ref());
    let held = logos.find(|logo| logo.name() == name).cloned();
    let found = match held {
        Some(logo) => Some(logo),
        None => match call.cx.store.logo(name).await {
            Ok(stored) => stored.and_then(|bytes| Image::read(&bytes).ok()),
            Err(fault) => return failed(&call, &fault),
        },
    };
    let Some(logo) = found else { return plain_error(&call, ErrorKind::NotFound) };
    let mut response = Response::new(Body::from(logo.bytes().to_vec()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(logo.kind.media_type()));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(IMMUTABLE));
    response
}
