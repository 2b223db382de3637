//! RFC 8628 §3.1–3.3 — a device asks, and a person types its code, with the care of RFC 10027

use super::{Addressee, Entry, judge};
use crate::approval::{self, Found, Handle, HandleKind, PACE, Pending, Waiting};
use crate::client::Client;
use crate::context::Context;
use crate::error::{Code, Denial, Error, Fault, FaultKind};
use crate::login::throttle;
use crate::params::Params;
use crate::secret::digest_of;
use crate::settings::path;
use crate::store::{Asking, Attempt, Session};
use crate::time::Seconds;
use serde::Serialize;
use std::sync::Arc;

/// How long a person has. No out-of-band code is good for longer (OWASP ASVS 6.6.3).
pub const LIFETIME: Seconds = Seconds::minutes(10);
/// RFC 8628 §6.1: no vowels, so no words, and nothing that looks like something else. Eight of twenty are 34 bits.
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const LENGTH: usize = 8;
/// How often another code is made where one is taken.
const TRIES: usize = 5;

const TOO_MANY: Denial = Code::TemporarilyUnavailable
    .because("too many device codes for this application from this address: wait a minute");

/// RFC 8628 §3.2.
#[derive(Debug, Serialize)]
pub struct DeviceAuthorization {
    pub device_code: String,
    pub user_code: String,
    pub verification_uri: String,
    pub verification_uri_complete: String,
    pub expires_in: i64,
    pub interval: i64,
}

/// A client that has proven itself, or is public, asks for a person.
pub async fn begin(
    cx: &Context,
    client: &Arc<Client>,
    params: &Params<'_>,
) -> Result<DeviceAuthorization, Error> {
    let address = cx.caller.address;
    let subject = format!("device {}", client.id);
    if cx.asked.is_paused(&subject, address, cx.now) {
        return Err(TOO_MANY.into());
    }
    let request = judge(cx, Entry::Device, &Addressee::nowhere(Arc::clone(client)), params);
    let request = request.inspect_err(|denial| super::note(cx, &client.id, *denial, None))?;
    cx.asked.count_one(&subject, address, cx.now);
    let key = request.key;
    let mut pending = Pending {
        request,
        user_code: String::new(),
        address: address.map(|ip| ip.to_string()).unwrap_or_default(),
        device: cx.caller.browser.map(|name| name.as_str().to_owned()).unwrap_or_default(),
        binding_message: String::new(),
        notification_token: String::new(),
    };
    for _ in 0..TRIES {
        pending.user_code = new_code(cx);
        let found = Found { user: None, user_code: Some(digest(&pending.user_code)) };
        let (asking, row) = approval::ask(cx, &pending, &found, LIFETIME).await?;
        if asking != Asking::Asked {
            continue;
        }
        let complete = format!("{}?user_code={}", path::DEVICE, pending.user_code);
        return Ok(DeviceAuthorization {
            device_code: Handle::of(&row, key).seal(cx, HandleKind::DeviceCode, row.created_at)?,
            user_code: pending.user_code,
            verification_uri: cx.settings.url(path::DEVICE),
            verification_uri_complete: cx.settings.url(&complete),
            expires_in: LIFETIME.0,
            interval: PACE.0,
        });
    }
    Err(Fault::bare(FaultKind::Unavailable, "no free user code was found").into())
}

/// `BCDF-GHJK`, each letter as likely as any other.
fn new_code(cx: &Context) -> String {
    let mut code = String::with_capacity(LENGTH + 1);
    while code.len() < LENGTH + 1 {
        let byte = cx.random::<1>()[0];
        // 240 is the largest multiple of 20 in a byte.
        let Some(letter) = (byte < 240).then(|| LETTERS[usize::from(byte) % LETTERS.len()]) else { continue };
        if code.len() == LENGTH / 2 {
            code.push('-');
        }
        code.push(char::from(letter));
    }
    code
}

/// RFC 8628 §6.1: what a person types for a code, in its one form; `None` where it can be none.
fn typed(text: &str) -> Option<String> {
    let letters: Vec<char> = text
        .chars()
        .filter(|c| !c.is_whitespace() && !"-‐‑–—−_.".contains(*c))
        .map(|c| c.to_ascii_uppercase())
        .collect();
    let known = |c: &char| u8::try_from(*c).is_ok_and(|byte| LETTERS.contains(&byte));
    let whole = letters.len() == LENGTH && letters.iter().all(known);
    whole.then(|| {
        let (first, second) = letters.split_at(LENGTH / 2);
        first.iter().chain(&['-']).chain(second).collect()
    })
}

fn digest(code: &str) -> [u8; 32] {
    digest_of(&[b"user code", code.as_bytes()])
}

/// Whether a text could be a code, and how it is shown then.
pub fn shown(text: &str) -> Option<String> {
    typed(text)
}

/// The request of a code, for who may look without guessing: an operator.
pub async fn by_code(cx: &Context, text: &str) -> Result<Option<Waiting>, Fault> {
    let Some(code) = typed(text) else { return Ok(None) };
    Ok(cx.store.approval_by_code(&digest(&code)).await?.and_then(|row| approval::open(cx, row)))
}

/// What came of a typed code.
#[derive(Debug)]
pub enum Typed {
    /// A request that waits.
    Waiting(Box<Waiting>),
    /// It was decided already.
    Used,
    Expired,
    /// No request has this code.
    Unknown,
    Throttled(Seconds),
}

/// RFC 8628 §3.3, §5.1: looks a typed code up; whoever guesses is slowed down, by address, browser and person.
pub async fn look_up(
    cx: &Context,
    text: &str,
    browser: &str,
    session: Option<&Session>,
) -> Result<Typed, Fault> {
    let counters = throttle::code_counters(cx.caller.address, browser, session.map(|session| &session.user));
    if let Attempt::Wait(wait) = cx.store.begin_attempt(&counters, cx.now).await? {
        tracing::info!(target: "valetkey::login", wait = wait.0, "user code attempt throttled");
        return Ok(Typed::Throttled(wait));
    }
    let Some(code) = typed(text) else { return Ok(Typed::Unknown) };
    let Some(row) = cx.store.approval_by_code(&digest(&code)).await? else { return Ok(Typed::Unknown) };
    let Some(waiting) = approval::open(cx, row) else { return Ok(Typed::Unknown) };
    Ok(match approval::over(&waiting.row, None, cx.now) {
        None => {
            cx.store.clear_attempts(&counters).await?;
            Typed::Waiting(Box::new(waiting))
        }
        Some(approval::Over::Expired) => Typed::Expired,
        Some(_) => Typed::Used,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc8628_section_6_1_a_code_is_read_whatever_its_case_and_punctuation() {
        for (text, want) in [
            ("WDJB-MJHT", Some("WDJB-MJHT")),
            ("wdjbmjht", Some("WDJB-MJHT")),
            (" wdjb mjht ", Some("WDJB-MJHT")),
            ("W.D–J_B—M J-H-T", Some("WDJB-MJHT")),
            ("WDJB-MJH", None),
            ("WDJB-MJHTT", None),
            ("WDJA-MJHT", None),
            ("WDJB-MJH0", None),
            ("ＷDJB-MJHT", None),
            ("", None),
        ] {
            assert_eq!(typed(text).as_deref(), want, "{text}");
        }
    }
}
