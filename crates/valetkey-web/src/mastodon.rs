//! Mastodon's API, as far as its client libraries need it to register, sign in and see who they are
//!
//! The routes stand below `/oauth/mastodon`; the settings in force lead `/api/v1/…` and `/api/v2/…` there, so that an API of
//! that prefix is not in the way of, or hidden by, what is off.

mod entity;

use crate::extract::{Call, JsonCall};
use crate::layer::access::Cause;
use crate::oauth::{cors, dpop, respond};
use crate::pages::developer::multipart;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use serde_json::{Value, json};
use valetkey_core::client::metadata;
use valetkey_core::endpoint::mastodon::{account, application, is_on};
use valetkey_core::error::{Code, Denial, Error, FaultKind};
use valetkey_core::manage::mastodon::{NewApp, register, wait};
use valetkey_core::params::Params;

/// `POST /api/v1/apps`
pub(crate) async fn create_app(request: JsonCall) -> Response {
    let mut response = answer(registered(&request).await);
    if response.status() == StatusCode::TOO_MANY_REQUESTS {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait(&request.call.cx).0));
    }
    response
}

async fn registered(request: &JsonCall) -> Result<Option<Value>, Error> {
    let kind =
        request.call.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let new = if let Some(boundary) = multipart::boundary(kind) {
        NewApp::of_form(&in_parts(&request.body, boundary)?)?
    } else if kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json") {
        NewApp::of_json(&request.body)?
    } else {
        NewApp::of_form(&Params::parse(&request.body)?)?
    };
    register(&request.call.cx, new).await
}

/// A form in parts, as `curl -F` sends it.
fn in_parts<'a>(body: &'a [u8], boundary: &str) -> Result<Params<'a>, Denial> {
    let parts = multipart::parts(body, boundary)
        .ok_or(Code::InvalidRequest.because("the form's parts cannot be read"))?;
    Params::of(parts.into_iter().map(|(name, value)| (name.into(), String::from_utf8_lossy(value))).collect())
}

/// `GET /api/v1/apps/verify_credentials`
pub(crate) async fn verify_app(mut call: Call) -> Response {
    let shown = async {
        let Some(bearer) = bearer(&mut call)? else { return Ok(None) };
        Ok(Some(metadata::to_mastodon(&*application(&call.cx, &bearer).await?)))
    };
    answer(shown.await)
}

/// `GET /api/v1/accounts/verify_credentials`
pub(crate) async fn verify_account(mut call: Call) -> Response {
    let shown = async {
        let Some(bearer) = bearer(&mut call)? else { return Ok(None) };
        Ok(Some(entity::account(&call.cx, &account(&call.cx, &bearer).await?)))
    };
    answer(shown.await)
}

/// `None`: this server is no Mastodon.
fn bearer(call: &mut Call) -> Result<Option<String>, Error> {
    const MISSING: Denial = Code::InvalidToken.because("The access token is invalid");
    if !is_on(&call.cx) {
        return Ok(None);
    }
    dpop::access_token(call)?.map_or(Err(MISSING.into()), |token| Ok(Some(token)))
}

/// `GET /api/v1/instance`
pub(crate) async fn instance(call: Call) -> Response {
    answer(Ok(is_on(&call.cx).then(|| entity::instance(&call.cx, &call.app.site.name))))
}

/// `GET /api/v2/instance`
pub(crate) async fn instance_v2(call: Call) -> Response {
    answer(Ok(is_on(&call.cx).then(|| entity::instance_v2(&call.cx, &call.app.site.name))))
}

/// Any page may read the answer: nothing here depends on a cookie.
fn answer(shown: Result<Option<Value>, Error>) -> Response {
    cors::public(match shown {
        Ok(Some(json)) => respond::json(json.to_string().into_bytes()),
        Ok(None) => error(StatusCode::NOT_FOUND, "Record not found"),
        Err(Error::Denied(denial)) => denied(denial),
        Err(Error::Failed(fault)) => {
            let mut response = match fault.kind {
                FaultKind::Unavailable | FaultKind::Corrupt => {
                    error(StatusCode::SERVICE_UNAVAILABLE, "The server cannot answer just now")
                }
                FaultKind::Internal => {
                    error(StatusCode::INTERNAL_SERVER_ERROR, "The server failed to answer")
                }
            };
            if fault.kind.is_outage() {
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("2"));
            }
            response.extensions_mut().insert(Cause(fault.to_string()));
            response
        }
    })
}

/// Mastodon's form of an error: `{"error": …}`.
fn error(status: StatusCode, words: &str) -> Response {
    (status, respond::json(json!({ "error": words }).to_string().into_bytes())).into_response()
}

fn denied(denial: Denial) -> Response {
    let status = match denial.code {
        Code::InvalidToken | Code::InvalidDpopProof => StatusCode::UNAUTHORIZED,
        Code::InsufficientScope => StatusCode::FORBIDDEN,
        Code::TemporarilyUnavailable => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let mut response = error(status, denial.detail);
    if status == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static("Bearer realm=\"valetkey\", error=\"invalid_token\"");
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    response
}
