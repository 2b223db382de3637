//! JWT Secured Authorization Response Mode (JARM) §2 — the whole answer, good or bad, as one JWT that we signed, and
//! encrypted for a client that asks for it

use super::AuthorizationResponse;
use crate::client::Client;
use crate::context::Context;
use crate::error::Error;
use crate::jose::jwt;
use crate::time::Seconds;
use crate::token::encrypted;
use serde_json::{Map, Value};

/// JARM §2.1: ten minutes at most; the browser takes seconds.
const LIFETIME: Seconds = Seconds::minutes(10);

/// The answer as it goes over the wire: as it is, or all of it in `response`.
pub async fn enclosed(
    cx: &Context,
    client: &Client,
    answer: &AuthorizationResponse,
) -> Result<AuthorizationResponse, Error> {
    if !answer.mode.is_signed() {
        return Ok(answer.clone());
    }
    // JARM §2.1: `iss`, `aud` and `exp`, and every parameter by its own name; `iss` stands among them already.
    let mut claims: Map<String, Value> =
        answer.params.iter().map(|(name, value)| ((*name).to_owned(), member(name, value))).collect();
    claims.insert("iss".to_owned(), cx.settings.issuer().into());
    claims.insert("aud".to_owned(), client.id.as_str().into());
    claims.insert("exp".to_owned(), (cx.now + LIFETIME).0.into());
    let algorithm = client.profile.security.response_algorithm();
    let signed = jwt::sign(cx.keys().signing_at(algorithm, cx.now)?, jwt::Type::Response, &claims)?;
    // JARM §2.2: nested; where no key of the client's takes it, nothing of it goes out.
    let response = encrypted(cx, client, client.profile.security.response_encryption(), signed).await?;
    Ok(AuthorizationResponse {
        redirect_uri: answer.redirect_uri.clone(),
        mode: answer.mode.carrier(),
        params: vec![("response", response)],
    })
}

/// RFC 6749 §4.2.2: `expires_in` is a number of seconds.
fn member(name: &str, value: &str) -> Value {
    let number = (name == "expires_in").then(|| value.parse::<i64>().ok()).flatten();
    number.map_or_else(|| value.into(), Value::from)
}
