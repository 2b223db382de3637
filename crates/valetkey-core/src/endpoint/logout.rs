//! OIDC RP-Initiated Logout §2 — an application asks that its user be signed out here too

use crate::client::{Client, redirect_uri, subject};
use crate::context::Context;
use crate::error::{Code, Denial, Error, Fault};
use crate::ids::SessionId;
use crate::jose::jwt::{self, Type};
use crate::params::Params;
use crate::seal::{self, Kind};
use crate::store::Session;
use crate::time::{Seconds, Timestamp};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use url::Url;

/// Every parameter that means something here.
pub const KNOWN: [&str; 6] =
    ["id_token_hint", "logout_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales"];

/// Under which name [`carry`] comes back.
pub const CARRIED: &str = "request";
/// How long it may take from a redirect to the request that follows it.
const ON_ITS_WAY: Seconds = Seconds::minutes(2);

#[derive(Serialize, Deserialize)]
struct Carried {
    query: String,
    expires_at: Timestamp,
}

/// A request that came where its browser's cookie does not (§2, by POST from another site), for the redirect to where it
/// does: sealed, since an ID token has no place in an address.
pub fn carry(cx: &Context, params: &Params<'_>) -> Result<String, Fault> {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for name in KNOWN {
        for value in params.all(name) {
            query.append_pair(name, value);
        }
    }
    let record = Carried { query: query.finish(), expires_at: cx.now + ON_ITS_WAY };
    cx.keys().sealing_at(cx.now)?.seal(Kind::LogoutRequest, cx.nonce(), &record)
}

/// The query of a request that was carried here.
pub fn carried(cx: &Context, text: &str) -> Result<String, Denial> {
    let opened = seal::open(cx.keys().sealing(), Kind::LogoutRequest, text);
    let record: Option<Carried> = opened.and_then(|opened| opened.record());
    let own = record.filter(|own| own.expires_at > cx.now);
    own.map(|own| own.query).ok_or(
        Code::InvalidRequest
            .because("this link was good for a moment only: sign out again at the application"),
    )
}

/// A request that holds.
#[derive(Debug)]
pub struct LogoutRequest {
    /// Who asks; anybody can, so it proves nothing.
    pub client: Option<Arc<Client>>,
    /// Whom the ID token names, if one of ours came along.
    subject: Option<String>,
    /// And in which session.
    session: Option<SessionId>,
    /// Where the browser goes afterwards: registered for this client, with `state`.
    pub redirect: Option<String>,
}

/// An ID token of ours, also when it is past its time (§4): it says who is meant, and lets nobody in.
#[derive(Deserialize)]
struct Hint {
    iss: String,
    sub: String,
    aud: String,
    sid: Option<String>,
}

/// Reads and judges a request.
pub async fn read(cx: &Context, params: &Params<'_>) -> Result<LogoutRequest, Error> {
    params.refuse_repeats(&KNOWN)?;
    let hint = params.one("id_token_hint").map(|text| hint(cx, text)).transpose()?;
    let id = match (params.one("client_id"), &hint) {
        (Some(id), Some(hint)) if id != hint.aud => {
            let detail = "client_id is not the application that the id_token_hint was made for";
            return Err(Code::InvalidRequest.because(detail).into());
        }
        (id, hint) => id.or(hint.as_ref().map(|hint| hint.aud.as_str())),
    };
    let client = match id {
        Some(id) => cx.registered(id).await?.filter(|client| !client.disabled),
        None => None,
    };
    let redirect = params.one("post_logout_redirect_uri");
    let redirect = redirect.map(|uri| back(client.as_deref(), uri, params.one("state"))).transpose()?;
    let session = hint.as_ref().and_then(|hint| subject::session_of(cx, hint.sid.as_deref()?));
    let subject = hint.map(|hint| person(cx, hint.sub));
    Ok(LogoutRequest { client, subject, session, redirect })
}

/// OIDC Core §8: the person, by whichever name the application knows them. We signed it.
fn person(cx: &Context, sub: String) -> String {
    subject::person(cx, &sub).map_or(sub, |person| person.to_string())
}

fn hint(cx: &Context, text: &str) -> Result<Hint, Denial> {
    const FOREIGN: Denial =
        Code::InvalidRequest.because("the id_token_hint is not an ID token of this server");
    let claims = jwt::open(cx.keys().signing(), Type::IdToken, text).ok_or(FOREIGN)?;
    let hint: Hint = serde_json::from_slice(&claims).map_err(|_| FOREIGN)?;
    if hint.iss == cx.settings.issuer() { Ok(hint) } else { Err(FOREIGN) }
}

/// §3: only where the application registered exactly this address.
fn back(client: Option<&Client>, uri: &str, state: Option<&str>) -> Result<String, Denial> {
    let registered = client.is_some_and(|client| {
        client.post_logout_redirect_uris.iter().any(|own| redirect_uri::matches(own, uri))
    });
    if !registered {
        return Err(Code::InvalidRequest.because(
            "the post_logout_redirect_uri is not one that this application registered; name the application by client_id or id_token_hint",
        ));
    }
    let Some(state) = state else { return Ok(uri.to_owned()) };
    let state = form_urlencoded::Serializer::new(String::new()).append_pair("state", state).finish();
    Ok(format!("{uri}{}{state}", if uri.contains('?') { '&' } else { '?' }))
}

impl LogoutRequest {
    /// §2: whether the person must say so first. Only an ID token of the very person who is signed in spares the question:
    /// otherwise any page could sign people out.
    pub fn needs_confirmation(&self, session: &Session) -> bool {
        self.session != Some(session.id) && self.subject.as_deref() != Some(session.user.as_str())
    }
}

/// The most pages of applications that one page of ours loads.
const MOST_FRAMES: usize = 50;

/// OIDC Front-Channel Logout §2 — the pages of applications by which this session ends there, with `iss` and `sid` where
/// they asked for them.
pub async fn front_channel(cx: &Context, session: &Session) -> Result<Vec<String>, Fault> {
    let mut addresses = Vec::new();
    for id in cx.store.clients_in_session(&session.user, session.id).await? {
        let client = cx.registered(id.as_str()).await?.filter(|client| !client.disabled);
        let Some(client) = client else { continue };
        let Some(own) = client.profile.logout.front_channel() else { continue };
        let Ok(mut url) = Url::parse(own) else { continue };
        if client.profile.logout.frontchannel_logout_session_required {
            let sid = subject::session(cx, &client, session.id)?;
            url.query_pairs_mut().append_pair("iss", cx.settings.issuer()).append_pair("sid", &sid);
        }
        addresses.push(url.into());
    }
    addresses.truncate(MOST_FRAMES);
    Ok(addresses)
}
