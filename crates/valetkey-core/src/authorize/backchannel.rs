//! CIBA Core §7.1 — an application asks somebody whom it names, behind the browser's back
//!
//! Who is asked finds the request on the account page and decides it there; nothing is sent to anybody by us. A request for
//! somebody who is not here is refused as the standard says: only applications that have proven themselves learn it.

mod hint;
mod signed;

use super::{Addressee, Entry, judge};
use crate::approval::{self, Found, Handle, HandleKind, PACE, Pending};
use crate::client::Client;
use crate::context::Context;
use crate::error::{Code, Denial, Error};
use crate::interaction::AuthorizationRequest;
use crate::params::Params;
use crate::store::Asking;
use crate::time::Seconds;
use serde::Serialize;
use std::sync::Arc;

/// How long a person has, where the application does not say, and at most.
const LIFETIME: Seconds = Seconds::minutes(10);
const LONGEST: Seconds = Seconds::hours(1);
/// Characters of what must be compared at a glance.
const BINDING_MESSAGE: usize = 100;
/// CIBA Core §7.1.
const NOTIFICATION_TOKEN: usize = 1024;

/// What such a request may hold beside what every authorization request may.
const OWN: [&str; 7] = [
    "client_notification_token",
    "login_hint_token",
    "id_token_hint",
    "login_hint",
    "binding_message",
    "user_code",
    "requested_expiry",
];

/// CIBA Core §7.3.
#[derive(Debug, Serialize)]
pub struct Acknowledged {
    pub auth_req_id: String,
    pub expires_in: i64,
    pub interval: i64,
}

/// A confidential client asks for a person.
pub async fn begin(cx: &Context, client: &Arc<Client>, params: &Params<'_>) -> Result<Acknowledged, Error> {
    let begun = ask(cx, client, params).await;
    if let Err(Error::Denied(denial)) = &begun {
        super::note(cx, &client.id, *denial, None);
    }
    begun
}

async fn ask(cx: &Context, client: &Arc<Client>, params: &Params<'_>) -> Result<Acknowledged, Error> {
    const TOO_MANY: Denial = Code::TemporarilyUnavailable
        .because("too many requests wait for this person already, or came from you: wait a minute");
    let (subject, address) = (format!("backchannel {}", client.id), cx.caller.address);
    if cx.asked.is_paused(&subject, address, cx.now) {
        return Err(TOO_MANY.into());
    }
    let unfolded = signed::unfold(cx, client, params).await?;
    let params = unfolded.as_ref().unwrap_or(params);
    params.refuse_repeats(&OWN)?;
    let request = request(cx, client, params)?;
    hint::only(params)?;
    let (lifetime, notification_token) = (lifetime(params)?, notification_token(client, params)?);
    let binding_message = binding_message(client, params)?;
    // Counted before anybody is looked for, as asking in vain tells who is not here.
    cx.asked.count_one(&subject, address, cx.now);
    let user = hint::user(cx, client, &request.tenant, params).await?;
    let key = request.key;
    let pending = Pending {
        request,
        user_code: String::new(),
        address: address.map(|ip| ip.to_string()).unwrap_or_default(),
        device: String::new(),
        binding_message,
        notification_token,
    };
    let found = Found { user: Some(&user.id), user_code: None };
    let (asking, row) = approval::ask(cx, &pending, &found, lifetime).await?;
    if asking != Asking::Asked {
        return Err(TOO_MANY.into());
    }
    let auth_req_id = Handle::of(&row, key).seal(cx, HandleKind::AuthReqId, row.created_at)?;
    Ok(Acknowledged { auth_req_id, expires_in: lifetime.0, interval: PACE.0 })
}

/// The table of checks, and that it is a request for identity (CIBA Core §7.1).
fn request(cx: &Context, client: &Arc<Client>, params: &Params<'_>) -> Result<AuthorizationRequest, Denial> {
    let request = judge(cx, Entry::Backchannel, &Addressee::nowhere(Arc::clone(client)), params)?;
    match params.one("scope") {
        None => Err(Code::InvalidRequest.because("scope is missing: it must contain openid")),
        Some(_) if !request.scope.contains("openid") => {
            Err(Code::InvalidScope.because("scope must contain openid"))
        }
        Some(_) => Ok(request),
    }
}

fn lifetime(params: &Params<'_>) -> Result<Seconds, Denial> {
    const BAD: Denial = Code::InvalidRequest.because("requested_expiry must be a positive number of seconds");
    let Some(text) = params.one("requested_expiry") else { return Ok(LIFETIME) };
    let seconds = text.parse::<u32>().ok().filter(|seconds| *seconds > 0).ok_or(BAD)?;
    Ok(Seconds(seconds.into()).min(LONGEST))
}

/// CIBA Core §7.1: needed in ping mode, and a bearer token by its form; elsewhere it is nothing to us.
fn notification_token(client: &Client, params: &Params<'_>) -> Result<String, Denial> {
    const BAD: Denial = Code::InvalidRequest.because(
        "client_notification_token must come in ping mode: at most 1024 characters of a bearer token (RFC 6750, section 2.1)",
    );
    if client.profile.cross_device.notified_at().is_none() {
        return Ok(String::new());
    }
    let text = params.one("client_notification_token").ok_or(BAD)?;
    let good = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b);
    if text.len() > NOTIFICATION_TOKEN || !text.bytes().all(good) {
        return Err(BAD);
    }
    Ok(text.to_owned())
}

/// What stands on both screens. FAPI-CIBA §5.2.2: without it nothing ties the two together.
fn binding_message(client: &Client, params: &Params<'_>) -> Result<String, Denial> {
    let message = params.one("binding_message").unwrap_or_default();
    if message.chars().count() > BINDING_MESSAGE || message.chars().any(char::is_control) {
        return Err(Code::InvalidBindingMessage
            .because("binding_message may have at most 100 characters, on one line"));
    }
    if message.is_empty() && client.profile.security.is_fapi2() {
        return Err(
            Code::InvalidBindingMessage.because("binding_message must come: this client's profile needs it")
        );
    }
    Ok(message.to_owned())
}
