//! Looking into a token, as the operator of the server that made it.

use super::ManageError;
use crate::audit::{Actor, Event};
use crate::context::Context;
use crate::ids::GrantId;
use crate::token::access;
use crate::token::code;
use crate::token::refresh::RefreshToken;
use crate::token::revocation::token_mark;
use serde_json::{Value, json};

/// What a token says, whether or not it still holds.
pub fn inspect(cx: &Context, text: &str) -> Result<Value, ManageError> {
    if let Some(verified) = access::read(cx, text) {
        let token = verified.token().ok_or(ManageError::Unknown("token"))?;
        let live = access::verify(cx, text, cx.now).is_some();
        return Ok(json!({
            "id": token.id.to_string(),
            "kind": "access_token",
            "format": if text.starts_with("vk_at_") { "sealed" } else { "jwt" },
            "active": live,
            "client_id": token.client,
            "sub": token.subject(),
            "tenant": token.tenant,
            "grant": token.grant.map(|id| id.to_string()),
            "scope": token.scope,
            "aud": token.audience,
            "iat": token.issued_at,
            "exp": token.expires_at,
        }));
    }
    if let Some(token) = RefreshToken::open(cx, text) {
        return Ok(json!({
            "id": token.grant.to_string(),
            "kind": "refresh_token",
            "grant": token.grant.to_string(),
            "generation": token.generation,
        }));
    }
    let opened = code::open(cx, text)
        .ok_or(ManageError::Unknown("token: it was not made here, or its key is gone"))?;
    let own: code::Code<'_> = opened.record().ok_or(ManageError::Unknown("token"))?;
    Ok(json!({
        "id": own.id.to_string(),
        "kind": "authorization_code",
        "client_id": own.client,
        "sub": own.user,
        "scope": own.scope,
        "redirect_uri": own.redirect_uri,
        "exp": own.expires_at,
    }))
}

/// Takes a token back, whoever's it is: with its grant, where it has one.
pub async fn revoke(cx: &Context, actor: Actor, text: &str) -> Result<(), ManageError> {
    if let Some(token) = RefreshToken::open(cx, text) {
        return revoke_grant(cx, actor, token.grant).await;
    }
    let verified = access::read(cx, text).ok_or(ManageError::Unknown("token"))?;
    let token = verified.token().ok_or(ManageError::Unknown("token"))?;
    if let Some(grant) = token.grant {
        return revoke_grant(cx, actor, grant).await;
    }
    let mark = token_mark(&token);
    let record = cx.record(Event::TokenRevoked, actor).object(token.id);
    cx.store.revoke(&mark, &record).await?;
    cx.revoked.insert(&mark);
    Ok(())
}

async fn revoke_grant(cx: &Context, actor: Actor, grant: GrantId) -> Result<(), ManageError> {
    super::grant::revoke(cx, actor, grant).await
}
