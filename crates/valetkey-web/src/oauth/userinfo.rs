//! OIDC Core §5.3, RFC 6750 §2 — the userinfo endpoint; the token travels in the header or in a form, never in the address

use super::{cors, dpop, error, respond};
use crate::app::App;
use crate::extract::{Call, FormCall};
use axum::extract::{FromRequest, Request, State};
use axum::response::Response;
use http::Method;
use valetkey_core::endpoint::userinfo::{UserInfo, userinfo};
use valetkey_core::error::{Code, Denial, Error};

const TWICE: Denial = Code::InvalidRequest
    .because("send the access token once: in the Authorization header, or in the form body");

pub(crate) async fn any(State(app): State<App>, request: Request) -> Response {
    let is_form = request.method() == Method::POST;
    let read = if is_form {
        FormCall::from_request(request, &app).await.map(|FormCall { call, body }| (call, Some(body)))
    } else {
        Call::from_request(request, &app).await.map(|call| (call, None))
    };
    let (mut call, body) = match read {
        Ok(read) => read,
        Err(response) => return cors::public(response),
    };
    let response = match answer(&mut call, body.as_deref()).await {
        Ok(Some(UserInfo::Json(bytes))) => respond::json(bytes),
        Ok(Some(UserInfo::Jwt(text))) => respond::jwt(text),
        Ok(None) => error::challenge(None),
        Err(Error::Denied(denial)) => error::challenge(Some(denial)),
        Err(Error::Failed(fault)) => error::failed(&fault),
    };
    // The token is the caller's own: whoever holds it may read the answer anywhere.
    cors::public(dpop::answered(&call, response))
}

/// `None`: no token was sent (RFC 6750 §3: a bare challenge).
async fn answer(call: &mut Call, body: Option<&[u8]>) -> Result<Option<UserInfo>, Error> {
    let by_header = dpop::access_token(call)?;
    let by_form = in_form(body)?;
    if by_form.is_some() && (by_header.is_some() || call.authorization().is_some()) {
        return Err(TWICE.into());
    }
    let Some(token) = by_header.or(by_form) else { return Ok(None) };
    userinfo(&call.cx, &token).await.map(Some)
}

/// RFC 6750 §2.2. A bound token does not come so: its scheme is `DPoP` (RFC 9449 §7.1).
fn in_form(body: Option<&[u8]>) -> Result<Option<String>, Denial> {
    let Some(body) = body else { return Ok(None) };
    let params = valetkey_core::params::Params::parse(body)?;
    params.refuse_repeats(&["access_token"])?;
    Ok(params.one("access_token").map(str::to_owned))
}
