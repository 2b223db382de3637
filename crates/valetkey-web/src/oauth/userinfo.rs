//! OIDC Core §5.3 — the userinfo endpoint; the token travels in the Authorization header only

use super::{cors, error, respond};
use crate::extract::Call;
use axum::response::Response;
use valetkey_core::endpoint::userinfo::{UserInfo, userinfo};
use valetkey_core::error::{Error, Fault};

pub(crate) async fn any(call: Call) -> Response {
    let Some(bearer) = call.bearer() else { return cors::public(error::challenge(None)) };
    let response = match userinfo(&call.cx, bearer).await.and_then(|claims| encode(&claims)) {
        Ok(response) => response,
        Err(Error::Denied(denial)) => error::challenge(Some(denial)),
        Err(Error::Failed(fault)) => error::failed(&fault),
    };
    // The token is the caller's own: whoever holds it may read the answer anywhere.
    cors::public(response)
}

fn encode(claims: &UserInfo) -> Result<Response, Error> {
    let bytes = serde_json::to_vec(claims).map_err(|e| Fault::internal("encoding userinfo", e))?;
    Ok(respond::json(bytes))
}
