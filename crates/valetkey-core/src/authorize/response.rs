//! RFC 6749 §4.1.2, RFC 9207 §2 — the answer to the application: always with `state` and `iss`

use crate::context::Context;
use crate::error::Denial;
use crate::interaction::{AuthorizationRequest, ResponseMode, ResponseType};
use crate::login::browser_state;
use crate::params;
use crate::store::Session;

/// Parameters on their way to a redirect URI that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationResponse {
    pub redirect_uri: String,
    pub mode: ResponseMode,
    pub params: Vec<(&'static str, String)>,
}

impl AuthorizationResponse {
    pub fn has(&self, name: &str) -> bool {
        self.params.iter().any(|(own, _)| *own == name)
    }

    /// The address for a redirect, with the parameters added to the query that may be there already, or in the fragment.
    pub fn location(&self) -> String {
        if self.params.is_empty() {
            return self.redirect_uri.clone();
        }
        let mut joint = match self.mode {
            ResponseMode::Fragment => '#',
            _ if self.redirect_uri.contains('?') => '&',
            _ => '?',
        };
        let values = self.params.iter().map(|(name, value)| name.len() + value.len() + ROOM);
        let mut location = String::with_capacity(self.redirect_uri.len() + values.sum::<usize>());
        location.push_str(&self.redirect_uri);
        for (name, value) in &self.params {
            location.push(joint);
            location.push_str(name);
            location.push('=');
            params::encode(&mut location, value);
            joint = '&';
        }
        location
    }
}

/// For what stands around a value, and what of it is escaped.
const ROOM: usize = 16;

fn answer(
    cx: &Context,
    redirect_uri: &str,
    mode: ResponseMode,
    state: Option<&str>,
    mut params: Vec<(&'static str, String)>,
) -> AuthorizationResponse {
    if let Some(state) = state {
        params.push(("state", state.to_owned()));
    }
    params.push(("iss", cx.settings.issuer().to_owned()));
    AuthorizationResponse { redirect_uri: redirect_uri.to_owned(), mode, params }
}

pub(super) fn granted(
    cx: &Context,
    request: &AuthorizationRequest,
    session: &Session,
    mut params: Vec<(&'static str, String)>,
) -> AuthorizationResponse {
    // A token alone says nothing of a session.
    if request.scope.contains("openid") && request.response_type != ResponseType::Token {
        let (client, uri) = (request.client.as_str(), request.redirect_uri.as_str());
        // OIDC Session Management §2.
        let state = browser_state::session_state(client, uri, session, cx.random());
        params.extend(state.map(|state| ("session_state", state)));
    }
    answer(cx, &request.redirect_uri, request.response_mode, request.state.as_deref(), params)
}

/// Back to an API in the browser: the session is all that it needs.
pub(super) fn back(request: &AuthorizationRequest) -> AuthorizationResponse {
    AuthorizationResponse {
        redirect_uri: request.redirect_uri.clone(),
        mode: request.response_mode,
        params: Vec::new(),
    }
}

/// What became of a request that was made elsewhere: for the person alone.
pub(super) fn elsewhere(outcome: &'static str) -> AuthorizationResponse {
    AuthorizationResponse {
        redirect_uri: String::new(),
        mode: ResponseMode::Elsewhere,
        params: vec![(OUTCOME, outcome.to_owned())],
    }
}

/// The parameter that tells of it.
pub const OUTCOME: &str = "outcome";

pub(super) fn denial(
    cx: &Context,
    redirect_uri: &str,
    mode: ResponseMode,
    state: Option<&str>,
    denial: Denial,
) -> AuthorizationResponse {
    let params =
        vec![("error", denial.code.as_str().to_owned()), ("error_description", denial.detail.to_owned())];
    answer(cx, redirect_uri, mode, state, params)
}

/// Tells the application no.
pub fn refuse(cx: &Context, request: &AuthorizationRequest, why: Denial) -> AuthorizationResponse {
    super::note(cx, &request.client, why, None);
    denial(cx, &request.redirect_uri, request.response_mode, request.state.as_deref(), why)
}
