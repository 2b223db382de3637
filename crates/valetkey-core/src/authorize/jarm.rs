//! JWT Secured Authorization Response Mode (JARM) §2 — the whole answer, good or bad, as one JWT that we signed

use super::AuthorizationResponse;
use crate::client::Client;
use crate::context::Context;
use crate::error::Fault;
use crate::jose::jwt;
use crate::time::Seconds;
use serde_json::{Map, Value};

/// JARM §2.1: ten minutes at most; the browser takes seconds.
const LIFETIME: Seconds = Seconds::minutes(10);

/// The answer as it goes over the wire: as it is, or all of it in `response`.
pub fn enclosed(
    cx: &Context,
    client: &Client,
    answer: &AuthorizationResponse,
) -> Result<AuthorizationResponse, Fault> {
    if !answer.mode.is_signed() {
        return Ok(answer.clone());
    }
    // JARM §2.1: `iss`, `aud` and `exp`, and every parameter by its own name; `iss` stands among them already.
    let mut claims: Map<String, Value> =
        answer.params.iter().map(|(name, value)| ((*name).to_owned(), member(name, value))).collect();
    claims.insert("iss".to_owned(), cx.settings.issuer().into());
    claims.insert("aud".to_owned(), client.id.as_str().into());
    claims.insert("exp".to_owned(), (cx.now + LIFETIME).0.into());
    let (keys, algorithm) = (cx.keys(), client.profile.security.response_algorithm());
    let signed = jwt::sign(keys.signing_at(algorithm, cx.now)?, jwt::Type::Response, &claims)?;
    Ok(AuthorizationResponse {
        redirect_uri: answer.redirect_uri.clone(),
        mode: answer.mode.carrier(),
        params: vec![("response", signed)],
    })
}

/// RFC 6749 §4.2.2: `expires_in` is a number of seconds.
fn member(name: &str, value: &str) -> Value {
    let number = (name == "expires_in").then(|| value.parse::<i64>().ok()).flatten();
    number.map_or_else(|| value.into(), Value::from)
}
