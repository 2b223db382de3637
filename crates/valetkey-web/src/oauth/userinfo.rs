//! OIDC Core §5.3 — the userinfo endpoint; the token travels in the Authorization header only

use super::{cors, dpop, error, respond};
use crate::extract::Call;
use axum::response::Response;
use valetkey_core::endpoint::userinfo::{UserInfo, userinfo};
use valetkey_core::error::{Error, Fault};

pub(crate) async fn any(mut call: Call) -> Response {
    let response = match answer(&mut call).await {
        Ok(Some(claims)) => encode(&claims).unwrap_or_else(|fault| error::failed(&fault)),
        Ok(None) => error::challenge(None),
        Err(Error::Denied(denial)) => error::challenge(Some(denial)),
        Err(Error::Failed(fault)) => error::failed(&fault),
    };
    // The token is the caller's own: whoever holds it may read the answer anywhere.
    cors::public(dpop::answered(&call, response))
}

/// `None`: no token was sent (RFC 6750 §3: a bare challenge).
async fn answer(call: &mut Call) -> Result<Option<UserInfo>, Error> {
    let Some(token) = dpop::access_token(call)? else { return Ok(None) };
    userinfo(&call.cx, &token).await.map(Some)
}

fn encode(claims: &UserInfo) -> Result<Response, Fault> {
    let bytes = serde_json::to_vec(claims).map_err(|e| Fault::internal("encoding userinfo", e))?;
    Ok(respond::json(bytes))
}
