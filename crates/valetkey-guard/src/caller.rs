//! RFC 6749 §3.3, RFC 9068 §2.2 — who calls, and what they may do

use serde_json::{Map, Value};
use std::fmt;

/// Who calls. Put into the request by a [`GuardLayer`](crate::GuardLayer), and with the feature `axum` an extractor.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Caller {
    /// `sub`: the person; or the client, where it acts for itself. Unique at this issuer and not beyond.
    pub subject: String,
    /// `client_id`: the application that calls. Always there in a JWT; RFC 7662 lets an issuer leave it out.
    pub client: Option<String>,
    /// What the token allows.
    pub scope: Scope,
    /// Everything the issuer said.
    pub claims: Map<String, Value>,
}

/// The scopes of a token (RFC 6749 §3.3): a set, compared as exact strings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope(Vec<String>);

impl Scope {
    pub(crate) fn parse(text: &str) -> Self {
        Self(text.split(' ').filter(|name| !name.is_empty()).map(str::to_owned).collect())
    }

    /// Whether the token allows this.
    pub fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|own| own == name)
    }

    /// Each scope, as the issuer ordered them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    pub(crate) fn into_names(self) -> Vec<String> {
        self.0
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

#[cfg(feature = "axum")]
mod extract {
    use super::Caller;
    use axum::extract::FromRequestParts;
    use http::StatusCode;
    use http::request::Parts;

    impl<S: Sync> FromRequestParts<S> for Caller {
        type Rejection = (StatusCode, &'static str);

        /// # Errors
        /// 500 where no [`GuardLayer`](crate::GuardLayer) stands before the handler: a mistake in the program, and nobody
        /// is let in by it.
        async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
            let missing = || {
                tracing::error!(path = parts.uri.path(), "Caller is asked for where no guard stands before");
                (StatusCode::INTERNAL_SERVER_ERROR, "The server failed to answer.")
            };
            parts.extensions.get::<Self>().cloned().ok_or_else(missing)
        }
    }
}
