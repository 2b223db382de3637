//! RFC 9126 §2 — the pushed authorization request endpoint

use super::token::refuse_query;
use super::{cors, dpop, respond};
use crate::extract::FormCall;
use axum::response::Response;
use http::StatusCode;
use valetkey_core::authorize::par;
use valetkey_core::client::authenticate::authenticate;
use valetkey_core::error::{Error, Fault};

pub(crate) async fn post(form: FormCall) -> Response {
    dpop::through(form, answer).await
}

async fn answer(form: &FormCall) -> Result<Response, Error> {
    let call = &form.call;
    refuse_query(call.query())?;
    let params = form.params()?;
    let client = authenticate(&call.cx, call.authorization(), &params).await?;
    let pushed = par::push(&call.cx, &client, &params).await?;
    let body = serde_json::to_vec(&pushed).map_err(|e| Fault::internal("encoding a pushed request", e))?;
    let mut response = respond::json(body);
    *response.status_mut() = StatusCode::CREATED;
    Ok(cors::for_client(response, call.origin(), &client))
}
