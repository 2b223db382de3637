//! RFC 8628 §3.1–3.2 — the device authorization endpoint

use super::token::refuse_query;
use super::{cors, dpop, error, respond};
use crate::extract::FormCall;
use crate::pages::view::words::device as named;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use valetkey_core::authorize::device;
use valetkey_core::client::authenticate::authenticate;
use valetkey_core::context::BrowserName;
use valetkey_core::error::{Error, Fault};
use valetkey_core::grant::GrantType;

pub(crate) async fn post(mut form: FormCall) -> Response {
    let response = match dpop::refused(&mut form.call) {
        Some(refused) => refused,
        None => {
            answer(&mut form).await.unwrap_or_else(|refused| error::respond(&refused, form.wants_challenge()))
        }
    };
    dpop::answered(&form.call, response)
}

async fn answer(form: &mut FormCall) -> Result<Response, Error> {
    // RFC 8628 §5.4: the person is told in what it was asked.
    form.call.cx.caller.browser = Some(BrowserName::new(&named(Some(form.call.user_agent()))));
    let call = &form.call;
    // Off: the metadata do not name it, and here is nothing.
    if !call.cx.offered_grants().await?.contains(&GrantType::DeviceCode) {
        return Ok(StatusCode::NOT_FOUND.into_response());
    }
    refuse_query(call.query())?;
    let params = form.params()?;
    let client = authenticate(&call.cx, call.authorization(), &params).await?;
    let begun = device::begin(&call.cx, &client, &params).await?;
    let body = serde_json::to_vec(&begun).map_err(|e| Fault::internal("encoding a device code", e))?;
    Ok(cors::for_client(respond::json(body), call.origin(), &client))
}
