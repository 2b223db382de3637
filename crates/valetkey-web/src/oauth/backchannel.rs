//! CIBA Core §7 — the backchannel authentication endpoint

use super::token::refuse_query;
use super::{dpop, respond};
use crate::extract::FormCall;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use valetkey_core::authorize::backchannel;
use valetkey_core::client::authenticate::authenticate_confidential;
use valetkey_core::error::{Error, Fault};
use valetkey_core::grant::GrantType;

pub(crate) async fn post(form: FormCall) -> Response {
    dpop::through(form, answer).await
}

async fn answer(form: &FormCall) -> Result<Response, Error> {
    let call = &form.call;
    // Off: the metadata do not name it, and here is nothing.
    if !call.cx.offered_grants().await?.contains(&GrantType::Ciba) {
        return Ok(StatusCode::NOT_FOUND.into_response());
    }
    refuse_query(call.query())?;
    let params = form.params()?;
    let client = authenticate_confidential(&call.cx, call.authorization(), &params).await?;
    let begun = backchannel::begin(&call.cx, &client, &params).await?;
    let body = serde_json::to_vec(&begun).map_err(|e| Fault::internal("encoding an auth_req_id", e))?;
    Ok(respond::json(body))
}
