//! OIDC Core §2 — the ID token

use crate::context::Context;
use crate::error::Fault;
use crate::jose::{SigningAlgorithm, jwt};
use crate::settings::LONGEST_ACCESS_TOKEN;
use crate::store::Grant;
use crate::time::Seconds;
use data_encoding::BASE64URL_NOPAD;
use serde::Serialize;

/// How long an ID token may be used to begin a session at the client.
const LIFETIME: Seconds = Seconds::minutes(10);
const _: () =
    assert!(LIFETIME.0 < LONGEST_ACCESS_TOKEN.0, "keys stay published for the longest access token");

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
    auth_time: i64,
    tenant: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    at_hash: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<String>,
}

/// Makes the ID token that goes with an access token. RS256, which every relying party knows (OIDC Core §15.1).
pub(super) fn sign(cx: &Context, grant: &Grant, access_token: &str) -> Result<String, Fault> {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, access_token.as_bytes());
    let claims = Claims {
        iss: cx.settings.issuer(),
        sub: grant.user.as_str(),
        aud: grant.client.as_str(),
        iat: cx.now.0,
        exp: (cx.now + LIFETIME).0,
        auth_time: grant.auth_time.0,
        tenant: grant.tenant.as_str(),
        nonce: grant.nonce.as_deref(),
        // OIDC Core §3.1.3.6: the left half of the hash.
        at_hash: BASE64URL_NOPAD.encode(&digest.as_ref()[..16]),
        sid: grant.session.map(|sid| sid.to_string()),
    };
    jwt::sign(cx.keys().signing_at(SigningAlgorithm::Rs256, cx.now)?, jwt::Type::IdToken, &claims)
}
