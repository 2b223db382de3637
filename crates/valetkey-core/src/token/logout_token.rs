//! OIDC Back-Channel Logout §2.4 — the logout token: that somebody signed out here, said to one application

use crate::client::{Client, subject};
use crate::context::Context;
use crate::error::Fault;
use crate::ids::{SessionId, UserId};
use crate::jose::jwt;
use crate::time::Seconds;
use serde::Serialize;
use serde_json::{Value, json};

/// §4: short, since it is made anew for each try.
const LIFETIME: Seconds = Seconds::minutes(2);
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// §2.4. Never a nonce, so that none passes for an ID token.
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
    jti: String,
    events: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<String>,
}

/// Makes the token. Without a session, every one that the application has of this person is meant.
pub fn sign(
    cx: &Context,
    client: &Client,
    user: &UserId,
    session: Option<SessionId>,
) -> Result<String, Fault> {
    let claims = Claims {
        iss: cx.settings.issuer(),
        sub: &subject::of(cx, client, user)?,
        aud: client.id.as_str(),
        iat: cx.now.0,
        exp: (cx.now + LIFETIME).0,
        jti: cx.new_id().to_string(),
        events: json!({ EVENT: {} }),
        sid: session.map(|own| subject::session(cx, client, own)).transpose()?,
    };
    // §2.4: signed as the application has its ID tokens signed.
    let algorithm = client.id_token_algorithm();
    jwt::sign(cx.keys().signing_at(algorithm, cx.now)?, jwt::Type::LogoutToken, &claims)
}
