//! RFC 6749 §3.1 — the authorization endpoint, by GET and POST

use super::respond::see_other;
use crate::extract::{Call, PageForm};
use crate::pages::flow;
use crate::pages::respond::{failed, refused, to_client};
use crate::pages::view::ErrorKind;
use axum::response::Response;
use valetkey_core::authorize::{self, Refusal};
use valetkey_core::endpoint::discovery::path::AUTHORIZE;
use valetkey_core::error::{Code, Denial};
use valetkey_core::interaction::Interaction;
use valetkey_core::params::Params;

pub(crate) async fn get(call: Call) -> Response {
    let params = match Params::parse(call.query()) {
        Ok(params) => params,
        Err(denial) => return refused(&call, ErrorKind::BadRequest, denial),
    };
    let (client, request) = match authorize::begin(&call.cx, &params).await {
        Ok(begun) => begun,
        Err(refusal) => return not_begun(&call, refusal, &params).await,
    };
    let (browser, fresh) = flow::browser(&call);
    let interaction = Interaction::new(&call.cx, request, &browser);
    let mut response = flow::arrive(&call, &client, &interaction).await;
    if fresh {
        flow::keep_browser(&call, &mut response, &browser);
    }
    response
}

/// A form posted by another site carries no SameSite=Lax cookie, so we would not know who is signed in. What is wrong
/// with the request is said at once; a good one comes back as a GET, which carries them.
pub(crate) async fn post(form: PageForm) -> Response {
    let PageForm { call, body } = form;
    let params = match Params::parse(&body) {
        Ok(params) => params,
        Err(denial) => return refused(&call, ErrorKind::BadRequest, denial),
    };
    if let Err(refusal) = authorize::begin(&call.cx, &params).await {
        return not_begun(&call, refusal, &params).await;
    }
    match std::str::from_utf8(&body) {
        Ok(query) if !query.bytes().any(|b| b.is_ascii_control() || b == b' ' || b == b'#') => {
            see_other(&call.cx.settings.url(&format!("{AUTHORIZE}?{query}")))
        }
        _ => refused(&call, ErrorKind::BadRequest, NOT_ENCODED),
    }
}

const NOT_ENCODED: Denial = Code::InvalidRequest.because("the parameters must be form-encoded");

async fn not_begun(call: &Call, refusal: Refusal, params: &Params<'_>) -> Response {
    let once = |name| params.all(name).count() == 1;
    match refusal {
        Refusal::Page(denial) => {
            let kind = match denial.code {
                Code::InvalidClient => ErrorKind::UnknownClient,
                _ if once("client_id") && once("redirect_uri") => ErrorKind::BadRedirectUri,
                _ => ErrorKind::BadRequest,
            };
            refused(call, kind, denial)
        }
        Refusal::Redirect(response) => {
            to_client(call, params.one("client_id").unwrap_or_default(), &response).await
        }
        Refusal::Failed(fault) => failed(call, &fault),
    }
}
