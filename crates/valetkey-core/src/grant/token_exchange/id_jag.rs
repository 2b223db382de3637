//! draft-ietf-oauth-identity-assertion-authz-grant §3 — what an application carries to another authorization server
//!
//! It is no access token: `token_type` is `N_A`. The operator says which application may be which client there.

use super::subject::{Party, Subject};
use super::{kind, wrong};
use crate::client::profile::Elsewhere;
use crate::client::{Client, subject};
use crate::context::Context;
use crate::error::{Code, Denial, Error};
use crate::ids::{Id, TokenId, UserId};
use crate::jose::{SigningAlgorithm, jwt};
use crate::login::acr;
use crate::params::Params;
use crate::scope::Scope;
use crate::time::Seconds;
use crate::token::TokenResponse;
use serde::Serialize;
use url::Url;

/// It is redeemed at once, or asked for again.
const LIFETIME: Seconds = Seconds::minutes(5);

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    client_id: &'a str,
    jti: String,
    iat: i64,
    exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resource: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'a str>,
}

pub(super) async fn issue(
    cx: &Context,
    client: &Client,
    presented: &Subject,
    params: &Params<'_>,
) -> Result<TokenResponse, Error> {
    let Party::Person(grant) = &presented.party else { return Err(NO_IDENTITY.into()) };
    // §3.1: what the application knows of the person because the person signed in to it.
    if !presented.is_id_token || presented.client.as_deref() != Some(client.id.as_str()) {
        return Err(NO_IDENTITY.into());
    }
    if params.one("actor_token").is_some() {
        return Err(wrong("an ID-JAG is asked for without an actor_token").into());
    }
    let target = elsewhere(client, params)?;
    let mut resource: Vec<&str> = params.all("resource").collect();
    if !resource.iter().all(|uri| target.resources.iter().any(|own| own == uri)) {
        return Err(Code::InvalidTarget
            .because("this application may not ask for that resource there")
            .into());
    }
    // An ID-JAG that names no resource would be good for every one.
    if resource.is_empty() {
        resource = target.resources.iter().map(String::as_str).collect();
    }
    let scope = scope(target, params.one("scope"))?;
    let lifetime = LIFETIME.min(presented.expires_at - cx.now);
    let claims = Claims {
        iss: cx.settings.issuer(),
        sub: &known_there(cx, client, target, &grant.user).await?,
        aud: &target.audience,
        client_id: &target.client_id,
        jti: TokenId(Id::new(cx.now_ms, cx.random())).to_string(),
        iat: cx.now.0,
        exp: (cx.now + lifetime).0,
        auth_time: grant.proven_at().map(|at| at.0),
        resource,
        scope: Some(scope.to_string()).filter(|text| !text.is_empty()),
        acr: acr::said_still(cx, &grant.details, grant.proven_at()),
    };
    let keys = cx.keys();
    let text = jwt::sign(keys.signing_at(SigningAlgorithm::Rs256, cx.now)?, jwt::Type::IdJag, &claims)?;
    Ok(TokenResponse {
        access_token: text,
        token_type: "N_A",
        expires_in: lifetime.0,
        refresh_token: None,
        scope: scope.to_string(),
        id_token: None,
        issued_token_type: Some(kind::ID_JAG),
        authorization_details: Vec::new(),
    })
}

/// §3.1: `sub` is whom the application there knows by its own sign-in here. Where the operator does not say which client
/// that is, a client that itself knows people pairwise learns no more of them by carrying them elsewhere: there they have the
/// `sub` of that server's sector, the same from whichever such client.
async fn known_there(
    cx: &Context,
    client: &Client,
    target: &Elsewhere,
    user: &UserId,
) -> Result<String, Error> {
    const GONE: Denial = Code::InvalidTarget.because(
        "the subject_client of this audience is no client here any more: the operator must name another",
    );
    if let Some(id) = &target.subject_client {
        let there = cx.registered(id).await?.filter(|there| !there.disabled).ok_or(GONE)?;
        return Ok(subject::of(cx, &there, user)?);
    }
    if !client.profile.openid.is_pairwise() {
        return Ok(user.to_string());
    }
    let host = Url::parse(&target.audience).ok().and_then(|url| url.host_str().map(str::to_owned));
    Ok(subject::within(cx, host.as_deref().unwrap_or(&target.audience), user)?)
}

const NO_IDENTITY: Denial =
    wrong("an ID-JAG is made of an ID token that this application got: send that as the subject_token");

/// §3.1: `audience` is the issuer of the other authorization server.
fn elsewhere<'a>(client: &'a Client, params: &Params<'_>) -> Result<&'a Elsewhere, Denial> {
    let mut asked = params.all("audience");
    let only = asked.next().filter(|_| asked.next().is_none());
    let audience = only.ok_or(wrong("audience must name one authorization server, by its issuer"))?;
    let own = client.profile.federation.id_jag.iter().find(|own| own.audience == audience);
    own.ok_or(Code::InvalidTarget.because("this application may carry nothing to that authorization server"))
}

fn scope(target: &Elsewhere, asked: Option<&str>) -> Result<Scope, Denial> {
    let most = target.scope.clone().unwrap_or_default();
    let Some(text) = asked else { return Ok(most) };
    let scope = Scope::parse(text)
        .map_err(|_| Code::InvalidScope.because("scope is a list of names, separated by single spaces"))?;
    if most.covers(&scope) {
        Ok(scope)
    } else {
        Err(Code::InvalidScope.because("this application may not ask for that scope there"))
    }
}
