//! RFC 9126 — pushed authorization requests: judged by the same table, before the browser comes

use super::{Entry, addressee, judge, note, request_object};
use crate::client::{Client, redirect_uri};
use crate::context::Context;
use crate::error::{Code, Denial, Error, Fault};
use crate::interaction::AuthorizationRequest;
use crate::params::Params;
use crate::seal::{self, Kind};
use crate::secret::digest_of;
use crate::time::{Seconds, Timestamp};
use crate::token::details;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// RFC 9126 §2.2: between 5 and 600 seconds; FAPI 2.0 §5.3.2.2 wants less than 600.
pub const LIFETIME: Seconds = Seconds(90);
/// RFC 9126 §2.2; a sealed request follows.
pub const PREFIX: &str = "urn:ietf:params:oauth:request_uri:";

/// The answer to a client that pushed.
#[derive(Debug, Serialize)]
pub struct Pushed {
    pub request_uri: String,
    pub expires_in: i64,
}

/// What `request_uri` stands for. Sealed and handed to the client, never stored.
#[derive(Serialize, Deserialize)]
struct Record {
    request: AuthorizationRequest,
    expires_at: Timestamp,
}

/// RFC 9126 §2.1: a client that has proven itself leaves its request, plainly or signed (§3).
pub async fn push(cx: &Context, client: &Arc<Client>, params: &Params<'_>) -> Result<Pushed, Error> {
    if params.contains("request_uri") {
        return Err(Code::InvalidRequest
            .because("request_uri is what you get here, not what you send")
            .into());
    }
    let noted = |denial: Denial, params: &Params<'_>| {
        note(cx, &client.id, denial, params.one("redirect_uri"));
        Error::from(denial)
    };
    let (entry, inside) = match request_object::unfold(cx, client, params).await {
        Ok(None) => (Entry::Pushed, None),
        Ok(inside) => (Entry::PushedSigned, inside),
        Err(Error::Denied(denial)) => return Err(noted(denial, params)),
        Err(failed) => return Err(failed),
    };
    let params = inside.as_ref().unwrap_or(params);
    let judged = addressee(Arc::clone(client), params).and_then(|to| judge(cx, entry, &to, params));
    let request = judged.map_err(|denial| noted(denial, params))?;
    let record = Record { request, expires_at: cx.now + LIFETIME };
    let sealed = cx.keys().sealing_at(cx.now)?.seal(Kind::PushedRequest, cx.nonce(), &record)?;
    Ok(Pushed { request_uri: format!("{PREFIX}{sealed}"), expires_in: LIFETIME.0 })
}

const GONE: Denial = Code::InvalidRequestUri
    .because("this link was good for a short time only, or for another application: begin again there");
const USED: Denial = Code::InvalidRequestUri
    .because("this link was good for a short time only and was used: begin again at the application");

/// RFC 9126 §4: what was pushed under this `request_uri`, for the client that pushed it. It may be looked at again, by a
/// reload, until it is answered.
pub(super) async fn take(
    cx: &Context,
    client: &Client,
    request_uri: &str,
) -> Result<AuthorizationRequest, Error> {
    let sealed = request_uri.strip_prefix(PREFIX).ok_or(GONE)?;
    let opened = seal::open(cx.keys().sealing(), Kind::PushedRequest, sealed).ok_or(GONE)?;
    let Record { mut request, expires_at } = opened.record().ok_or(GONE)?;
    let own = request.client == client.id && expires_at > cx.now;
    // The registration may have changed since.
    let registered = client.redirect_uris.iter().any(|uri| redirect_uri::matches(uri, &request.redirect_uri));
    if !own || !registered {
        return Err(GONE.into());
    }
    let key = digest_of(&[b"request_uri", sealed.as_bytes()]);
    if cx.store.is_spent(&key, cx.now).await? {
        return Err(USED.into());
    }
    // A page that was opened in time may be answered later.
    let until = expires_at + cx.settings.lifetimes.interaction;
    request.details.pushed = Some(details::Pushed { key, until, look: cx.random() });
    Ok(request)
}

/// How long a form that was sent once more means the same answer: somebody clicked twice.
const TWICE: Seconds = Seconds(10);

/// RFC 9126 §7.3, FAPI 2.0 §5.3.2.2: it is spent where the request is answered, not where a page of it is looked at. `Err`:
/// it was answered before.
pub(super) async fn spend(cx: &Context, request: &AuthorizationRequest) -> Result<Result<(), Denial>, Fault> {
    let Some(details::Pushed { key, until, look }) = &request.details.pushed else { return Ok(Ok(())) };
    let own = digest_of(&[b"request_uri answered", key, look]);
    if cx.store.spend(key, *until, cx.now).await? {
        cx.store.spend(&own, cx.now + TWICE, cx.now).await?;
        return Ok(Ok(()));
    }
    // The browser shows the answer to the second click, so that it must be as good as the first.
    Ok(if cx.store.is_spent(&own, cx.now).await? { Ok(()) } else { Err(USED) })
}
