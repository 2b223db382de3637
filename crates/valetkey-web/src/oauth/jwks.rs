//! RFC 7517 §5 — the public keys

use super::{cors, respond};
use crate::extract::Call;
use axum::response::Response;
use http::HeaderValue;
use http::header::CACHE_CONTROL;
use valetkey_core::settings::JWKS_MAX_AGE;

pub(crate) async fn get(call: Call) -> Response {
    let keys = call.cx.keys().jwks(call.cx.now).to_string();
    let mut response = respond::json(keys.into_bytes());
    if let Ok(age) = HeaderValue::try_from(format!("public, max-age={}", JWKS_MAX_AGE.0)) {
        response.headers_mut().insert(CACHE_CONTROL, age);
    }
    cors::public(response)
}
