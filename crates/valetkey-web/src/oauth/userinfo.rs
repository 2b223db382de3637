//! OIDC Core §5.3, RFC 6750 §2 — the userinfo endpoint; the token travels in the header or in a form, never in the address

use super::{cors, dpop, error, respond};
use crate::app::App;
use crate::extract::{Call, FormCall};
use axum::extract::{FromRequest, Request, State};
use axum::response::Response;
use http::header::HeaderName;
use http::{HeaderValue, Method};
use valetkey_core::endpoint::userinfo::{UserInfo, userinfo};
use valetkey_core::error::{Code, Denial, Error};
use valetkey_core::proof::holder::BOUND_TO_A_KEY;

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
        Ok(None) => {
            let mut response = error::challenge(None);
            dpop::challenge_too(&mut response);
            response
        }
        Err(Error::Denied(denial)) => challenge(denial),
        Err(Error::Failed(fault)) => error::failed(&fault),
    };
    // The token is the caller's own: whoever holds it may read the answer anywhere.
    let mut response = cors::public(dpop::answered(&call, response));
    if let Some(id) = interaction_id(&call) {
        response.headers_mut().insert(FAPI_INTERACTION_ID, id);
    }
    response
}

/// RFC 9449 §7.1: whose token is bound to a key hears of the scheme that it takes.
fn challenge(denial: Denial) -> Response {
    let mut response = error::challenge(Some(denial));
    if denial == BOUND_TO_A_KEY {
        dpop::rechallenge(&mut response);
    }
    response
}

const FAPI_INTERACTION_ID: HeaderName = HeaderName::from_static("x-fapi-interaction-id");

/// FAPI 1.0 Baseline §6.2.1: the caller's own name for the exchange, a UUID (RFC 9562 §4), or one of ours.
fn interaction_id(call: &Call) -> Option<HeaderValue> {
    let is_uuid = |value: &HeaderValue| {
        let dash = |at: usize| [8, 13, 18, 23].contains(&at);
        let fits = |(at, byte): (usize, &u8)| if dash(at) { *byte == b'-' } else { byte.is_ascii_hexdigit() };
        value.len() == 36 && value.as_bytes().iter().enumerate().all(fits)
    };
    if let Some(own) = call.headers.get(&FAPI_INTERACTION_ID) {
        return is_uuid(own).then(|| own.clone());
    }
    let number = u128::from_be_bytes(call.cx.random());
    // RFC 9562 §5.4.
    let number = number & !(0xf << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    let hex = format!("{number:032x}");
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| hex.get(part).unwrap_or_default());
    HeaderValue::try_from(parts.join("-")).ok()
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
