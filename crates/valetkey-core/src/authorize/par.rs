//! RFC 9126 — pushed authorization requests: judged by the same table, before the browser comes

use super::{Entry, addressee, judge, note};
use crate::client::{Client, redirect_uri};
use crate::context::Context;
use crate::error::{Code, Denial, Error};
use crate::interaction::AuthorizationRequest;
use crate::params::Params;
use crate::seal::{self, Kind};
use crate::time::{Seconds, Timestamp};
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

/// RFC 9126 §2.1: a client that has proven itself leaves its request.
pub fn push(cx: &Context, client: &Arc<Client>, params: &Params<'_>) -> Result<Pushed, Error> {
    if params.contains("request_uri") {
        return Err(Code::InvalidRequest
            .because("request_uri is what you get here, not what you send")
            .into());
    }
    let judged = addressee(Arc::clone(client), params).and_then(|to| judge(cx, Entry::Pushed, &to, params));
    let request = judged.inspect_err(|denial| note(cx, &client.id, *denial, params.one("redirect_uri")))?;
    let record = Record { request, expires_at: cx.now + LIFETIME };
    let sealed = cx.keys().sealing_at(cx.now)?.seal(Kind::PushedRequest, cx.nonce(), &record)?;
    Ok(Pushed { request_uri: format!("{PREFIX}{sealed}"), expires_in: LIFETIME.0 })
}

/// RFC 9126 §4: what was pushed under this `request_uri`, for the client that pushed it.
pub(super) fn take(cx: &Context, client: &Client, request_uri: &str) -> Result<AuthorizationRequest, Denial> {
    const GONE: Denial = Code::InvalidRequest
        .because("this link was good for a short time only, or for another application: begin again there");
    let sealed = request_uri.strip_prefix(PREFIX).ok_or(GONE)?;
    let opened = seal::open(cx.keys().sealing(), Kind::PushedRequest, sealed).ok_or(GONE)?;
    let record: Record = opened.record().ok_or(GONE)?;
    let own = record.request.client == client.id && record.expires_at > cx.now;
    // The registration may have changed since.
    let registered =
        client.redirect_uris.iter().any(|uri| redirect_uri::matches(uri, &record.request.redirect_uri));
    if own && registered { Ok(record.request) } else { Err(GONE) }
}
