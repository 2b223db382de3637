//! RFC 7662 — token introspection: from memory for access tokens, from the grant's row for refresh tokens

use crate::client::{Client, subject};
use crate::context::Context;
use crate::error::{Code, Error, Fault};
use crate::ids::{TokenId, UserId};
use crate::json::Object;
use crate::login::acr;
use crate::params::Params;
use crate::proof::holder::Holder;
use crate::token::access::{self, AccessToken};
use crate::token::details::Details;
use crate::token::refresh::RefreshToken;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// Every parameter that means something here.
pub const KNOWN: [&str; 4] = ["token", "token_type_hint", "client_id", "client_secret"];

/// RFC 7662 §2.2 — the answer. An inactive token says nothing else.
#[derive(Debug, Default)]
pub struct Introspection<'a> {
    pub active: bool,
    pub scope: Option<Cow<'a, str>>,
    pub client_id: Option<Cow<'a, str>>,
    pub token_type: Option<&'static str>,
    pub exp: Option<i64>,
    pub iat: Option<i64>,
    pub sub: Option<Cow<'a, str>>,
    pub aud: Vec<Cow<'a, str>>,
    pub iss: Option<Cow<'a, str>>,
    pub jti: Option<TokenId>,
    pub auth_time: Option<i64>,
    pub tenant: Option<Cow<'a, str>>,
    /// RFC 9449 §6.2, RFC 8705 §3.2.
    pub cnf: Option<Value>,
    /// RFC 9396 §9.2, RFC 9470 §6.2, RFC 8693 §4.1.
    pub details: Map<String, Value>,
}

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub enum Asker<'a> {
    /// Authenticated and confidential.
    Client(&'a Client),
    /// Signed in, at the console: a person sees the tokens that speak for that person, and no others.
    Person(&'a UserId),
}

/// Answers as JSON. A wrong `token_type_hint` hides nothing.
pub async fn introspect(cx: &Context, asker: Asker<'_>, params: &Params<'_>) -> Result<Vec<u8>, Error> {
    params.refuse_repeats(&KNOWN)?;
    let text = params
        .one("token")
        .ok_or(Code::InvalidRequest.because("token is missing: send it in the form body"))?;
    cx.hear().await?;
    let verified = access::verify(cx, text, cx.now);
    if let Some(token) = verified.as_ref().and_then(access::Verified::token) {
        let seen = may_see(cx, asker, &token);
        return Ok(encode(&if seen { of_access(cx, &token) } else { Introspection::default() }));
    }
    if let Some(token) = RefreshToken::open(cx, text) {
        return Ok(encode(&Box::pin(of_refresh(cx, asker, token)).await?));
    }
    Ok(encode(&Introspection::default()))
}

fn encode(answer: &Introspection<'_>) -> Vec<u8> {
    let mut json = Object::with_capacity(768);
    json.truth("active", answer.active);
    let text = |json: &mut Object, name, value: &Option<Cow<'_, str>>| {
        if let Some(value) = value {
            json.text(name, value);
        }
    };
    let number = |json: &mut Object, name, value: Option<i64>| {
        if let Some(value) = value {
            json.number(name, value);
        }
    };
    text(&mut json, "scope", &answer.scope);
    text(&mut json, "client_id", &answer.client_id);
    if let Some(token_type) = answer.token_type {
        json.text("token_type", token_type);
    }
    number(&mut json, "exp", answer.exp);
    number(&mut json, "iat", answer.iat);
    text(&mut json, "sub", &answer.sub);
    if !answer.aud.is_empty() {
        json.texts("aud", answer.aud.iter().map(|name| &**name));
    }
    text(&mut json, "iss", &answer.iss);
    if let Some(id) = answer.jti {
        json.token("jti", &id.0.letters());
    }
    number(&mut json, "auth_time", answer.auth_time);
    text(&mut json, "tenant", &answer.tenant);
    if let Some(cnf) = &answer.cnf {
        json.value("cnf", cnf);
    }
    for (name, value) in &answer.details {
        json.value(name, value);
    }
    json.end()
}

/// RFC 7662 §4: a client sees its own tokens and those for APIs it stands for (it bears the API's id); any other needs
/// the right to introspect.
fn may_see(cx: &Context, asker: Asker<'_>, token: &AccessToken<'_>) -> bool {
    let client = match asker {
        Asker::Client(client) => client,
        Asker::Person(user) => return token.user == Some(user.as_str()),
    };
    client.introspect
        || client.id.as_str() == token.client
        || cx.catalog().apis().iter().any(|api| {
            api.id.as_str() == client.id.as_str() && token.audience.contains(&api.resource.as_str())
        })
}

fn of_access<'a>(cx: &'a Context, token: &AccessToken<'a>) -> Introspection<'a> {
    let holder = token.confirmation.and_then(Holder::from_bytes);
    Introspection {
        active: true,
        scope: Some(token.scope.into()),
        client_id: Some(token.client.into()),
        token_type: Some(holder.map_or("Bearer", Holder::token_type)),
        exp: Some(token.expires_at.0),
        iat: Some(token.issued_at.0),
        sub: Some(subject_of(token)),
        aud: token.audience.iter().map(|&aud| aud.into()).collect(),
        iss: Some(cx.settings.issuer().into()),
        jti: Some(token.id),
        auth_time: token.auth_time.map(|at| at.0),
        tenant: Some(token.tenant.into()),
        cnf: holder.map(Holder::to_json),
        details: details_of(cx, token),
    }
}

/// RFC 9470 §6.2: a way to authenticate that time took away is not told.
fn details_of(cx: &Context, token: &AccessToken<'_>) -> Map<String, Value> {
    let mut members = Details::members(token.details);
    let said = members.get("acr").and_then(Value::as_str);
    if said.is_some_and(|name| !acr::holds(&cx.settings.acr, name, token.auth_time, cx.now)) {
        members.remove("acr");
    }
    members
}

/// OIDC Core §8: a client's people are the same to the readers of its tokens as to itself.
fn subject_of<'a>(token: &AccessToken<'a>) -> Cow<'a, str> {
    let known_as = (!token.details.is_empty()).then(|| Details::read(token.details).subject).flatten();
    known_as.map_or_else(|| token.user.unwrap_or(token.client).into(), Cow::Owned)
}

async fn of_refresh(
    cx: &Context,
    asker: Asker<'_>,
    token: RefreshToken,
) -> Result<Introspection<'static>, Fault> {
    let Some(grant) = cx.store.grant(token.grant).await? else { return Ok(Introspection::default()) };
    let until = grant.idle_until.min(grant.expires_at);
    let live = grant.revoked_at.is_none() && until > cx.now && grant.generation == token.generation;
    let user = cx.store.user(&grant.user).await?;
    let may_act = user.is_some_and(|user| user.may_act(&cx.settings.accounts).is_ok());
    let seen = match asker {
        Asker::Client(client) => client.introspect || client.id == grant.client,
        Asker::Person(user) => *user == grant.user,
    };
    if !live || !may_act || !seen {
        return Ok(Introspection::default());
    }
    let Some(client) = cx.client(grant.client.as_str()).await? else { return Ok(Introspection::default()) };
    let sub = subject::of(cx, &client, &grant.user)?;
    Ok(Introspection {
        active: true,
        scope: Some(grant.scope.to_string().into()),
        client_id: Some(grant.client.as_str().to_owned().into()),
        token_type: Some("refresh_token"),
        exp: Some(until.0),
        iat: Some(grant.rotated_at.0),
        sub: Some(sub.into()),
        iss: Some(cx.settings.issuer().to_owned().into()),
        auth_time: grant.proven_at().map(|at| at.0),
        tenant: Some(grant.tenant.as_str().to_owned().into()),
        ..Introspection::default()
    })
}
