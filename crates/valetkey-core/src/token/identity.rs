//! Who calls, as the gateway says it to an upstream: a short-lived signed statement, no token.

use crate::context::Server;
use crate::error::Fault;
use crate::jose::{SigningAlgorithm, jwt};
use crate::store::Api;
use crate::time::{Seconds, Timestamp};
use crate::token::access::AccessToken;
use serde::Serialize;

/// How long an upstream may believe it; the call itself takes less.
pub const LIFETIME: Seconds = Seconds(60);

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    client_id: &'a str,
    scope: &'a str,
    tenant: &'a str,
    iat: i64,
    exp: i64,
}

/// Signs what is known of the caller, for the API alone; never beyond the token's own life.
pub fn sign(server: &Server, api: &Api, token: &AccessToken<'_>, now: Timestamp) -> Result<String, Fault> {
    let claims = Claims {
        iss: server.settings.issuer(),
        aud: &api.resource,
        sub: token.subject(),
        client_id: token.client,
        scope: token.scope,
        tenant: token.tenant,
        iat: now.0,
        exp: (now + LIFETIME).min(token.expires_at).0,
    };
    let keys = server.keys();
    jwt::sign(keys.signing_at(SigningAlgorithm::EdDsa, now)?, jwt::Type::Identity, &claims)
}
