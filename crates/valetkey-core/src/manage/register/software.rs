//! RFC 7591 §2.3, §3.1.1 — software statements: what a trusted issuer says of an application counts before its own word

use crate::context::Context;
use crate::error::{Code, Denial, Error};
use crate::federation::{self, Distrust, Trust};
use serde_json::{Map, Value};

const NO_OBJECT: Denial =
    Code::InvalidClientMetadata.because("send the metadata as one JSON object (RFC 7591, section 2)");

/// Claims that are about the statement, not about the software.
const ITS_OWN: [&str; 7] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];

/// The metadata in a request's body, with those of its software statement over them.
pub(super) async fn stated(cx: &Context, body: &[u8]) -> Result<Value, Error> {
    let mut asked: Map<String, Value> = serde_json::from_slice(body).map_err(|_| NO_OBJECT)?;
    let Some(statement) = asked.get("software_statement").cloned() else { return Ok(asked.into()) };
    let text = statement.as_str().ok_or(Code::InvalidSoftwareStatement.because("it is no signed JWT"))?;
    let said = match federation::verify(cx, text, Trust::SoftwareStatements).await {
        Ok(statement) => statement.claims,
        Err(Distrust::Unknown) => {
            return Err(Code::UnapprovedSoftwareStatement
                .because("the software_statement is of no issuer that this server trusts with it")
                .into());
        }
        Err(Distrust::Untrue(detail)) => return Err(Code::InvalidSoftwareStatement.because(detail).into()),
        Err(Distrust::Failed(fault)) => return Err(fault.into()),
    };
    // A statement inside a statement is nobody's word.
    let about =
        |(name, _): &(String, Value)| !ITS_OWN.contains(&name.as_str()) && name != "software_statement";
    asked.extend(said.into_iter().filter(about));
    Ok(asked.into())
}

/// RFC 7592 §2.2 — what a client must say to change itself, and what it must not.
pub(super) fn check_change(asked: &Value, client: &crate::client::Client) -> Result<(), Denial> {
    const GIVEN: [&str; 4] = [
        "registration_access_token",
        "registration_client_uri",
        "client_secret_expires_at",
        "client_id_issued_at",
    ];
    if GIVEN.iter().any(|name| asked.get(name).is_some()) {
        return Err(Code::InvalidRequest.because(
            "leave out what the server gives: registration_access_token, registration_client_uri, \
             client_secret_expires_at, client_id_issued_at",
        ));
    }
    if asked.get("client_id").and_then(Value::as_str) != Some(client.id.as_str()) {
        return Err(Code::InvalidRequest.because("client_id must be the client's own"));
    }
    let own = |text: &str| client.secrets.iter().any(|secret| secret.hash.matches(text));
    match asked.get("client_secret") {
        None => Ok(()),
        Some(secret) if secret.as_str().is_some_and(own) => Ok(()),
        Some(_) => {
            Err(Code::InvalidRequest
                .because("client_secret must be the client's own: it is not changed here"))
        }
    }
}
