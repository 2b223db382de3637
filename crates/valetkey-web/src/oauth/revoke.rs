//! RFC 7009 §2 — the revocation endpoint

use super::token::refuse_query;
use super::{cors, error, respond};
use crate::extract::FormCall;
use axum::response::Response;
use valetkey_core::client::authenticate::authenticate;
use valetkey_core::endpoint::revoke::revoke;
use valetkey_core::error::Error;

pub(crate) async fn post(form: FormCall) -> Response {
    answer(&form).await.unwrap_or_else(|refused| error::respond(&refused, form.wants_challenge()))
}

async fn answer(form: &FormCall) -> Result<Response, Error> {
    let call = &form.call;
    refuse_query(call.query())?;
    let params = form.params()?;
    let client = authenticate(&call.cx, call.authorization(), &params).await?;
    revoke(&call.cx, &client, &params).await?;
    // Some clients insist on JSON, though the standard wants no body at all.
    Ok(cors::for_client(respond::json(b"{}".to_vec()), call.origin(), &client))
}
