//! RFC 6750 §2.1 — from a request's header to its caller

use crate::builder::Builder;
use crate::caller::{Caller, Scope};
use crate::certificate::{self, PeerCertificate};
use crate::claims::Expected;
use crate::clock::Clock;
use crate::introspection::Introspection;
use crate::jwt::Jwt;
use crate::keys::Keys;
use crate::layer::GuardLayer;
use crate::needs::Needs;
use crate::refusal::{Challenge, Refusal};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use std::sync::Arc;

/// Bytes of a token.
const LONGEST: usize = 16 * 1024;

/// Verifies access tokens of one issuer for one API. Cheap to clone; clones share their caches.
#[derive(Debug, Clone)]
pub struct Guard(Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) expected: Expected,
    pub(crate) challenge: Challenge,
    pub(crate) keys: Option<Keys>,
    pub(crate) introspection: Option<Introspection>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Guard {
    /// Begins with an issuer, byte for byte as it names itself (RFC 8414 §3.3). It is https, or http on this machine.
    pub fn discover(issuer: impl Into<String>) -> Builder {
        Builder::new(issuer.into())
    }

    pub(crate) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// A layer that lets nobody in without a valid token.
    pub fn layer(&self) -> GuardLayer {
        self.require("")
    }

    /// A layer that wants these scopes too, all of them, separated by spaces. Behind [`Guard::layer`] it verifies nothing
    /// twice, and without it it verifies by itself.
    pub fn require(&self, scopes: &str) -> GuardLayer {
        GuardLayer::new(self.clone(), Scope::parse(scopes).into_names())
    }

    /// Who sends a request with these headers, without a certificate of theirs.
    ///
    /// # Errors
    /// Why they are not let in.
    pub async fn verify(&self, headers: &HeaderMap) -> Result<Caller, Refusal> {
        self.verify_with_certificate(headers, None).await
    }

    /// Who sends a request with these headers over a connection in which the client showed this certificate, if any: a
    /// token that is bound to one is good with that one alone (RFC 8705 §3).
    ///
    /// # Errors
    /// Why they are not let in.
    pub async fn verify_with_certificate(
        &self,
        headers: &HeaderMap,
        certificate: Option<&PeerCertificate>,
    ) -> Result<Caller, Refusal> {
        certificate::held(self.believed(token(headers)?).await?, certificate)
    }

    /// Who may use this token, however it arrived. An API over HTTP wants [`Guard::verify`].
    ///
    /// # Errors
    /// Why it is not believed.
    pub async fn verify_token(&self, token: &str) -> Result<Caller, Refusal> {
        certificate::held(self.believed(token).await?, None)
    }

    /// Whom the token speaks for, whoever brought it.
    async fn believed(&self, token: &str) -> Result<Caller, Refusal> {
        let inner = &*self.0;
        if token.len() > LONGEST {
            return Err(Refusal::Token("The access token is too long."));
        }
        if let (Some(keys), Some(jwt)) = (&inner.keys, Jwt::read(token)) {
            return jwt.verify(keys, &inner.expected, inner.clock.now()).await;
        }
        match &inner.introspection {
            Some(introspection) => introspection.verify(token, &inner.expected).await,
            None => Err(Refusal::Token("The access token is not a JWT, and this API reads nothing else.")),
        }
    }

    pub(crate) fn check(&self, needs: &Needs, caller: &Caller) -> Result<(), Refusal> {
        needs.check(caller, self.0.clock.now(), self.0.expected.leeway)
    }

    pub(crate) fn challenge(&self) -> &Challenge {
        &self.0.challenge
    }

    /// Whether the two are clones of one guard.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// The token of the `Authorization` header. Queries and bodies are not looked at: RFC 9700 §4.3.2.
fn token(headers: &HeaderMap) -> Result<&str, Refusal> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Err(Refusal::Missing) };
    if values.next().is_some() {
        return Err(Refusal::Request("There is more than one Authorization header."));
    }
    let value = value.as_bytes();
    let at = value.iter().position(|byte| *byte == b' ').unwrap_or(value.len());
    let (scheme, rest) = value.split_at(at);
    if !scheme.eq_ignore_ascii_case(b"Bearer") {
        return Err(Refusal::Missing);
    }
    let token =
        str::from_utf8(rest).map(|rest| rest.trim_matches(' ')).ok().filter(|token| is_b64token(token));
    token.ok_or(Refusal::Request("The Authorization header reads: Bearer, a space, the access token."))
}

/// RFC 6750 §2.1: the characters of a token.
fn is_b64token(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    !body.is_empty() && body.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn rfc6750_section_2_1_a_token_comes_in_one_header_of_its_form() {
        let wrong = |given: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in given {
                headers.append(AUTHORIZATION, HeaderValue::from_static(value));
            }
            token(&headers).map(str::to_owned).map_err(|refusal| refusal.status().as_u16())
        };
        for (given, want) in [
            (&["Bearer abc"][..], Ok("abc")),
            (&["bearer  a-._~+/9=="], Ok("a-._~+/9==")),
            (&[], Err(401)),
            (&["Basic YTpi"], Err(401)),
            (&["DPoP abc"], Err(401)),
            (&["Bearerabc"], Err(401)),
            (&["Bearer"], Err(400)),
            (&["Bearer "], Err(400)),
            (&["Bearer ="], Err(400)),
            (&["Bearer a b"], Err(400)),
            (&["Bearer a\"b"], Err(400)),
            (&["Bearer a,b"], Err(400)),
            (&["Bearer abc", "Bearer abc"], Err(400)),
            (&["Basic YTpi", "Bearer abc"], Err(400)),
        ] {
            assert_eq!(wrong(given), want.map(str::to_owned), "{given:?}");
        }
    }
}
