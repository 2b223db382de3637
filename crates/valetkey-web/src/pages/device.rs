//! `/device`: the code that another device shows (RFC 8628 §3.3)

use super::flow::{self, current_session};
use super::respond::{failed, page, plain_error};
use super::view::words::span;
use super::view::{Device, DeviceError, ErrorKind};
use crate::extract::{Call, PageForm};
use axum::response::Response;
use http::StatusCode;
use http::header::{HeaderValue, RETRY_AFTER};
use valetkey_core::authorize::device::{self, Typed};
use valetkey_core::grant::GrantType;
use valetkey_core::interaction::Interaction;
use valetkey_core::login::form_proof;
use valetkey_core::params::Params;
use valetkey_core::settings::path::DEVICE;

pub(crate) const PATH: &str = DEVICE;

/// With the code in the link it is shown to be compared, and nothing goes on by itself (RFC 8628 §3.3.1).
pub(crate) async fn get(call: Call) -> Response {
    let Ok(params) = Params::parse(call.query()) else { return plain_error(&call, ErrorKind::BadRequest) };
    match call.cx.offered_grants().await {
        Ok(grants) if grants.contains(&GrantType::DeviceCode) => {}
        Ok(_) => return plain_error(&call, ErrorKind::NotFound),
        Err(fault) => return failed(&call, &fault),
    }
    let linked = params.one("user_code").and_then(device::shown);
    let compare = linked.is_some();
    draw(&call, StatusCode::OK, linked.unwrap_or_default(), compare, None)
}

fn draw(
    call: &Call,
    status: StatusCode,
    code: String,
    compare: bool,
    error: Option<DeviceError>,
) -> Response {
    let (browser, fresh) = flow::browser(call);
    let view = match form_proof::make(&call.cx, &browser) {
        Ok(csrf) => Device { csrf, code, compare, error },
        Err(fault) => return failed(call, &fault),
    };
    let mut response = page(call, status, &view);
    if fresh {
        flow::keep_browser(call, &mut response, &browser);
    }
    response
}

pub(crate) async fn post(form: PageForm) -> Response {
    let PageForm { call, body } = form;
    let Ok(params) = Params::parse(&body) else { return plain_error(&call, ErrorKind::BadRequest) };
    if call.is_cross_site() || params.refuse_repeats(&["csrf", "user_code"]).is_err() {
        return plain_error(&call, ErrorKind::Forgery);
    }
    let text: String = params.one("user_code").unwrap_or_default().chars().take(40).collect();
    let (browser, fresh) = flow::browser(&call);
    if fresh || !form_proof::holds(&call.cx, params.one("csrf"), &browser) {
        return draw(&call, StatusCode::BAD_REQUEST, text, false, Some(DeviceError::Stale));
    }
    if text.trim().is_empty() {
        return draw(&call, StatusCode::BAD_REQUEST, text, false, Some(DeviceError::Missing));
    }
    let session = match current_session(&call).await {
        Ok(session) => session,
        Err(fault) => return failed(&call, &fault),
    };
    let (status, error) = match device::look_up(&call.cx, &text, &browser, session.as_ref()).await {
        Ok(Typed::Waiting(waiting)) => {
            let interaction = Interaction::new(&call.cx, waiting.pending.request, &browser);
            return flow::resume(&call, interaction.deciding(waiting.row.id)).await;
        }
        Ok(Typed::Unknown) => (StatusCode::BAD_REQUEST, DeviceError::Unknown),
        Ok(Typed::Used) => (StatusCode::GONE, DeviceError::Used),
        Ok(Typed::Expired) => (StatusCode::GONE, DeviceError::Expired),
        Ok(Typed::Throttled(wait)) => {
            let error = DeviceError::Throttled { wait: span(wait) };
            let mut response = draw(&call, StatusCode::TOO_MANY_REQUESTS, text, false, Some(error));
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.0));
            return response;
        }
        Err(fault) => return failed(&call, &fault),
    };
    draw(&call, status, text, false, Some(error))
}
