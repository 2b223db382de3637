//! OIDC Core §5.3 — claims about the user of an access token: by its scope, and those that were asked for by name

use crate::claims;
use crate::client::{Client, subject};
use crate::context::Context;
use crate::error::{Code, Denial, Error, Fault};
use crate::ids::{TenantId, UserId};
use crate::jose::jwt;
use crate::token::access::{self, AccessToken};
use crate::token::details::Details;
use crate::token::{encrypted, may_prove};
use serde_json::{Map, Value};

/// The answer, as the client registered to get it (OIDC Registration §2).
#[derive(Debug)]
pub enum UserInfo {
    Json(Vec<u8>),
    /// Signed, encrypted, or both.
    Jwt(String),
}

const INVALID: Denial = Code::InvalidToken.because("the access token is unknown, expired or revoked");
const ELSEWHERE: Denial = Code::InvalidToken
    .because("the access token is for another resource alone: leave resource out of the request for it");
const OF_NOBODY: Denial =
    Code::InvalidToken.because("the access token is an application's own: there is nobody to speak of");

/// Answers for an access token; a bound one by the caller who showed its key.
pub async fn userinfo(cx: &Context, bearer: &str) -> Result<UserInfo, Error> {
    cx.hear().await?;
    let verified = access::verify(cx, bearer, cx.now).ok_or(INVALID)?;
    let token = verified.token().ok_or(INVALID)?;
    token.must_be_held_by(&cx.caller.shown())?;
    let user = token.user.ok_or(OF_NOBODY)?;
    if !has(&token, "openid") {
        return Err(Code::InsufficientScope.because("ask for the scope openid").into());
    }
    let client = cx.client(token.client).await?.ok_or(INVALID)?;
    may_prove(&client, cx.caller.key_algorithm)?;
    let claims = claims(cx, &client, &token, &user.into()).await?;
    answer(cx, &client, claims).await
}

fn has(token: &AccessToken<'_>, scope: &str) -> bool {
    token.scope.split(' ').any(|own| own == scope)
}

async fn claims(
    cx: &Context,
    client: &Client,
    token: &AccessToken<'_>,
    id: &UserId,
) -> Result<Map<String, Value>, Error> {
    let user = cx.store.user(id).await?.ok_or(INVALID)?;
    user.may_act(&cx.settings.accounts).map_err(|_| INVALID)?;
    let details = Details::read(token.details);
    let grant = match token.grant.filter(|_| details.asks_claims) {
        Some(grant) => cx.store.grant(grant).await?,
        None => None,
    };
    // RFC 8707 §2: whoever named a resource got a token for that one.
    if details.elsewhere || grant.as_ref().is_some_and(|grant| !grant.resources.is_empty()) {
        return Err(ELSEWHERE.into());
    }
    let asked = grant.and_then(|grant| grant.details.claims);
    let mut said = Map::new();
    said.insert("sub".to_owned(), subject::of(cx, client, id)?.into());
    if user.tenant != TenantId::default() {
        said.insert("tenant".to_owned(), user.tenant.as_str().into());
    }
    let wished = |name: &str| asked.as_ref().is_some_and(|asked| asked.userinfo.contains_key(name));
    claims::write(&user, |scope| has(token, scope), wished, &mut said);
    Ok(said)
}

/// §5.3.2: signed, it says who says it and to whom.
async fn answer(cx: &Context, client: &Client, mut claims: Map<String, Value>) -> Result<UserInfo, Error> {
    let openid = &client.profile.openid;
    let (signing, encryption) = (openid.userinfo_signed_response_alg, openid.userinfo_encryption());
    let encoded = |claims: &Map<String, Value>| {
        serde_json::to_vec(claims).map_err(|e| Fault::internal("encoding userinfo", e))
    };
    if signing.is_none() && encryption.is_none() {
        return Ok(UserInfo::Json(encoded(&claims)?));
    }
    claims.insert("iss".to_owned(), cx.settings.issuer().into());
    claims.insert("aud".to_owned(), client.id.as_str().into());
    let algorithm = signing.unwrap_or_else(|| client.id_token_algorithm());
    let signed = jwt::sign(cx.keys().signing_at(algorithm, cx.now)?, jwt::Type::UserInfo, &claims)?;
    Ok(UserInfo::Jwt(encrypted(cx, client, encryption, signed).await?))
}
