//! RFC 8414 §3, OIDC Discovery §4 — the server's metadata

use super::{cors, error, respond};
use crate::extract::Call;
use axum::response::Response;
use http::HeaderValue;
use http::header::CACHE_CONTROL;
use valetkey_core::endpoint::discovery::metadata;

pub(crate) async fn get(call: Call) -> Response {
    let metadata = match metadata(&call.cx).await {
        Ok(metadata) => metadata,
        Err(fault) => return cors::public(error::failed(&fault)),
    };
    let mut response = respond::json(metadata.to_string().into_bytes());
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    cors::public(response)
}
