//! RFC 7662 §2 — the introspection endpoint

use super::token::refuse_query;
use super::{error, respond};
use crate::extract::FormCall;
use axum::response::Response;
use valetkey_core::client::authenticate::authenticate_confidential;
use valetkey_core::endpoint::introspect::{Asker, introspect};
use valetkey_core::error::Error;

pub(crate) async fn post(form: FormCall) -> Response {
    answer(&form).await.unwrap_or_else(|refused| error::respond(&refused, form.wants_challenge()))
}

async fn answer(form: &FormCall) -> Result<Response, Error> {
    let call = &form.call;
    refuse_query(call.query())?;
    let params = form.params()?;
    let client = authenticate_confidential(&call.cx, call.authorization(), &params).await?;
    Ok(respond::json(introspect(&call.cx, Asker::Client(&client), &params).await?))
}
