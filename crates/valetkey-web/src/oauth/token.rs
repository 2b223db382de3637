//! RFC 6749 §3.2 — the token endpoint

use super::{cors, dpop, error, respond};
use crate::extract::FormCall;
use axum::response::Response;
use valetkey_core::client::authenticate::{may_use_query, prove};
use valetkey_core::error::{Code, Denial, Error};
use valetkey_core::grant::{self, KNOWN};
use valetkey_core::params::Params;

pub(crate) async fn post(form: FormCall) -> Response {
    dpop::through(form, answer).await
}

async fn answer(form: &FormCall) -> Result<Response, Error> {
    let call = &form.call;
    let params = params(form).await?;
    let requested = grant::requested(&call.cx, &params).await?;
    let client = prove(&call.cx, call.authorization(), &params).await?;
    let response = match grant::exchange(&call.cx, &client, requested, &params).await {
        Ok(tokens) => respond::json(tokens.to_json()),
        Err(refused) => error::respond(&refused, call.authorization().is_some()),
    };
    Ok(cors::for_client(response, call.origin(), &client))
}

/// Those of the body; and of the URL, for a client that may send them there.
async fn params(form: &FormCall) -> Result<Params<'_>, Error> {
    let call = &form.call;
    if !names_ours(call.query())? {
        return Ok(form.params()?);
    }
    let params = Params::parse(call.query())?.and(form.params()?);
    // Whoever is named twice is nobody.
    params.refuse_repeats(&KNOWN)?;
    Box::pin(may_use_query(&call.cx, call.authorization(), &params)).await?;
    Ok(params)
}

/// RFC 6749 §2.3.1: parameters must not come in the URL, where logs and histories keep them.
pub(super) fn refuse_query(query: &[u8]) -> Result<(), Error> {
    if names_ours(query)? {
        return Err(Code::InvalidRequest
            .because("send the parameters in the form body, never in the URL")
            .into());
    }
    Ok(())
}

/// Whether a URL's query holds a parameter of ours.
fn names_ours(query: &[u8]) -> Result<bool, Denial> {
    if query.is_empty() {
        return Ok(false);
    }
    let params = Params::parse(query)?;
    Ok(KNOWN.iter().chain(&["token"]).any(|name| params.contains(name)))
}
