//! A request as the handlers take it: the context, the headers they need, and the form body as bytes.

use crate::app::App;
use crate::cookie::Cookie;
use crate::layer::body::read_body;
use crate::layer::request_id::RequestId;
use crate::layer::{Arrival, AskedPath, ClientCertificate};
use crate::oauth::error as wire;
use crate::pages::respond::unreadable;
use crate::pages::view::words::device;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, ORIGIN, USER_AGENT};
use http::{Extensions, HeaderMap, HeaderValue, Method, StatusCode, Uri};
use std::sync::Arc;
use valetkey_core::context::{BrowserName, Context};
use valetkey_core::error::{Code, Denial};
use valetkey_core::login::same_origin::{self, Came};
use valetkey_core::params::Params;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// A request without a body.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) app: App,
    pub(crate) cx: Context,
    pub(crate) id: RequestId,
    pub(crate) headers: HeaderMap,
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    /// The path that the caller knows, where it came by a further one.
    pub(crate) asked: Option<AskedPath>,
}

impl Call {
    /// Of a request that came by the router.
    pub(crate) fn new(app: &App, parts: http::request::Parts) -> Result<Self, Response> {
        let arrival = arrival(&parts.extensions)?;
        Ok(Self::of(app, parts, arrival))
    }

    fn of(app: &App, parts: http::request::Parts, arrival: Arrival) -> Self {
        let Arrival { request_id, client, .. } = arrival;
        let mut cx = app.context(client.0, &request_id);
        if let Some(ClientCertificate(certificate)) = parts.extensions.get() {
            cx = cx.with_certificate(Arc::clone(certificate));
        }
        let asked = parts.extensions.get::<AskedPath>().cloned();
        Self {
            cx,
            app: app.clone(),
            id: request_id,
            headers: parts.headers,
            method: parts.method,
            uri: parts.uri,
            asked,
        }
    }

    pub(crate) fn https(&self) -> bool {
        self.cx.settings.is_https()
    }

    pub(crate) fn query(&self) -> &[u8] {
        self.uri.query().unwrap_or_default().as_bytes()
    }

    pub(crate) fn authorization(&self) -> Option<&str> {
        self.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok())
    }

    /// RFC 6750 §2.1; the scheme's case does not matter.
    pub(crate) fn bearer(&self) -> Option<&str> {
        let (scheme, token) = self.authorization()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    }

    pub(crate) fn cookie(&self, cookie: Cookie) -> Option<&str> {
        cookie.read(&self.headers, self.https())
    }

    pub(crate) fn user_agent(&self) -> &str {
        self.headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub(crate) fn origin(&self) -> Option<&str> {
        self.headers.get(ORIGIN).and_then(|value| value.to_str().ok())
    }

    /// Whether the browser itself says that another site sent this form. A page of ours sends `same-origin`, or, from
    /// browsers that do not know the header, our origin or `null` (we send no referrer). The sealed proof in each form
    /// is the protection; this is the belt to it.
    pub(crate) fn is_cross_site(&self) -> bool {
        let value = |name| self.headers.get(name).map(HeaderValue::as_bytes);
        same_origin::came(&self.cx.settings, value(SEC_FETCH_SITE), value(ORIGIN)) == Came::Cross
    }
}

/// The edge puts an `Arrival` on every request; without one the router was wired wrongly.
fn arrival(extensions: &Extensions) -> Result<Arrival, Response> {
    extensions.get().copied().ok_or_else(|| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

impl FromRequest<App> for Call {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        Self::new(app, request.into_parts().0)
    }
}

/// A protocol request with a form body. Its refusals are the protocol's JSON.
#[derive(Debug)]
pub(crate) struct FormCall {
    pub(crate) call: Call,
    pub(crate) body: Bytes,
}

const NOT_A_FORM: Denial =
    Code::InvalidRequest.because("send the parameters as application/x-www-form-urlencoded in the body");

/// What a client proves itself by, or says that it need not.
const CREDENTIALS: [&str; 3] = ["client_id", "client_secret", "client_assertion"];

impl FormCall {
    /// Whether a 401 names the scheme by which a client may prove itself: to those who tried the header (RFC 6749 §5.2), and
    /// to those who tried nothing (RFC 9110 §15.5.2). Who sent credentials in the body knows another way; a script of our
    /// own origin would have its browser ask the person for them.
    pub(crate) fn wants_challenge(&self) -> bool {
        let tried = |params: &Params<'_>| CREDENTIALS.iter().any(|name| params.contains(name));
        self.call.authorization().is_some() || !self.params().is_ok_and(|params| tried(&params))
    }

    pub(crate) fn params(&self) -> Result<Params<'_>, Denial> {
        Params::parse(&self.body)
    }

    pub(crate) async fn read(request: Request, app: &App, arrival: Arrival) -> Result<Self, Response> {
        let (parts, body) = request.into_parts();
        let is_form = has_form_type(&parts.headers);
        let body = read_body(body, app.body_limits).await.map_err(|bad| wire::unreadable(bad.status()))?;
        if !is_form && !body.is_empty() {
            return Err(wire::denied(NOT_A_FORM, false));
        }
        Ok(Self { call: Call::of(app, parts, arrival), body })
    }
}

impl FromRequest<App> for FormCall {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let arrival = arrival(request.extensions())?;
        Self::read(request, app, arrival).await
    }
}

/// A request with a JSON body. Its refusals are the protocol's JSON.
#[derive(Debug)]
pub(crate) struct JsonCall {
    pub(crate) call: Call,
    pub(crate) body: Bytes,
}

impl FromRequest<App> for JsonCall {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let (parts, body) = request.into_parts();
        let body = read_body(body, app.body_limits).await.map_err(|bad| wire::unreadable(bad.status()))?;
        Ok(Self { call: Call::new(app, parts)?, body })
    }
}

/// A page's form. Its refusals are pages.
#[derive(Debug)]
pub(crate) struct PageForm {
    pub(crate) call: Call,
    pub(crate) body: Bytes,
}

impl FromRequest<App> for PageForm {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let (parts, body) = request.into_parts();
        let is_form = has_form_type(&parts.headers);
        let mut call = Call::new(app, parts)?;
        call.cx.caller.browser = Some(BrowserName::new(&device(Some(call.user_agent()))));
        let body = read_body(body, app.body_limits).await.map_err(|bad| unreadable(&call, bad.status()))?;
        if !is_form {
            return Err(unreadable(&call, StatusCode::UNSUPPORTED_MEDIA_TYPE));
        }
        Ok(Self { call, body })
    }
}

fn has_form_type(headers: &HeaderMap) -> bool {
    const FORM: &str = "application/x-www-form-urlencoded";
    let Some(kind) = headers.get(CONTENT_TYPE) else { return false };
    // As nearly everybody writes it.
    if kind == FORM {
        return true;
    }
    let kind = kind.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    kind.trim().eq_ignore_ascii_case(FORM)
}
