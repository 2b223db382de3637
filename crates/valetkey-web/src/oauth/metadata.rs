//! RFC 8414 §3, OIDC Discovery §4 — the server's metadata

use super::{cors, error, respond};
use crate::extract::Call;
use axum::response::Response;
use http::HeaderValue;
use http::header::CACHE_CONTROL;
use serde_json::Value;
use valetkey_core::endpoint::discovery::{metadata, path};

/// RFC 8414 §2: where a person can learn how this server is used, if there is such a place.
fn documented(call: &Call, mut metadata: Value) -> Value {
    if call.app.console {
        metadata["service_documentation"] = call.cx.settings.url(path::CONSOLE).into();
    }
    metadata
}

pub(crate) async fn get(call: Call) -> Response {
    let metadata = match metadata(&call.cx).await {
        Ok(metadata) => documented(&call, metadata),
        Err(fault) => return cors::public(error::failed(&fault)),
    };
    let mut response = respond::json(metadata.to_string().into_bytes());
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    cors::public(response)
}
