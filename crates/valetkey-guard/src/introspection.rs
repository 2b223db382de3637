//! RFC 7662 — asking the issuer about an opaque token, once for all who ask, and remembering it for a little while

use crate::caller::Caller;
use crate::claims::{Expected, Source, seconds};
use crate::clock::Clock;
use crate::fetch::{Fetcher, Reply};
use crate::flight::Flights;
use crate::refusal::Refusal;
use aws_lc_rs::digest;
use data_encoding::BASE64;
use form_urlencoded::{Serializer, byte_serialize};
use http::header::InvalidHeaderValue;
use http::{HeaderValue, StatusCode};
use quick_cache::sync::Cache;
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use url::Url;

/// Longest time for which "no" is remembered: a token may be young, and the issuer's other nodes slower than it is.
const NO_FOR: Duration = Duration::from_secs(5);
/// Questions under way at a time; a stranger with many invented tokens must not drive us against the issuer.
const AT_ONCE: usize = 64;

const INACTIVE: Refusal = Refusal::Token("The access token is unknown, has expired or was taken back.");

type Outcome = Result<Arc<Caller>, Refusal>;
/// SHA-256 of a token, so that no token stays in memory.
type Digest = [u8; 32];

#[derive(Debug, Clone)]
struct Known {
    since: Duration,
    until: Duration,
    outcome: Outcome,
}

/// How long and how many answers are remembered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    pub(crate) life: Duration,
    pub(crate) entries: usize,
}

/// The way to ask about a token.
#[derive(Debug)]
pub(crate) struct Introspection {
    url: Url,
    authorization: HeaderValue,
    life: Duration,
    clock: Arc<dyn Clock>,
    fetcher: Arc<Fetcher>,
    cache: Cache<Digest, Known>,
    flights: Flights<Digest, Outcome>,
    permits: Semaphore,
}

impl Introspection {
    pub(crate) fn new(
        url: Url,
        authorization: HeaderValue,
        memory: Memory,
        clock: Arc<dyn Clock>,
        fetcher: Arc<Fetcher>,
    ) -> Self {
        Self {
            url,
            authorization,
            life: memory.life,
            clock,
            fetcher,
            cache: Cache::new(memory.entries),
            flights: Flights::default(),
            permits: Semaphore::new(AT_ONCE),
        }
    }

    /// # Errors
    /// Why the token is not believed, or that the issuer cannot be asked.
    pub(crate) async fn verify(&self, token: &str, expected: &Expected) -> Result<Caller, Refusal> {
        let key = sha256(token);
        let outcome = match self.remembered(&key) {
            Some(outcome) => outcome,
            None => self.flights.join(key, || self.remembered(&key), || self.ask(key, token, expected)).await,
        };
        outcome.map(|caller| (*caller).clone())
    }

    fn remembered(&self, key: &Digest) -> Option<Outcome> {
        let known = self.cache.get(key)?;
        let now = self.clock.now();
        // A clock that was set back must not keep an answer alive.
        (known.since <= now && now < known.until).then_some(known.outcome)
    }

    /// Asks and remembers the answer; that there was none is not remembered.
    async fn ask(&self, key: Digest, token: &str, expected: &Expected) -> Outcome {
        // The answer is as old as the question.
        let since = self.clock.now();
        let claims = self.exchange(token).await.map_err(|error| {
            tracing::warn!(url = %self.url, error, "the issuer cannot be asked about a token");
            Refusal::Unavailable
        })?;
        let expires = seconds(&claims, "exp").ok().flatten();
        let outcome = judge(claims, expected, self.clock.now()).map(Arc::new);
        let until = match outcome {
            Ok(_) => since.saturating_add(self.life).min(expires.unwrap_or(Duration::MAX)),
            Err(_) => since.saturating_add(self.life.min(NO_FOR)),
        };
        self.cache.insert(key, Known { since, until, outcome: outcome.clone() });
        outcome
    }

    async fn exchange(&self, token: &str) -> Result<Map<String, Value>, String> {
        let form = Serializer::new(String::new())
            .append_pair("token", token)
            .append_pair("token_type_hint", "access_token")
            .finish();
        let reply = {
            let turn = tokio::time::timeout(self.fetcher.patience(), self.permits.acquire()).await;
            let _permit = turn.ok().and_then(Result::ok).ok_or("too many questions are under way")?;
            self.fetcher.post(&self.url, form, self.authorization.clone()).await
        };
        read(&reply.map_err(|failure| failure.to_string())?)
    }
}

/// RFC 7662 §2.2: 200 with a JSON object that says whether the token is active. Anything else is no answer.
fn read(reply: &Reply) -> Result<Map<String, Value>, String> {
    match reply.status {
        StatusCode::OK => {}
        StatusCode::UNAUTHORIZED => return Err("it does not know these credentials".to_owned()),
        status => return Err(format!("the answer is {status}")),
    }
    let claims: Map<String, Value> =
        serde_json::from_slice(&reply.body).map_err(|_| "the answer is not a JSON object")?;
    if !claims.get("active").is_some_and(Value::is_boolean) {
        return Err("the answer does not say whether the token is active".to_owned());
    }
    Ok(claims)
}

fn judge(claims: Map<String, Value>, expected: &Expected, now: Duration) -> Result<Caller, Refusal> {
    if claims["active"] != Value::Bool(true) {
        return Err(INACTIVE);
    }
    // Some issuers, Valetkey among them, answer about refresh tokens too; and a DPoP token is no bearer token.
    let is = |name: &str, fitting: &[&str]| match claims.get(name) {
        None => true,
        Some(value) => {
            value.as_str().is_some_and(|kind| fitting.iter().any(|fit| kind.eq_ignore_ascii_case(fit)))
        }
    };
    if !is("token_type", &["Bearer", "access_token"]) || !is("token_use", &["access_token", "access"]) {
        return Err(Refusal::Token("This is a token of another kind than a bearer access token."));
    }
    expected.judge(Source::Introspection, claims, now)
}

/// RFC 6749 §2.3.1: both parts are form-encoded before they are joined.
///
/// # Errors
/// Never for what the encoding leaves; the type does not know that.
pub(crate) fn basic(id: &str, secret: &str) -> Result<HeaderValue, InvalidHeaderValue> {
    let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encode(id), encode(secret));
    let mut value = HeaderValue::from_str(&format!("Basic {}", BASE64.encode(pair.as_bytes())))?;
    value.set_sensitive(true);
    Ok(value)
}

fn sha256(token: &str) -> Digest {
    let mut key = [0; 32];
    key.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    #[test]
    fn rfc7662_section_2_2_only_a_plain_answer_is_an_answer() {
        for (status, body, fine) in [
            (200, "{\"active\":false}", true),
            (200, "{\"active\":true}", true),
            (200, "{\"active\":\"true\"}", false),
            (200, "{}", false),
            (200, "[]", false),
            (200, "true", false),
            (204, "{\"active\":true}", false),
            (302, "{\"active\":true}", false),
            (401, "{\"active\":true}", false),
            (500, "", false),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            let reply = Reply { status, cache_control: None, body: Bytes::from_static(body.as_bytes()) };
            assert_eq!(read(&reply).is_ok(), fine, "{status} {body}");
        }
    }

    #[test]
    fn rfc6749_section_2_3_1_credentials_are_encoded_before_they_are_joined() {
        let value = basic("a:b", "c d%").unwrap();
        assert_eq!(value, format!("Basic {}", BASE64.encode(b"a%3Ab:c+d%25")).as_str());
        assert!(value.is_sensitive());
    }
}
