//! The developer REST API. `/api/developer/v1/application`: an application and its own registration

use crate::extract::{Call, JsonCall};
use crate::layer::access::Cause;
use crate::layer::request_id::RequestId;
use crate::oauth::{dpop, respond};
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use valetkey_core::error::{Code, Denial};
use valetkey_core::manage::application::{Changes, Declined, change, show};

pub(crate) const APPLICATION: &str = "/api/developer/v1/application";

pub(crate) async fn get(mut call: Call) -> Response {
    let shown = async {
        let bearer = bearer(&mut call)?;
        show(&call.cx, &bearer).await
    };
    let shown = shown.await;
    answer(&call, shown)
}

pub(crate) async fn patch(request: JsonCall) -> Response {
    let JsonCall { mut call, body } = request;
    let shown = async {
        // Who may not is told so before the body is looked at.
        let bearer = bearer(&mut call)?;
        show(&call.cx, &bearer).await?;
        if !is_json(&call.headers) {
            return Err(Declined::Malformed("send the changes as application/json"));
        }
        change(&call.cx, &bearer, &Changes::read(&body)?).await
    };
    let shown = shown.await;
    answer(&call, shown)
}

/// A bare challenge where no token came (RFC 6750 §3).
fn bearer(call: &mut Call) -> Result<String, Declined> {
    const MISSING: Denial =
        Code::InvalidToken.because("send an access token for the application itself (client_credentials)");
    Ok(dpop::access_token(call)?.ok_or(MISSING)?)
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    matches!(kind.as_str(), "application/json" | "application/merge-patch+json")
}

fn answer(call: &Call, shown: Result<Value, Declined>) -> Response {
    let response = match shown {
        Ok(json) => respond::json(json.to_string().into_bytes()),
        Err(Declined::Denied(denial)) => denied(denial, &call.id),
        Err(Declined::Malformed(words)) => problem(StatusCode::BAD_REQUEST, words, &call.id),
        Err(Declined::Refused(words)) => problem(StatusCode::UNPROCESSABLE_ENTITY, &words, &call.id),
        Err(Declined::Failed(fault)) => {
            let away = fault.kind.is_outage();
            let (status, words) = if away {
                (StatusCode::SERVICE_UNAVAILABLE, "the server cannot answer just now; try again in a moment")
            } else {
                (StatusCode::INTERNAL_SERVER_ERROR, "the server failed to answer")
            };
            let mut response = problem(status, words, &call.id);
            if away {
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("2"));
            }
            response.extensions_mut().insert(Cause(fault.to_string()));
            response
        }
    };
    dpop::answered(call, response)
}

fn denied(denial: Denial, id: &RequestId) -> Response {
    let status = match denial.code {
        Code::InsufficientScope => StatusCode::FORBIDDEN,
        Code::InvalidRequest => StatusCode::BAD_REQUEST,
        _ => StatusCode::UNAUTHORIZED,
    };
    let mut response = problem(status, denial.detail, id);
    let challenge = format!("Bearer realm=\"valetkey\", error=\"{}\"", denial.code.as_str());
    if let Ok(value) = HeaderValue::try_from(challenge) {
        response.headers_mut().insert(WWW_AUTHENTICATE, value);
    }
    response
}

/// RFC 9457.
fn problem(status: StatusCode, detail: &str, id: &RequestId) -> Response {
    let body = json!({
        "type": "about:blank",
        "title": status.canonical_reason().unwrap_or("Error"),
        "status": status.as_u16(),
        "detail": detail,
        "request_id": id.as_str(),
    });
    let mut response = (status, respond::json(body.to_string().into_bytes())).into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    response
}
