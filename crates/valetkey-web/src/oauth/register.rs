//! RFC 7591 §3, RFC 7592 §2 — the registration endpoint and each client's own

use super::{cors, error, respond};
use crate::extract::{Call, JsonCall};
use axum::body::Body;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::Value;
use valetkey_core::error::Code;
use valetkey_core::manage::register::{self, Declined};

pub(crate) async fn post(json: JsonCall) -> Response {
    let answer = register::register(&json.call.cx, json.call.bearer(), &json.body).await;
    cors::public(match answer {
        Ok(Some(client)) => (StatusCode::CREATED, document(&client)).into_response(),
        // Off: the metadata do not name it, and here is nothing.
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(refused) => refusal(&refused),
    })
}

pub(crate) async fn get(Path(id): Path<String>, call: Call) -> Response {
    shown(register::show(&call.cx, &id, call.bearer()).await)
}

pub(crate) async fn put(Path(id): Path<String>, json: JsonCall) -> Response {
    shown(register::replace(&json.call.cx, &id, json.call.bearer(), &json.body).await)
}

pub(crate) async fn delete(Path(id): Path<String>, call: Call) -> Response {
    match register::delete(&call.cx, &id, call.bearer()).await {
        Ok(()) => (StatusCode::NO_CONTENT, Body::empty()).into_response(),
        Err(refused) => refusal(&refused),
    }
}

fn shown(answer: Result<Value, Declined>) -> Response {
    match answer {
        Ok(client) => document(&client),
        Err(refused) => refusal(&refused),
    }
}

fn document(client: &Value) -> Response {
    respond::json(client.to_string().into_bytes())
}

fn refusal(declined: &Declined) -> Response {
    match declined {
        Declined::Denied(denial) if denial.code == Code::InvalidToken => error::challenge(Some(*denial)),
        Declined::Denied(denial) => error::denied(*denial, false),
        Declined::Rule(words) => error::broken(Code::InvalidClientMetadata, words),
        Declined::Often(wait) => error::too_often("too many registrations from this address", *wait),
        Declined::Failed(fault) => error::failed(fault),
    }
}
