//! OIDC Core §5.3 — claims about the user of an access token, by its scope

use crate::context::Context;
use crate::error::{Code, Denial, Error};
use crate::ids::TenantId;
use crate::token::access;
use serde::Serialize;

/// OIDC Core §5.1, §5.4.
#[derive(Debug, Serialize)]
pub struct UserInfo {
    pub sub: String,
    /// The user directory, where it is not the one that is there without anybody making it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<bool>,
}

const INVALID: Denial = Code::InvalidToken.because("the access token is unknown, expired or revoked");

/// Answers for an access token; a bound one by the caller who showed its key.
pub async fn userinfo(cx: &Context, bearer: &str) -> Result<UserInfo, Error> {
    cx.hear().await?;
    let verified = access::verify(cx, bearer, cx.now).ok_or(INVALID)?;
    let token = verified.token().ok_or(INVALID)?;
    let user = token.user.filter(|_| token.is_held_by(cx.caller.key.as_ref())).ok_or(INVALID)?;
    let has = |scope: &str| token.scope.split(' ').any(|own| own == scope);
    if !has("openid") {
        return Err(Code::InsufficientScope.because("ask for the scope openid").into());
    }
    let user = cx.store.user(&user.into()).await?.filter(|user| user.may_act().is_ok()).ok_or(INVALID)?;
    let (profile, email) = (has("profile"), has("email") && user.email.is_some());
    Ok(UserInfo {
        sub: user.id.to_string(),
        tenant: (user.tenant != TenantId::default()).then(|| user.tenant.to_string()),
        name: user.name.filter(|_| profile),
        preferred_username: profile.then_some(user.username),
        updated_at: profile.then_some(user.updated_at.0),
        email_verified: email.then_some(user.email_verified),
        email: user.email.filter(|_| email),
    })
}
