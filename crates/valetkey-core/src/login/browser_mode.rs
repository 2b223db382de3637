//! Browser mode: a person's session, taken to one API. The gateway keeps what an application would hold: the browser
//! gets a sealed note that it has been there, good only together with the session itself, and never a token.

use crate::client::{AuthMethod, Client, Origin};
use crate::context::{Context, Server};
use crate::error::Fault;
use crate::ids::{ClientId, SessionId, TokenId};
use crate::interaction::{AuthorizationRequest, Interaction, ResponseMode, ResponseType};
use crate::login::{cookie::Cookie, session};
use crate::path::Path;
use crate::route::{Method, Ruling};
use crate::seal::{self, Kind};
use crate::store::{Api, Session};
use crate::time::{Seconds, Timestamp};
use crate::token::access::AccessToken;
use crate::token::details::Details;
use serde::{Deserialize, Serialize};

/// What stands before the API's id where something must be named that came by browser and through no application. No
/// registered client has a colon in its id.
const CLIENT: &str = "browser:";

/// The path below an API's prefix that signs out; a POST.
pub const SIGN_OUT: &str = "/.valetkey/sign-out";

/// Bytes of path and query that a sign-in leads back to; to the API's start where it is more.
const LONGEST_RETURN: usize = 2000;

/// The sealed content of an API's cookie.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Note<'a> {
    id: TokenId,
    api: &'a str,
    session: SessionId,
    made_at: Timestamp,
    expires_at: Timestamp,
}

/// The cookie that takes a session to an API: its `Set-Cookie` line.
pub fn cookie(cx: &Context, api: &Api, session: &Session) -> Result<String, Fault> {
    let note = Note {
        id: TokenId(cx.new_id()),
        api: api.id.as_str(),
        session: session.id,
        made_at: cx.now,
        expires_at: session.expires_at,
    };
    let value = cx.keys().sealing_at(cx.now)?.seal(Kind::BrowserNote, cx.nonce(), &note)?;
    Ok(Cookie::of(api).set(&value, Some(session.expires_at - cx.now), cx.settings.is_https()))
}

/// Who is at an API in a browser.
#[derive(Debug, Clone)]
pub struct Person {
    pub session: Session,
    client: ClientId,
    scope: String,
    id: TokenId,
    made_at: Timestamp,
    expires_at: Timestamp,
}

impl Person {
    /// What such a person may do, in the form in which everything is judged.
    pub fn token<'a>(&'a self, api: &'a Api) -> AccessToken<'a> {
        AccessToken {
            details: "",
            id: self.id,
            client: self.client.as_str(),
            user: Some(self.session.user.as_str()),
            tenant: self.session.tenant.as_str(),
            grant: None,
            scope: &self.scope,
            audience: vec![&api.resource],
            issued_at: self.made_at,
            expires_at: self.expires_at,
            auth_time: Some(self.session.auth_time),
            confirmation: None,
        }
    }
}

/// The person whose two cookies came with a request: the API's, and that of the session it was made from, which is live.
/// The second is bound to this host, so nobody can plant the first in somebody else's browser.
pub async fn person(cx: &Context, api: &Api, lines: &[&str]) -> Result<Option<Person>, Fault> {
    let https = cx.settings.is_https();
    let read = |cookie: Cookie<'_>| cookie.read(lines.iter().copied(), https);
    let (Some(scope), Some(note), Some(own)) =
        (api.session_scope(), read(Cookie::of(api)), read(Cookie::Session))
    else {
        return Ok(None);
    };
    let Some(opened) = seal::open(cx.keys().sealing(), Kind::BrowserNote, note) else { return Ok(None) };
    let Some(note) = opened.record::<Note<'_>>() else { return Ok(None) };
    if note.api != api.id.as_str() || note.expires_at <= cx.now {
        return Ok(None);
    }
    let Some(session) = session(cx, own).await?.filter(|session| session.id == note.session) else {
        return Ok(None);
    };
    // The gate of every grant, for what comes without one; who may not even sign in has no session.
    let accounts = &cx.settings.accounts;
    if accounts.require_verified_email
        && cx.store.user(&session.user).await?.is_none_or(|user| user.lacks_verified_email(accounts))
    {
        return Ok(None);
    }
    let person = Person {
        client: client_id(api),
        scope: scope.to_string(),
        id: note.id,
        made_at: note.made_at,
        expires_at: session.expires_at,
        session,
    };
    let dead = cx.revoked.kills(&person.token(api)) || cx.catalog().shuts(person.session.tenant.as_str());
    Ok((!dead).then_some(person))
}

fn client_id(api: &Api) -> ClientId {
    format!("{CLIENT}{}", api.id).as_str().into()
}

/// What stands for an API's browsers where an application would: nobody can prove to be it, and it has no grants.
pub fn client(server: &Server, id: &str) -> Option<Client> {
    let api = id.strip_prefix(CLIENT)?;
    let catalog = server.catalog();
    let api = catalog.apis().iter().find(|own| own.id.as_str() == api && own.session_scope().is_some())?;
    Some(Client {
        profile: crate::client::profile::Profile::default(),
        id: client_id(api),
        tenant: None,
        name: api.name.clone(),
        description: String::new(),
        website: String::new(),
        redirect_uris: Vec::new(),
        post_logout_redirect_uris: Vec::new(),
        grant_types: Vec::new(),
        scope: Some(crate::scope::Scope::default()),
        application_scope: None,
        auth_method: AuthMethod::ClientSecret,
        secrets: Vec::new(),
        jwks: None,
        jwks_uri: None,
        introspect: false,
        compat: Vec::new(),
        access_token_lifetime: None,
        origin: Origin::Gateway,
        registration_token: None,
        listing: crate::client::listing::Listing::default(),
        disabled: false,
        created_at: api.created_at,
        updated_at: api.updated_at,
        version: 1,
    })
}

/// The API that an interaction leads to, if it is one of browser mode.
pub fn destination(server: &Server, interaction: &Interaction) -> Option<Api> {
    let api = interaction.request.client.as_str().strip_prefix(CLIENT)?;
    let catalog = server.catalog();
    catalog.apis().iter().find(|own| own.id.as_str() == api && own.session_scope().is_some()).cloned()
}

/// A sign-in that leads back to `target`, a path below the API's prefix in normal form, with its query.
pub fn begin(cx: &Context, api: &Api, target: &str, session: Option<&Session>, browser: &str) -> Interaction {
    let below =
        target.strip_prefix(&*api.prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']));
    let fits = below && target.len() <= LONGEST_RETURN;
    let target = if fits { target.to_owned() } else { format!("{}/", api.prefix) };
    let in_force = cx.in_force();
    let tenant = session.map(|session| &session.tenant).or(in_force.applied.default_tenant.as_ref());
    let (max_age, acr_values) = wanted(cx, api, &target);
    let request = AuthorizationRequest {
        details: Details { acr_values, ..Details::default() },
        client: client_id(api),
        redirect_uri: cx.settings.url(&target),
        response_type: ResponseType::Code,
        response_mode: ResponseMode::Query,
        state: None,
        scope: crate::scope::Scope::default(),
        resources: Vec::new(),
        challenge: String::new(),
        nonce: None,
        key: None,
        prompts: Vec::new(),
        max_age,
        login_hint: None,
        tenant: tenant.cloned().unwrap_or_default(),
    };
    Interaction::new(cx, request, browser)
}

/// RFC 9470 §4: what the endpoint that a person opens wants of their sign-in.
fn wanted(cx: &Context, api: &Api, target: &str) -> (Option<Seconds>, Vec<String>) {
    let path = target.split('?').next().unwrap_or_default();
    let rest = path.strip_prefix(&*api.prefix).unwrap_or_default();
    let catalog = cx.catalog();
    let rules = Path::normalise(path).ok().and_then(|path| catalog.api_at(&path).map(|(_, rules, _)| rules));
    match rules.map(|rules| rules.find(api, Method::Get, rest)) {
        Some(Ruling::Rule(rule)) => (rule.max_age, rule.acr.clone()),
        _ => (None, Vec::new()),
    }
}
