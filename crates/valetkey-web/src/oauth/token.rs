//! RFC 6749 §3.2 — the token endpoint

use super::{cors, error, respond};
use crate::extract::FormCall;
use axum::response::Response;
use valetkey_core::client::authenticate::authenticate;
use valetkey_core::error::{Code, Error, Fault};
use valetkey_core::grant::{self, KNOWN};
use valetkey_core::params::Params;

pub(crate) async fn post(form: FormCall) -> Response {
    let by_header = form.call.authorization().is_some();
    answer(&form).await.unwrap_or_else(|refused| error::respond(&refused, by_header))
}

async fn answer(form: &FormCall) -> Result<Response, Error> {
    let call = &form.call;
    refuse_query(call.query())?;
    let params = form.params()?;
    let requested = grant::requested(&params)?;
    let client = authenticate(&call.cx, call.authorization(), &params).await?;
    let response = match grant::exchange(&call.cx, &client, requested, &params).await {
        Ok(tokens) => respond::json(
            serde_json::to_vec(&tokens).map_err(|e| Fault::internal("encoding a token response", e))?,
        ),
        Err(refused) => error::respond(&refused, call.authorization().is_some()),
    };
    Ok(cors::for_client(response, call.origin(), &client))
}

/// RFC 6749 §2.3.1: parameters must not come in the URL, where logs and histories keep them.
pub(super) fn refuse_query(query: &[u8]) -> Result<(), Error> {
    if query.is_empty() {
        return Ok(());
    }
    let params = Params::parse(query)?;
    if KNOWN.iter().chain(&["token"]).any(|name| params.contains(name)) {
        return Err(Code::InvalidRequest
            .because("send the parameters in the form body, never in the URL")
            .into());
    }
    Ok(())
}
