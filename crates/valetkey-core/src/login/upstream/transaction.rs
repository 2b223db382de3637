//! OIDC Core §3.1.2.1, RFC 7636, RFC 9700 §4.7 — one try to sign in at a provider, sealed into a cookie of its browser

use super::Trouble;
use crate::context::Context;
use crate::error::Fault;
use crate::ids::SessionId;
use crate::seal::{self, Kind};
use crate::secret::{Secret, SecretHash, digest_of};
use crate::time::{Seconds, Timestamp};
use crate::upstream::Upstream;
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};

/// How long a person may take there.
pub(crate) const LIFETIME: Seconds = Seconds::minutes(15);
/// Clocks that disagree.
const SKEW: Seconds = Seconds(60);

/// What the person wants of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
    /// To sign in: in the middle of a sealed interaction, or to go on to a page of ours.
    SignIn { interaction: Option<String>, next: String },
    /// To sign in with it from now on: for the account that this session is of.
    Link { session: SessionId },
}

/// One try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    /// `state`: names the try, and only that.
    pub state: String,
    upstream: String,
    /// What it was configured as when the try began.
    issuer: String,
    pub nonce: String,
    pub verifier: String,
    browser: SecretHash,
    pub purpose: Purpose,
    /// The person must have proven there who they are since then.
    pub fresh_since: Option<Timestamp>,
    expires_at: Timestamp,
}

impl Transaction {
    pub(super) fn new(
        cx: &Context,
        upstream: &Upstream,
        browser: &str,
        purpose: Purpose,
        fresh: bool,
    ) -> Self {
        let random = || Secret::from_random(&cx.random()).expose().to_owned();
        Self {
            state: random(),
            upstream: upstream.id.clone(),
            issuer: upstream.issuer().to_owned(),
            nonce: random(),
            verifier: random(),
            browser: SecretHash::of(browser),
            purpose,
            fresh_since: fresh.then_some(cx.now - SKEW),
            expires_at: cx.now + LIFETIME,
        }
    }

    pub(super) fn seal(&self, cx: &Context) -> Result<String, Fault> {
        cx.keys().sealing_at(cx.now)?.seal(Kind::UpstreamLogin, cx.nonce(), self)
    }

    /// RFC 7636 §4.2.
    pub(super) fn challenge(&self) -> String {
        BASE64URL_NOPAD.encode(&SecretHash::of(&self.verifier).0)
    }

    /// The try that came back to this provider's redirect URI, in the browser that began it. It is used up.
    pub async fn take(
        cx: &Context,
        upstream: &Upstream,
        state: &str,
        sealed: Option<&str>,
        browser: Option<&str>,
    ) -> Result<Self, Trouble> {
        let opened = sealed.and_then(|text| seal::open(cx.keys().sealing(), Kind::UpstreamLogin, text));
        let own: Self = opened.and_then(|opened| opened.record()).ok_or(Trouble::Stale)?;
        let in_time = own.expires_at > cx.now && own.state == state;
        if !in_time || !browser.is_some_and(|cookie| own.browser.matches(cookie)) {
            return Err(Trouble::Stale);
        }
        // RFC 9700 §4.4: an answer of one provider at the door of another.
        if own.upstream != upstream.id || own.issuer != upstream.issuer() {
            return Err(Trouble::Untrue("a sign-in that began with one provider came back from another"));
        }
        let key = digest_of(&[b"upstream", own.state.as_bytes()]);
        if cx.store.spend(&key, own.expires_at, cx.now).await? { Ok(own) } else { Err(Trouble::Stale) }
    }
}
