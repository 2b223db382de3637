//! RFC 9068 §4, RFC 8725 §3 — a JWT access token: its header, its key, its signature, its claims

use crate::caller::Caller;
use crate::claims::{Expected, Source};
use crate::jwk::Algorithm;
use crate::keys::Keys;
use crate::refusal::Refusal;
use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;

#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
    crit: Option<Value>,
}

/// A token that has the form of a JWS: three parts, of which the first is a JOSE header.
pub(crate) struct Jwt<'a> {
    header: Header,
    message: &'a str,
    claims: &'a str,
    signature: &'a str,
}

impl<'a> Jwt<'a> {
    /// `None` for an opaque token.
    pub(crate) fn read(text: &'a str) -> Option<Self> {
        let (message, signature) = text.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        if claims.contains('.') {
            return None;
        }
        let header = BASE64URL_NOPAD.decode(header.as_bytes()).ok()?;
        Some(Self { header: serde_json::from_slice(&header).ok()?, message, claims, signature })
    }

    /// # Errors
    /// Why the token is not believed.
    pub(crate) async fn verify(
        &self,
        keys: &Keys,
        expected: &Expected,
        now: Duration,
    ) -> Result<Caller, Refusal> {
        // RFC 8725 §3.11: an ID token, a logout token or an assertion is not an access token.
        if !self.header.typ.as_deref().is_some_and(is_access_token) {
            return Err(Refusal::Token("This is a JWT of another kind than an access token."));
        }
        // RFC 7515 §4.1.11: what must be understood is not understood here.
        if self.header.crit.is_some() {
            return Err(Refusal::Token("The access token has a critical header."));
        }
        let algorithm = Algorithm::parse(&self.header.alg).ok_or(Refusal::Token(
            "The access token is signed with an algorithm that is not accepted here.",
        ))?;
        let signature = BASE64URL_NOPAD.decode(self.signature.as_bytes()).map_err(|_| BROKEN)?;
        let key = keys.find(self.header.kid.as_deref(), algorithm).await?;
        if !key.verifies(self.message.as_bytes(), &signature) {
            return Err(BROKEN);
        }
        let claims = BASE64URL_NOPAD.decode(self.claims.as_bytes()).map_err(|_| BROKEN)?;
        let claims = serde_json::from_slice(&claims).map_err(|_| BROKEN)?;
        expected.judge(Source::Jwt, claims, now)
    }
}

const BROKEN: Refusal = Refusal::Token("The access token's signature is not right.");

/// RFC 9068 §4: `at+jwt`, with or without `application/`; RFC 7515 §4.1.9: media types know no case.
fn is_access_token(typ: &str) -> bool {
    typ.eq_ignore_ascii_case("at+jwt") || typ.eq_ignore_ascii_case("application/at+jwt")
}
