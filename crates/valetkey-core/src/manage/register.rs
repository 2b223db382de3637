//! RFC 7591 §3, RFC 7592 §2 — dynamic client registration, in the modes off, initial access token, open
//!
//! A client that registers itself gets what a person then consents to, and nothing else, unless the operator gives more to
//! every client ([`Registration`]): no grant of its own, no opt-in,
//! no privilege. The consent page says that nobody checked it, and it goes when nobody uses it.

mod declined;
mod software;

pub use declined::Declined;

use super::client::{self, Created, NewClient};
use crate::applied::{Applicant, Registration};
use crate::audit::{Actor, Event};
use crate::client::compat::Compat;
use crate::client::profile::{Federation, Profile};
use crate::client::{AuthMethod, Client, Origin, metadata, redirect_uri};
use crate::context::Context;
use crate::error::{Code, Denial, Fault};
use crate::grant::GrantType;
use crate::ids::ClientId;
use crate::interaction::ResponseType;
use crate::scope::Scope;
use crate::seal::{self, Kind};
use crate::secret::Secret;
use crate::settings::{DynamicRegistration, path};
use crate::time::{Seconds, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// RFC 7591 §2 — what is read; everything else is ignored, as the standard asks.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Metadata {
    #[serde(default)]
    redirect_uris: Vec<String>,
    token_endpoint_auth_method: Option<String>,
    grant_types: Option<Vec<String>>,
    response_types: Option<Vec<String>>,
    client_name: Option<String>,
    client_uri: Option<String>,
    scope: Option<String>,
    #[serde(default)]
    post_logout_redirect_uris: Vec<String>,
    /// The rest ([`Profile`]).
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// More redirect URIs than any one application has.
const REDIRECT_URIS: usize = 10;

const NO_TOKEN: Denial =
    Code::InvalidToken.because("registering needs a token from those who run this server");
const WRONG_TOKEN: Denial = Code::InvalidToken.because("this token is not the one of this registration");

#[derive(Serialize, Deserialize)]
struct InitialAccess {
    expires_at: Timestamp,
}

/// RFC 7591 §3 — a token that lets its bearer register clients until it expires.
pub fn initial_access_token(cx: &Context, lifetime: Seconds) -> Result<String, Fault> {
    let record = InitialAccess { expires_at: cx.now + lifetime };
    cx.keys().sealing_at(cx.now)?.seal(Kind::InitialAccess, cx.nonce(), &record)
}

/// Registers a client. `None`: registration is off, and there is no such endpoint.
pub async fn register(cx: &Context, bearer: Option<&str>, body: &[u8]) -> Result<Option<Value>, Declined> {
    match cx.in_force().dynamic {
        DynamicRegistration::Off => return Ok(None),
        DynamicRegistration::Token if !bearer.is_some_and(|text| lets_in(cx, text)) => {
            return Err(NO_TOKEN.into());
        }
        DynamicRegistration::Token | DynamicRegistration::Open => {}
    }
    not_often(cx)?;
    let asked = software::stated(cx, body).await?;
    let new = new_client(cx, read(&asked)?)?;
    let token = cx.new_secret();
    let new = NewClient { registration_token: Some(token.hash()), ..new };
    let refused = |error| Declined::by_rule(error, &asked);
    count(cx);
    let created = client::create(cx, Actor::Anonymous, new).await.map_err(refused)?;
    Ok(Some(shown(cx, &created, Some(&token))))
}

fn not_often(cx: &Context) -> Result<(), Declined> {
    let address = cx.caller.address;
    let paused = cx.registrations.is_paused("", address, cx.now);
    if paused { Err(Declined::Often(cx.registrations.wait("", address, cx.now))) } else { Ok(()) }
}

/// Before what is asked is carried out: what is refused then may have made us ask a stranger's server.
fn count(cx: &Context) {
    cx.registrations.count_one("", cx.caller.address, cx.now);
}

fn lets_in(cx: &Context, text: &str) -> bool {
    let opened = seal::open(cx.keys().sealing(), Kind::InitialAccess, text);
    let record: Option<InitialAccess> = opened.and_then(|opened| opened.record());
    record.is_some_and(|own| own.expires_at > cx.now)
}

fn read(asked: &Value) -> Result<Metadata, Denial> {
    Metadata::deserialize(asked).map_err(|_| {
        Code::InvalidClientMetadata.because(
            "send the metadata as one JSON object (RFC 7591, section 2): lists of texts for redirect_uris, \
             grant_types, response_types and post_logout_redirect_uris, texts for the others",
        )
    })
}

/// What the metadata ask for, within what a self-registered client may have.
fn new_client(cx: &Context, asked: Metadata) -> Result<NewClient, Denial> {
    let in_force = cx.in_force();
    let given = &in_force.applied.registration;
    let auth_method = match asked.token_endpoint_auth_method.as_deref() {
        None => given.auth_method.unwrap_or(AuthMethod::ClientSecretBasic),
        // RFC 7591 §2 has no name for "either".
        Some(name) => AuthMethod::parse(name).filter(|own| *own != AuthMethod::ClientSecret).ok_or(
            Code::InvalidClientMetadata
                .because("token_endpoint_auth_method is none that the server's metadata list"),
        )?,
    };
    let jwks = asked.others.get("jwks").filter(|own| !own.is_null()).cloned();
    let jwks_uri = match asked.others.get("jwks_uri") {
        None | Some(Value::Null) => None,
        Some(at) => Some(at.as_str().ok_or(BAD_MEMBER)?.to_owned()),
    };
    let public = auth_method == AuthMethod::None;
    let applicant = Applicant { public, redirects: !asked.redirect_uris.is_empty() };
    let grant_types = grant_types(given, applicant, &asked)?;
    check_uris(given, &asked, &grant_types)?;
    let mut profile = Profile::default().said(&asked.others.clone().into()).map_err(|_| BAD_MEMBER)?;
    let kinds = response_types(&asked, &grant_types);
    profile.security.response_types = kinds.iter().map(|kind| kind.name().to_owned()).collect();
    Ok(NewClient {
        name: asked
            .client_name
            .clone()
            .filter(|name| !name.trim().is_empty())
            .unwrap_or_else(|| fallback_name(&asked)),
        website: asked.client_uri.unwrap_or_default(),
        grant_types,
        scope: Some(scope(cx, given, asked.scope.as_deref())?),
        redirect_uris: asked.redirect_uris,
        post_logout_redirect_uris: asked.post_logout_redirect_uris,
        auth_method: Some(auth_method),
        jwks,
        jwks_uri,
        profile,
        origin: Origin::Dynamic,
        ..NewClient::default()
    })
}

const BAD_MEMBER: Denial = Code::InvalidClientMetadata
    .because("a member of the metadata is not of the kind that its standard asks for");

fn check_uris(given: &Registration, asked: &Metadata, grants: &[GrantType]) -> Result<(), Denial> {
    let bad = |detail| Err(Code::InvalidRedirectUri.because(detail));
    let redirected = grants.iter().any(|g| matches!(g, GrantType::AuthorizationCode | GrantType::Implicit));
    if (redirected && asked.redirect_uris.is_empty()) || asked.redirect_uris.len() > REDIRECT_URIS {
        return bad("register 1 to 10 redirect_uris");
    }
    let oob = given.compat.contains(&Compat::Oob);
    if asked.redirect_uris.iter().any(|uri| redirect_uri::check_for(uri, oob).is_err()) {
        return bad(
            "a redirect URI is https, http on 127.0.0.1, [::1] or localhost, or an app's own reverse-domain scheme; without a fragment",
        );
    }
    Ok(())
}

fn fallback_name(asked: &Metadata) -> String {
    let destination = asked.redirect_uris.first().and_then(|uri| redirect_uri::check(uri).ok());
    match destination {
        Some(redirect_uri::Destination::Web(host)) => host,
        Some(redirect_uri::Destination::App(scheme)) => scheme,
        _ => "An app on your device".to_owned(),
    }
}

/// Only what a person consents to, unless the operator gives more to every client. Grants that are not to be had this way
/// are left out, as RFC 7591 §3.2.1 allows; a request never adds one.
fn grant_types(
    given: &Registration,
    applicant: Applicant,
    asked: &Metadata,
) -> Result<Vec<GrantType>, Denial> {
    let offered = given.grants_of(applicant);
    let operators = !given.grant_types.is_empty();
    let code_alone = [GrantType::AuthorizationCode.name().to_owned()];
    let wanted = |grant: &GrantType| match &asked.grant_types {
        None if operators => true,
        None => code_alone.iter().any(|name| name == grant.name()),
        Some(names) => names.iter().any(|name| name == grant.name()),
    };
    let granted: Vec<_> = offered.into_iter().filter(wanted).collect();
    let kinds = response_types(asked, &granted);
    let responds = |grant: GrantType| match &asked.response_types {
        None => grant == GrantType::AuthorizationCode || operators,
        Some(_) => kinds.iter().any(|kind| kind.grants().contains(&grant)),
    };
    let usable = granted.iter().any(|grant| match grant {
        GrantType::AuthorizationCode | GrantType::Implicit => responds(*grant),
        GrantType::ClientCredentials
        | GrantType::Password
        | GrantType::DeviceCode
        | GrantType::Ciba
        | GrantType::TokenExchange
        | GrantType::JwtBearer => operators,
        GrantType::RefreshToken => false,
    });
    if usable {
        return Ok(granted);
    }
    Err(Code::InvalidClientMetadata.because(
        "a client that registers itself has the authorization_code grant and response_types [\"code\"]",
    ))
}

/// RFC 7591 §2.1: of the response types asked for those that the grants allow; the others are left out. Where none is asked
/// for it is `code` (§2), and `token` for a client that names no grant and has the one for it from the operator, like
/// every client. No other comes unasked.
fn response_types(asked: &Metadata, granted: &[GrantType]) -> Vec<ResponseType> {
    let named: Vec<_> = match &asked.response_types {
        Some(names) => names.iter().filter_map(|name| ResponseType::parse(name)).collect(),
        None if asked.grant_types.is_none() => vec![ResponseType::Code, ResponseType::Token],
        None => vec![ResponseType::Code],
    };
    let named = named.into_iter();
    named.filter(|kind| kind.grants().iter().all(|grant| granted.contains(grant))).collect()
}

fn scope(cx: &Context, given: &Registration, asked: Option<&str>) -> Result<Scope, Denial> {
    let catalog = cx.catalog();
    let all = || catalog.scopes().map(|words| words.name.as_str()).collect();
    let open = given.scope.clone().unwrap_or_else(all);
    let Some(asked) = asked else { return Ok(open) };
    let scope = Scope::parse(asked)
        .map_err(|_| Code::InvalidClientMetadata.because("scope is a list of names, separated by spaces"))?;
    Ok(scope.filter(|name| open.contains(name)))
}

/// RFC 7591 §3.2.1 — the client as registered.
fn shown(cx: &Context, created: &Created, token: Option<&Secret>) -> Value {
    let mut json = metadata::to_json(&created.client);
    // RFC 7591 §2 has no name for "either": by the body works.
    if created.client.auth_method == AuthMethod::ClientSecret {
        json["token_endpoint_auth_method"] = "client_secret_post".into();
    }
    let own = ["id", "name", "introspect", "compat", "disabled", "secrets", "created_at", "updated_at"];
    if let Some(members) = json.as_object_mut() {
        // What an operator says of it is the operator's.
        for name in own.iter().chain(Federation::NAMES) {
            members.remove(*name);
        }
    }
    json["registration_client_uri"] =
        cx.settings.url(&format!("{}/{}", path::REGISTER, created.client.id)).into();
    if let Some(secret) = &created.secret {
        json["client_secret"] = secret.expose().into();
        json["client_secret_expires_at"] = json!(0);
    }
    if let Some(token) = token {
        json["registration_access_token"] = token.expose().into();
    }
    json
}

/// RFC 7592 §3 — the client whose registration token this is; unknown clients and wrong tokens are answered alike.
async fn registered(cx: &Context, id: &str, bearer: Option<&str>) -> Result<Arc<Client>, Declined> {
    // Never by fetching: a client that describes itself has no such token.
    let client = cx.registered(id).await?.filter(|client| !client.disabled);
    let proven = |client: &Arc<Client>| {
        client.registration_token.as_ref().zip(bearer).is_some_and(|(own, text)| own.matches(text))
    };
    client.filter(proven).ok_or(WRONG_TOKEN.into())
}

/// RFC 7592 §2.1.
pub async fn show(cx: &Context, id: &str, bearer: Option<&str>) -> Result<Value, Declined> {
    let client = registered(cx, id, bearer).await?;
    let token = bearer.map(Secret::new);
    Ok(shown(cx, &Created { client: (*client).clone(), secret: None }, token.as_ref()))
}

/// RFC 7592 §2.2 — replaces the metadata; the authentication method and the secret stay.
pub async fn replace(cx: &Context, id: &str, bearer: Option<&str>, body: &[u8]) -> Result<Value, Declined> {
    let client = registered(cx, id, bearer).await?;
    let asked = software::stated(cx, body).await?;
    software::check_change(&asked, &client)?;
    let metadata = read(&asked)?;
    let named = metadata.token_endpoint_auth_method.clone();
    let new = new_client(cx, metadata)?;
    let either = client.auth_method == AuthMethod::ClientSecret
        && named.as_deref().is_none_or(|name| name == "client_secret_post");
    if new.auth_method != Some(client.auth_method) && !either {
        return Err(Code::InvalidClientMetadata
            .because("token_endpoint_auth_method cannot change: register anew")
            .into());
    }
    if new.profile.openid.sector_identifier_uri.is_some() {
        not_often(cx)?;
        count(cx);
    }
    let actor = Actor::Client(client.id.clone());
    let updated = client::update(cx, &actor, &client.id, Event::ClientUpdated, |own| {
        own.name.clone_from(&new.name);
        own.website.clone_from(&new.website);
        own.redirect_uris.clone_from(&new.redirect_uris);
        own.post_logout_redirect_uris.clone_from(&new.post_logout_redirect_uris);
        // Opt-ins stay as they were given; what needs another is not to be had by asking.
        let needs = |grant: &&GrantType| Compat::needed_for(**grant).is_none_or(|compat| own.has(compat));
        own.grant_types = new.grant_types.iter().filter(needs).copied().collect();
        own.scope.clone_from(&new.scope);
        own.jwks.clone_from(&new.jwks);
        own.jwks_uri.clone_from(&new.jwks_uri);
        own.profile = Profile { federation: own.profile.federation.clone(), ..new.profile.clone() };
    });
    let client = updated.await.map_err(|error| Declined::by_rule(error, &asked))?;
    let token = bearer.map(Secret::new);
    Ok(shown(cx, &Created { client, secret: None }, token.as_ref()))
}

/// RFC 7592 §2.3.
pub async fn delete(cx: &Context, id: &str, bearer: Option<&str>) -> Result<(), Declined> {
    let client = registered(cx, id, bearer).await?;
    let id = ClientId::clone(&client.id);
    let deleted = client::delete(cx, Actor::Client(id.clone()), &id).await;
    deleted.map_err(|error| Declined::by_rule(error, &Value::Null))
}
