//! RFC 8693 §2.1 — whose token is exchanged, and who acts: `subject_token` and `actor_token`

use super::policy::may_present;
use super::{kind, wrong};
use crate::client::{Client, subject as known_as};
use crate::context::Context;
use crate::directory::User;
use crate::error::{Denial, Error};
use crate::federation::{self, Distrust, Statement, Trust};
use crate::grant::{gate, jwt_bearer};
use crate::jose::jwt;
use crate::params::Params;
use crate::scope::Scope;
use crate::store::{Grant, GrantFilter, Page};
use crate::time::Timestamp;
use crate::token::access::{self, AccessToken};
use crate::token::details::{Details, Source};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// A chain of exchanges has an end.
const LONGEST_CHAIN: usize = 8;
/// Grants of one person and one client that are looked at.
const GRANTS: u32 = 50;

const NOT_GOOD: Denial =
    wrong("the subject_token is unknown, expired, taken back, or its issuer is not trusted");
const NOT_YOURS: Denial = wrong("the subject_token is for another application: this one may not exchange it");
const BOUND: Denial = wrong("the token is bound to a key: send a DPoP proof made with the same key");
const BAD_ACTOR: Denial = wrong("the actor_token is unknown, expired, taken back, or not this application's");

/// Whom a token speaks for.
#[derive(Debug)]
pub(super) enum Party {
    /// The application that exchanges it, itself.
    Application,
    /// A person, by this grant.
    Person(Box<Grant>),
    /// A person whom a trusted issuer names.
    Foreign { user: Box<User>, statement: Box<Statement> },
}

/// What is exchanged.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) party: Party,
    /// The client that the token was made for; nothing where another issuer made it.
    pub(super) client: Option<String>,
    /// The most that may come of it; `None`: what the client may have.
    pub(super) scope: Option<Scope>,
    pub(super) audience: Vec<String>,
    pub(super) expires_at: Timestamp,
    pub(super) act: Option<Value>,
    pub(super) may_act: Option<Value>,
    pub(super) sources: Vec<Source>,
    /// Whether it is an ID token of ours.
    pub(super) is_id_token: bool,
}

/// Who acts.
#[derive(Debug)]
pub(super) struct Actor {
    /// As `act` says it (§4.1).
    pub(super) claims: Map<String, Value>,
    /// What another issuer said of a person: good once (RFC 7523 §3 (7)).
    pub(super) statement: Option<Statement>,
}

/// §2.1: the token and its type, or neither.
fn pair<'a>(
    params: &'a Params<'_>,
    name: &'static str,
    type_name: &'static str,
) -> Result<Option<(&'a str, &'a str)>, Denial> {
    match (params.one(name), params.one(type_name)) {
        (None, None) => Ok(None),
        (Some(token), Some(kind)) => Ok(Some((token, kind))),
        _ => Err(wrong("a token comes with its type, and a type with its token")),
    }
}

pub(super) async fn read(cx: &Context, client: &Client, params: &Params<'_>) -> Result<Subject, Error> {
    let missing = wrong("subject_token and subject_token_type are missing");
    let (text, kind) = pair(params, "subject_token", "subject_token_type")?.ok_or(missing)?;
    cx.hear().await?;
    match kind {
        kind::ACCESS_TOKEN => of_access(cx, client, text).await,
        kind::ID_TOKEN => match own_id_token(cx, text) {
            Some(own) => of_id_token(cx, client, &own).await,
            None => foreign(cx, text).await,
        },
        kind::JWT if access::verify(cx, text, cx.now).is_some() => of_access(cx, client, text).await,
        kind::JWT => foreign(cx, text).await,
        _ => Err(wrong("subject_token_type must be that of an access token, an ID token or a JWT").into()),
    }
}

fn is_held(cx: &Context, token: &AccessToken<'_>) -> bool {
    token.confirmation.is_none() || token.is_held_by(&cx.caller.shown())
}

async fn of_access(cx: &Context, client: &Client, text: &str) -> Result<Subject, Error> {
    let verified = access::verify(cx, text, cx.now).ok_or(NOT_GOOD)?;
    let token = verified.token().ok_or(NOT_GOOD)?;
    if !is_held(cx, &token) {
        return Err(BOUND.into());
    }
    if !may_present(cx, client, token.client, &token.audience) {
        return Err(NOT_YOURS.into());
    }
    let party = match token.grant {
        Some(id) if token.user.is_some() => {
            let grant = cx.store.grant(id).await?.ok_or(NOT_GOOD)?;
            gate::standing(cx, &grant).await?;
            Party::Person(Box::new(grant))
        }
        None if token.user.is_none() && token.client == client.id.as_str() => Party::Application,
        _ => {
            return Err(wrong(
                "a token of another application itself is not exchanged: it speaks for nobody",
            )
            .into());
        }
    };
    let details = Details::read(token.details);
    let mut sources = details.exchanged;
    if sources.len() >= LONGEST_CHAIN {
        return Err(wrong("the subject_token was exchanged too often").into());
    }
    sources.push(Source { client: token.client.to_owned(), token: Some(token.id.to_string()) });
    Ok(Subject {
        party,
        client: Some(token.client.to_owned()),
        scope: Some(Scope::parse(token.scope).map_err(|_| NOT_GOOD)?),
        audience: token.audience.iter().map(|&uri| uri.to_owned()).collect(),
        expires_at: token.expires_at,
        act: details.act,
        may_act: details.may_act,
        sources,
        is_id_token: false,
    })
}

#[derive(Deserialize)]
struct IdClaims {
    iss: String,
    sub: String,
    aud: String,
    exp: i64,
    sid: Option<String>,
}

/// An ID token of ours that has not expired.
fn own_id_token(cx: &Context, text: &str) -> Option<IdClaims> {
    let json = jwt::open(cx.keys().signing(), jwt::Type::IdToken, text)?;
    let claims: IdClaims = serde_json::from_slice(&json).ok()?;
    (claims.iss == cx.settings.issuer() && Timestamp(claims.exp) > cx.now).then_some(claims)
}

/// It names no grant: the newest of its session counts, and for one of no session the newest without.
async fn of_id_token(cx: &Context, client: &Client, token: &IdClaims) -> Result<Subject, Error> {
    if !may_present(cx, client, &token.aud, &[]) {
        return Err(NOT_YOURS.into());
    }
    let of = cx.client(&token.aud).await?.ok_or(NOT_GOOD)?;
    let user = known_as::user(cx, &of, &token.sub).ok_or(NOT_GOOD)?;
    let filter = GrantFilter { user: Some(user), client: Some(of.id.clone()), ended: false };
    let mut standing = cx.store.grants(&filter, &Page::first(GRANTS), cx.now).await?;
    let session = match &token.sid {
        None => None,
        Some(sid) => Some(known_as::session_of(cx, sid).ok_or(NOT_GOOD)?),
    };
    standing.retain(|grant| grant.revoked_at.is_none() && grant.session == session);
    let grant = standing.into_iter().next().ok_or(NOT_GOOD)?;
    gate::standing(cx, &grant).await?;
    Ok(Subject {
        client: Some(token.aud.clone()),
        scope: Some(grant.scope.clone()),
        audience: grant.resources.clone(),
        expires_at: Timestamp(token.exp),
        act: None,
        may_act: None,
        sources: vec![Source { client: token.aud.clone(), token: None }],
        is_id_token: true,
        party: Party::Person(Box::new(grant)),
    })
}

async fn trusted(cx: &Context, text: &str, trust: Trust) -> Result<Option<Statement>, Error> {
    match federation::verify(cx, text, trust).await {
        Ok(statement) => Ok(Some(statement)),
        Err(Distrust::Failed(fault)) => Err(fault.into()),
        Err(Distrust::Unknown | Distrust::Untrue(_)) => Ok(None),
    }
}

async fn foreign(cx: &Context, text: &str) -> Result<Subject, Error> {
    let statement = trusted(cx, text, Trust::Users).await?.ok_or(NOT_GOOD)?;
    let user = jwt_bearer::person(cx, &statement).await?;
    Ok(Subject {
        client: None,
        scope: None,
        audience: Vec::new(),
        expires_at: statement.expires_at,
        act: statement.claims.get("act").filter(|own| own.is_object()).cloned(),
        may_act: statement.claims.get("may_act").filter(|own| own.is_object()).cloned(),
        sources: Vec::new(),
        is_id_token: false,
        party: Party::Foreign { user: Box::new(user), statement: Box::new(statement) },
    })
}

/// §2.1: `actor_token` — of the application itself, of a person at it, or of another issuer.
pub(super) async fn actor(
    cx: &Context,
    client: &Client,
    params: &Params<'_>,
) -> Result<Option<Actor>, Error> {
    let Some((text, kind)) = pair(params, "actor_token", "actor_token_type")? else { return Ok(None) };
    let ours = matches!(kind, kind::ACCESS_TOKEN | kind::JWT);
    if ours && let Some(verified) = access::verify(cx, text, cx.now) {
        let token = verified.token().ok_or(BAD_ACTOR)?;
        if !is_held(cx, &token) {
            return Err(BOUND.into());
        }
        if token.client != client.id.as_str() {
            return Err(BAD_ACTOR.into());
        }
        let pairwise = Details::read(token.details).subject;
        let subject = pairwise.as_deref().unwrap_or(token.subject());
        return Ok(Some(named(cx.settings.issuer(), subject, Some(token.client))));
    }
    if kind == kind::ID_TOKEN
        && let Some(own) = own_id_token(cx, text)
    {
        if own.aud != client.id.as_str() {
            return Err(BAD_ACTOR.into());
        }
        let user = known_as::user(cx, client, &own.sub).ok_or(BAD_ACTOR)?;
        gate::may_act(cx, &cx.store.user(&user).await?.ok_or(BAD_ACTOR)?)?;
        return Ok(Some(named(&own.iss, &own.sub, Some(&own.aud))));
    }
    if !matches!(kind, kind::JWT | kind::ID_TOKEN) {
        return Err(BAD_ACTOR.into());
    }
    if let Some(statement) = trusted(cx, text, Trust::Users).await? {
        let actor = named(&statement.issuer.issuer, &statement.subject, None);
        return Ok(Some(Actor { statement: Some(statement), ..actor }));
    }
    // A workload's token may come more than once while it lives.
    let statement = trusted(cx, text, Trust::Workloads).await?.ok_or(BAD_ACTOR)?;
    Ok(Some(named(&statement.issuer.issuer, &statement.subject, None)))
}

fn named(issuer: &str, subject: &str, client: Option<&str>) -> Actor {
    let mut claims = Map::new();
    claims.insert("iss".to_owned(), json!(issuer));
    claims.insert("sub".to_owned(), json!(subject));
    if let Some(client) = client {
        claims.insert("client_id".to_owned(), json!(client));
    }
    Actor { claims, statement: None }
}
