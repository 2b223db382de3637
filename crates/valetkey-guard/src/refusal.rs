//! RFC 6750 §3, RFC 9470 §3, RFC 9728 §5.1 — how a request is refused: the challenge for programs, RFC 9457 words for people

use crate::needs::Needs;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use serde_json::json;
use std::fmt::Write as _;

/// Why a request is not let in. The words are literals, so no input leaks through them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// 401: no token came in the `Authorization` header.
    Missing,
    /// 400 `invalid_request`: the header is there and cannot be read.
    Request(&'static str),
    /// 401 `invalid_token`.
    Token(&'static str),
    /// 401 `insufficient_user_authentication` (RFC 9470): the person is to be authenticated in another way, or anew.
    Authentication,
    /// 403 `insufficient_scope`.
    Scope,
    /// 503: the issuer cannot be asked just now, so nobody knows.
    Unavailable,
}

impl Refusal {
    /// The answer's status.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Missing | Self::Token(_) | Self::Authentication => StatusCode::UNAUTHORIZED,
            Self::Request(_) => StatusCode::BAD_REQUEST,
            Self::Scope => StatusCode::FORBIDDEN,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// RFC 6750 §3.1; no code where no token was sent.
    pub const fn code(self) -> Option<&'static str> {
        match self {
            Self::Request(_) => Some("invalid_request"),
            Self::Token(_) => Some("invalid_token"),
            Self::Authentication => Some("insufficient_user_authentication"),
            Self::Scope => Some("insufficient_scope"),
            Self::Missing | Self::Unavailable => None,
        }
    }

    /// A sentence for people.
    pub const fn detail(self) -> &'static str {
        match self {
            Self::Missing => "This needs an access token.",
            Self::Request(why) | Self::Token(why) => why,
            Self::Authentication => "This needs a sign-in of another kind, or a more recent one.",
            Self::Scope => "The access token does not allow this.",
            Self::Unavailable => "Access tokens cannot be checked just now.",
        }
    }

    pub(crate) fn answer<B: From<String>>(self, at: &Challenge, needs: &Needs) -> Response<B> {
        let status = self.status();
        let mut problem = json!({
            "type": "about:blank",
            "title": status.canonical_reason(),
            "status": status.as_u16(),
            "detail": self.detail(),
        });
        if let Some(code) = self.code() {
            problem["error"] = code.into();
        }
        let mut response = Response::new(B::from(problem.to_string()));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self == Self::Unavailable {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
        } else if let Ok(value) = HeaderValue::try_from(at.write(self, needs)) {
            headers.insert(WWW_AUTHENTICATE, value);
        }
        response
    }
}

/// What every challenge of an API says.
#[derive(Debug)]
pub(crate) struct Challenge {
    pub(crate) realm: String,
    pub(crate) resource_metadata: Option<String>,
}

impl Challenge {
    fn write(&self, refusal: Refusal, needs: &Needs) -> String {
        let mut text = format!("Bearer realm=\"{}\"", quoted(&self.realm));
        if let Some(code) = refusal.code() {
            let _ = write!(text, ", error=\"{code}\", error_description=\"{}\"", refusal.detail());
        }
        if refusal == Refusal::Authentication {
            if !needs.acr_values.is_empty() {
                let _ = write!(text, ", acr_values=\"{}\"", quoted(&needs.acr_values.join(" ")));
            }
            if let Some(most) = needs.max_age {
                let _ = write!(text, ", max_age=\"{}\"", most.as_secs());
            }
        }
        if !needs.scopes.is_empty() {
            let _ = write!(text, ", scope=\"{}\"", quoted(&needs.scopes.join(" ")));
        }
        if let Some(url) = &self.resource_metadata {
            let _ = write!(text, ", resource_metadata=\"{}\"", quoted(url));
        }
        text
    }
}

/// RFC 6750 §3: what may stand between the quotes; the rest is left out.
fn quoted(text: &str) -> String {
    text.chars().filter(|c| matches!(c, ' '..='~') && !matches!(c, '"' | '\\')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn rfc6750_section_3_a_challenge_says_what_is_wrong_and_needed_and_no_more() {
        let plain = Challenge { realm: "https://photos.example".to_owned(), resource_metadata: None };
        let full = Challenge {
            realm: "a\"b\r\n".to_owned(),
            resource_metadata: Some("https://photos.example/.well-known/x".to_owned()),
        };
        let none = Needs::default();
        let scopes = vec!["read".to_owned(), "write".to_owned()];
        let needs = Needs { scopes, ..Needs::default() };
        let step_up = Needs {
            acr_values: vec!["phr".to_owned(), "urn:a\"b".to_owned()],
            max_age: Some(Duration::from_mins(5)),
            ..needs.clone()
        };
        for (challenge, refusal, needs, want) in [
            (&plain, Refusal::Missing, &none, "Bearer realm=\"https://photos.example\""),
            (
                &plain,
                Refusal::Token("It has expired."),
                &none,
                "Bearer realm=\"https://photos.example\", error=\"invalid_token\", error_description=\"It has expired.\"",
            ),
            (
                &full,
                Refusal::Missing,
                &needs,
                "Bearer realm=\"ab\", scope=\"read write\", resource_metadata=\"https://photos.example/.well-known/x\"",
            ),
            (
                &plain,
                Refusal::Authentication,
                &step_up,
                "Bearer realm=\"https://photos.example\", error=\"insufficient_user_authentication\", \
                 error_description=\"This needs a sign-in of another kind, or a more recent one.\", \
                 acr_values=\"phr urn:ab\", max_age=\"300\", scope=\"read write\"",
            ),
            (
                &plain,
                Refusal::Scope,
                &step_up,
                "Bearer realm=\"https://photos.example\", error=\"insufficient_scope\", \
                 error_description=\"The access token does not allow this.\", scope=\"read write\"",
            ),
        ] {
            assert_eq!(challenge.write(refusal, needs), want);
        }
    }
}
