//! RFC 8628 §3.4–3.5, CIBA Core §10–11 — a client fetches what a person decided elsewhere
//!
//! Reads, decides, signs, commits, as for a code: the grant's primary key is the single use, on every node, and behind the
//! same gate.

use super::authorization_code::{chosen_resources, row};
use crate::approval::{Handle, HandleKind};
use crate::audit::{Actor, Event};
use crate::client::Client;
use crate::context::Context;
use crate::error::{Code, Denial, Error};
use crate::params::Params;
use crate::store::{Beginning, Grant, Poll, PollRequest};
use crate::time::Seconds;
use crate::token::code::{self, Code as Agreed};
use crate::token::granted;
use crate::token::revocation::grant_mark;
use crate::token::{self, TokenResponse};

/// RFC 8628 §3.5.
const STEP: Seconds = Seconds(5);
/// Who is told to wait longer than this has given up.
const LONGEST: Seconds = Seconds(60);

const PENDING: Denial =
    Code::AuthorizationPending.because("the user has not decided yet: ask again after the interval");
const TOO_FAST: Denial = Code::SlowDown
    .because("the user has not decided yet, and you ask too often: wait five seconds longer from now on");
const DENIED: Denial = Code::AccessDenied.because("the user said no");
const EXPIRED: Denial = Code::ExpiredToken.because("nobody decided in time: begin again");
const USED: Denial = Code::InvalidGrant.because("the answer was fetched before");
const REFUSED: Denial = Code::InvalidGrant
    .because("the account, the application or the consent behind this request no longer holds");

/// `device_code` of RFC 8628 §3.4.
pub(super) async fn device_code(
    cx: &Context,
    client: &Client,
    params: &Params<'_>,
) -> Result<TokenResponse, Error> {
    const MISSING: Denial =
        Code::InvalidRequest.because("device_code is missing: send the one that the device was given");
    const UNKNOWN: Denial =
        Code::InvalidGrant.because("the device_code is unknown, damaged or was issued to another client");
    let text = params.one("device_code").ok_or(MISSING)?;
    let handle = Handle::open(cx, HandleKind::DeviceCode, text).ok_or(UNKNOWN)?;
    fetch(cx, client, &handle, params, UNKNOWN).await
}

/// `auth_req_id` of CIBA Core §10.1.
pub(super) async fn auth_req_id(
    cx: &Context,
    client: &Client,
    params: &Params<'_>,
) -> Result<TokenResponse, Error> {
    const MISSING: Denial = Code::InvalidRequest
        .because("auth_req_id is missing: send the one that your request was answered with");
    const UNKNOWN: Denial =
        Code::InvalidGrant.because("the auth_req_id is unknown, damaged or was issued to another client");
    super::gate::proven(client)?;
    let text = params.one("auth_req_id").ok_or(MISSING)?;
    let handle = Handle::open(cx, HandleKind::AuthReqId, text).ok_or(UNKNOWN)?;
    fetch(cx, client, &handle, params, UNKNOWN).await
}

async fn fetch(
    cx: &Context,
    client: &Client,
    handle: &Handle,
    params: &Params<'_>,
    unknown: Denial,
) -> Result<TokenResponse, Error> {
    if handle.client != client.id.as_str() {
        return Err(unknown.into());
    }
    // RFC 9449 §10, for what stands in a code's place.
    if handle.key.is_some() && handle.key != cx.caller.key {
        return Err(Code::InvalidGrant
            .because("the request was made with a key: send a DPoP proof made with the same one")
            .into());
    }
    // Who cannot get a token in this connection hears of it at once, and not when somebody has decided.
    token::holder(cx, client)?;
    let now_ms = i64::try_from(cx.now_ms).unwrap_or(i64::MAX);
    let poll = PollRequest { id: handle.id, client: &client.id, now_ms, step: STEP, longest: LONGEST };
    let sealed = match cx.store.poll_approval(&poll).await? {
        Poll::Waiting => return Err(PENDING.into()),
        Poll::TooFast(_) => return Err(TOO_FAST.into()),
        Poll::Denied => return Err(DENIED.into()),
        Poll::Expired => return Err(EXPIRED.into()),
        // Swept, or of a database restored from before.
        Poll::Unknown if handle.expires_at <= cx.now => return Err(EXPIRED.into()),
        Poll::Unknown => return Err(unknown.into()),
        Poll::Allowed(sealed) => sealed,
    };
    let opened = code::open_agreed(cx, &sealed).ok_or(unknown)?;
    let agreed: Agreed<'_> = opened.record().ok_or(unknown)?;
    // What a device may do does not end with the browser in which somebody allowed it.
    let row = Grant { session: None, ..row(cx, client, &agreed)? };
    let authorized = row.resources.clone();
    let resources = chosen_resources(&authorized, params.all("resource").collect())?;
    let first = granted::begin_for(cx, client, row, &resources, params)?;
    let (grant, response) = first.into_response(cx, client).await?;
    match cx.store.begin_grant(&cx.gated(&grant), None).await? {
        Beginning::Begun => Ok(response),
        Beginning::Known => Err(again(cx, client, &grant).await?.into()),
        Beginning::Refused => Err(REFUSED.into()),
    }
}

/// A second fetch: of a client that did not hear the answer, if it comes within the window of a retry. Later it is somebody
/// who found the code, or from whom it was taken: what it gave is taken back, as for a code (RFC 9700 §4.5).
async fn again(cx: &Context, client: &Client, grant: &Grant) -> Result<Denial, Error> {
    let Some(first) = cx.store.grant(grant.id).await? else { return Ok(USED) };
    if cx.now - first.created_at <= cx.lifetimes().retry_window {
        return Ok(USED);
    }
    let mark = grant_mark(cx, grant.id);
    let replay = cx.record(Event::CodeReplayed, Actor::Client(client.id.clone()));
    let replay = replay.client(&client.id).user(&grant.user, &grant.tenant).object(grant.id);
    if cx.store.revoke_grant(grant.id, Some(&client.id), &mark, &replay).await? {
        cx.revoked.insert(&mark);
        cx.follow_changes().await?;
    }
    Ok(USED)
}
