//! From a page, a refusal or an answer for an application to the wire.

use super::render::Page;
use super::view::words::span;
use super::view::{
    App as AppView, Came, Decided, Destination, ErrorKind, ErrorPage, Field, FormPost, Href, Link, OutOfBand,
    Outcome, Person,
};
use crate::app::App;
use crate::extract::Call;
use crate::layer::access::Cause;
use crate::layer::refusal::ErrorPage as EdgeErrors;
use crate::oauth::respond::see_other;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use std::sync::Arc;
use valetkey_core::authorize::{AuthorizationResponse, OUTCOME, enclosed};
use valetkey_core::client::Client;
use valetkey_core::directory::User;
use valetkey_core::error::{Denial, Error, Fault};
use valetkey_core::interaction::ResponseMode;
use valetkey_core::time::Seconds;

pub(crate) const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// A page with its own policy.
pub(crate) fn page<P: Page>(call: &Call, status: StatusCode, page: &P) -> Response {
    match call.app.renderer.render(&call.app.site, page) {
        Ok(html) => {
            let mut response = (status, Body::from(html)).into_response();
            response.headers_mut().insert(CONTENT_TYPE, HTML);
            response.headers_mut().insert(CONTENT_SECURITY_POLICY, page.policy());
            response
        }
        Err(error) => {
            let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
            response.extensions_mut().insert(Cause(error.to_string()));
            response
        }
    }
}

/// A page, or why it cannot be drawn.
pub(crate) fn drawn<P: Page>(call: &Call, status: StatusCode, view: Result<P, Fault>) -> Response {
    match view {
        Ok(view) => page(call, status, &view),
        Err(fault) => failed(call, &fault),
    }
}

/// Draws the pages for errors that no handler answered: unknown paths, wrong methods, panics.
pub fn edge_errors(app: &App) -> EdgeErrors {
    let app = app.clone();
    Arc::new(move |status, id| {
        let mut view = ErrorPage::new(
            match status {
                StatusCode::NOT_FOUND => ErrorKind::NotFound,
                StatusCode::METHOD_NOT_ALLOWED => ErrorKind::MethodNotAllowed,
                StatusCode::SERVICE_UNAVAILABLE => ErrorKind::Busy,
                status if status.is_server_error() => ErrorKind::Internal,
                _ => ErrorKind::BadRequest,
            },
            id.as_str(),
        );
        view.back = Some(home());
        // A template that cannot be drawn leaves an answer without a body, never one with a cause in it.
        app.renderer.render(&app.site, &view).unwrap_or_default()
    })
}

fn home() -> Link {
    Link::new(Href::root(), "Go to the start page")
}

/// An error page.
pub(crate) fn error(call: &Call, view: &ErrorPage) -> Response {
    let status = StatusCode::from_u16(view.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    page(call, status, view)
}

pub(crate) fn plain_error(call: &Call, kind: ErrorKind) -> Response {
    let mut view = ErrorPage::new(kind, call.id.as_str());
    view.back = Some(home());
    error(call, &view)
}

/// A refusal that a person has to see, with the standard's words behind "Technical details".
pub(crate) fn refused(call: &Call, kind: ErrorKind, denial: Denial) -> Response {
    let mut view = ErrorPage::new(kind, call.id.as_str());
    view.code = Some(denial.code.as_str().to_owned());
    view.detail = Some(denial.detail.to_owned());
    error(call, &view)
}

const RETRY: Seconds = Seconds(2);

/// A failure of ours, as a page.
pub(crate) fn failed(call: &Call, fault: &Fault) -> Response {
    let mut view = ErrorPage::new(
        if fault.kind.is_outage() { ErrorKind::Busy } else { ErrorKind::Internal },
        call.id.as_str(),
    );
    if view.kind == ErrorKind::Busy {
        view.wait = Some(span(RETRY));
    }
    let mut response = error(call, &view);
    if view.kind == ErrorKind::Busy {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(RETRY.0));
    }
    response.extensions_mut().insert(Cause(fault.to_string()));
    response
}

/// A form that could not be read.
pub(crate) fn unreadable(call: &Call, status: StatusCode) -> Response {
    let mut response = plain_error(call, ErrorKind::BadRequest);
    *response.status_mut() = status;
    response
}

/// Takes an answer to the application: by redirect, or in a form that the browser posts.
pub(crate) async fn to_client(call: &Call, client_id: &str, answer: &AuthorizationResponse) -> Response {
    if matches!(answer.mode, ResponseMode::Query | ResponseMode::Fragment) {
        return see_other(&answer.location());
    }
    let client = match call.cx.client(client_id).await {
        Ok(client) => client,
        Err(fault) => return failed(call, &fault),
    };
    let own = match &client {
        None => None,
        Some(client) => match enclosed(&call.cx, client, answer).await {
            Ok(enclosed) => Some(enclosed),
            Err(Error::Denied(denial)) => return refused(call, ErrorKind::BadRequest, denial),
            Err(Error::Failed(fault)) => return failed(call, &fault),
        },
    };
    let answer = own.as_ref().unwrap_or(answer);
    if matches!(answer.mode, ResponseMode::Query | ResponseMode::Fragment) {
        return see_other(&answer.location());
    }
    if answer.mode == ResponseMode::Page {
        return out_of_band(
            call,
            client.as_deref().map_or_else(|| AppView::new(client_id, None), app),
            answer,
        );
    }
    if answer.mode == ResponseMode::Elsewhere {
        let app = client.as_deref().map_or_else(|| AppView::new(client_id, None), app);
        return page(call, StatusCode::OK, &Decided { app, outcome: outcome(answer) });
    }
    // Form posts go to web addresses only; the request was checked for that.
    let (Some(action), Some(destination)) =
        (Href::web(&answer.redirect_uri), Destination::of(&answer.redirect_uri))
    else {
        return plain_error(call, ErrorKind::BadRedirectUri);
    };
    let app = client.map_or_else(|| AppView::new(client_id, None), |client| app(&client));
    let fields = answer.params.iter().map(|(name, value)| Field::new(name, value)).collect();
    page(call, StatusCode::OK, &FormPost { app, destination, action, fields })
}

/// What the person is told of a request that was made elsewhere.
fn outcome(answer: &AuthorizationResponse) -> Outcome {
    let value =
        |name: &str| answer.params.iter().find(|(own, _)| *own == name).map(|(_, value)| value.as_str());
    match value(OUTCOME) {
        Some("allowed") => Outcome::Allowed,
        Some("denied") => Outcome::Denied,
        Some("used") => Outcome::Used,
        Some("was_denied") => Outcome::WasDenied,
        Some("foreign") => Outcome::Foreign,
        Some(_) => Outcome::Expired,
        None => Outcome::Failed {
            error: value("error").unwrap_or_default().to_owned(),
            detail: value("error_description").unwrap_or_default().to_owned(),
        },
    }
}

/// The answer as a page: the code to be copied, or why there is none (opt-in `oob`).
fn out_of_band(call: &Call, app: AppView, answer: &AuthorizationResponse) -> Response {
    let value =
        |name: &str| answer.params.iter().find(|(own, _)| *own == name).map(|(_, value)| value.clone());
    let came = match (value("code"), value("error")) {
        (Some(code), _) => Came::Code { code },
        (None, error) => Came::Error {
            denied: error.as_deref() == Some("access_denied"),
            error: error.unwrap_or_default(),
            detail: value("error_description").unwrap_or_default(),
        },
    };
    let lasts = span(call.cx.lifetimes().code);
    page(call, StatusCode::OK, &OutOfBand { app, came, lasts })
}

pub(crate) fn app(client: &Client) -> AppView {
    let website = Some(&client.website).filter(|site| !site.is_empty()).map(String::as_str);
    let view = AppView::new(&client.name, website);
    let given = client.listing.logo.as_deref().map(|name| format!("{}{name}", super::logo::PREFIX));
    let checked = given.is_some() || super::logo::is_vouched_for(client);
    let logo = given.or_else(|| super::logo::path_of(client)).and_then(|path| Href::local(&path));
    if checked { view.with_logo(logo) } else { view.with_unchecked_logo(logo) }
}

pub(crate) fn person(user: &User) -> Person {
    Person::new(&user.username, user.name.as_deref(), user.email.as_deref())
}
