//! RFC 6750 §3, RFC 9728 §5.1 — how a request is refused: the challenge for clients, RFC 9457 words for people

use crate::{Caller, metadata};
use axum::body::Body;
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use serde_json::{Map, Value};
use std::fmt::Write as _;
use valetkey_core::error::{Code, Denial};
use valetkey_core::jose::jwk::Algorithm;
use valetkey_core::scope::Scope;
use valetkey_core::settings::Settings;
use valetkey_core::store::{Api, EndpointRule};

/// Why a request is not let through. The words are literals, so no input leaks through them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal<'a> {
    /// Its target could mean two things.
    Target(&'static str),
    Method,
    Request(&'static str),
    /// No token came with it.
    Missing,
    Token(&'static str),
    /// RFC 9449 §7.1: the token is bound to a key, which the caller did not show.
    Bound(&'static str),
    /// RFC 9449 §7.1: the proof beside the token does not hold, or wants a nonce of ours.
    Proof(Denial),
    Scope(&'a Scope, &'static str),
    /// RFC 9470 §3.
    Authentication(&'a EndpointRule),
    /// The API has rules and none speaks for this.
    Endpoint,
    TooLarge,
    /// A forward-auth call from a stranger, or one that does not say what it asks about.
    Stranger(&'static str),
    /// A page of another origin wants something in the name of who is signed in here.
    Forgery(&'static str),
    /// The path that signs out, by another method.
    SignOut,
    /// The store cannot be reached.
    Away,
    /// The upstream cannot be reached, or does not speak HTTP.
    Upstream,
    UpstreamLate,
    /// Ours.
    Failed,
}

impl Refusal<'_> {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Target(_) | Self::Request(_) => StatusCode::BAD_REQUEST,
            Self::Method | Self::SignOut => StatusCode::METHOD_NOT_ALLOWED,
            Self::Missing | Self::Token(_) | Self::Bound(_) | Self::Proof(_) | Self::Authentication(_) => {
                StatusCode::UNAUTHORIZED
            }
            Self::Scope(..) | Self::Endpoint | Self::Stranger(_) | Self::Forgery(_) => StatusCode::FORBIDDEN,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Away => StatusCode::SERVICE_UNAVAILABLE,
            Self::Upstream => StatusCode::BAD_GATEWAY,
            Self::UpstreamLate => StatusCode::GATEWAY_TIMEOUT,
            Self::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn detail(&self) -> &'static str {
        match self {
            Self::Target(why)
            | Self::Request(why)
            | Self::Token(why)
            | Self::Bound(why)
            | Self::Stranger(why)
            | Self::Forgery(why)
            | Self::Scope(_, why) => why,
            Self::Proof(denial) => denial.detail,
            Self::Method => "The API is called by GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS.",
            Self::SignOut => "Signing out is a POST.",
            Self::Away => "The server cannot tell who you are just now; try again in a moment.",
            Self::Authentication(_) => "more recent or stronger user authentication is needed here",
            Self::Missing => "This API needs an access token.",
            Self::Endpoint => "This API has no endpoint of that method and path.",
            Self::TooLarge => "The request body is larger than the API takes.",
            Self::Upstream => "The API cannot be reached just now.",
            Self::UpstreamLate => "The API did not answer in time.",
            Self::Failed => "The server failed to answer; the request id helps to find out why.",
        }
    }

    /// RFC 6750 §3.1; no code where no token was sent.
    fn code(&self) -> Option<Code> {
        match self {
            Self::Request(_) => Some(Code::InvalidRequest),
            Self::Token(_) | Self::Bound(_) => Some(Code::InvalidToken),
            Self::Proof(denial) => Some(denial.code),
            Self::Scope(..) => Some(Code::InsufficientScope),
            Self::Authentication(_) => Some(Code::InsufficientUserAuthentication),
            _ => None,
        }
    }

    /// The answer, at an API where it is known; `needs` are the scopes of the endpoint, where it has a rule.
    pub(crate) fn answer(&self, at: Option<(&Settings, &Api)>, needs: Option<&Scope>) -> Response<Body> {
        let status = self.status();
        let mut problem = Map::new();
        problem.insert("type".to_owned(), "about:blank".into());
        problem.insert("title".to_owned(), status.canonical_reason().unwrap_or("Error").into());
        problem.insert("status".to_owned(), status.as_u16().into());
        problem.insert("detail".to_owned(), self.detail().into());
        if let Some(code) = self.code() {
            problem.insert("error".to_owned(), code.as_str().into());
        }
        let mut response = Response::new(Body::from(Value::from(problem).to_string()));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if *self == Self::Method {
            headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"));
        }
        if *self == Self::SignOut {
            headers.insert(ALLOW, HeaderValue::from_static("POST"));
        }
        if *self == Self::Away {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("2"));
        }
        let challenged = *self == Self::Missing || self.code().is_some();
        if let Some((settings, api)) = at.filter(|_| challenged)
            && let Ok(value) = HeaderValue::try_from(self.challenge(settings, api, needs))
        {
            headers.insert(WWW_AUTHENTICATE, value);
        }
        response
    }

    /// What an operator has to hear of.
    pub(crate) fn log(&self, api: &Api, caller: Caller<'_>) {
        if matches!(self, Self::Upstream | Self::UpstreamLate | Self::Failed) {
            tracing::warn!(target: "valetkey::gateway", api = api.id.as_str(), refusal = ?self, request = caller.request_id);
        }
    }

    fn challenge(&self, settings: &Settings, api: &Api, needs: Option<&Scope>) -> String {
        let mut text = match self {
            Self::Proof(_) | Self::Bound(_) => {
                let algorithms = Algorithm::ALL.map(|(name, _)| name).join(" ");
                format!("DPoP realm=\"valetkey\", algs=\"{algorithms}\"")
            }
            _ => "Bearer realm=\"valetkey\"".to_owned(),
        };
        if let Some(code) = self.code() {
            let _ = write!(text, ", error=\"{}\", error_description=\"{}\"", code.as_str(), self.detail());
        }
        if let Self::Authentication(rule) = self {
            text.push_str(&wanted(rule));
        }
        let needs = if let Self::Scope(scopes, _) = self { Some(*scopes) } else { needs };
        if let Some(scopes) = needs.filter(|scopes| !scopes.is_empty()) {
            let _ = write!(text, ", scope=\"{scopes}\"");
        }
        let _ = write!(text, ", resource_metadata=\"{}\"", settings.url(&metadata::path(api)));
        text
    }
}

/// RFC 9470 §3: what the client asks for at the authorization endpoint. The names have no quote in them.
fn wanted(rule: &EndpointRule) -> String {
    let mut text = String::new();
    if !rule.acr.is_empty() {
        let _ = write!(text, ", acr_values=\"{}\"", rule.acr.join(" "));
    }
    if let Some(age) = rule.max_age {
        let _ = write!(text, ", max_age=\"{}\"", age.0);
    }
    text
}
