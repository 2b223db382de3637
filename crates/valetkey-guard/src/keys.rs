//! RFC 7517 §5, RFC 9111 §5.2 — the issuer's keys, kept as long as it says, and a while longer when it is away

use crate::clock::Clock;
use crate::fetch::Fetcher;
use crate::jwk::{Algorithm, Key, read_set};
use crate::refusal::Refusal;
use http::StatusCode;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::Mutex;
use url::Url;

/// How long a set is fresh, whatever the issuer says; and what counts where it says nothing.
const FLOOR: Duration = Duration::from_mins(1);
const CEILING: Duration = Duration::from_hours(24);
const UNSAID: Duration = Duration::from_mins(5);
/// Between two fetches that a failure or an unknown key makes necessary: strangers must not drive us.
const PAUSE: Duration = Duration::from_secs(10);

/// The cached keys of one issuer.
#[derive(Debug)]
pub(crate) struct Keys {
    url: Url,
    /// How long keys are used past their freshness when no new ones can be had.
    grace: Duration,
    clock: Arc<dyn Clock>,
    fetcher: Arc<Fetcher>,
    state: RwLock<State>,
    fetching: Mutex<()>,
}

#[derive(Debug, Clone)]
struct State {
    keys: Arc<Vec<Key>>,
    fetched_at: Duration,
    fresh_for: Duration,
    /// The last fetch out of turn or in vain; sets the pace.
    tried_at: Option<Duration>,
    failed: bool,
}

impl State {
    fn is_within(&self, now: Duration, life: Duration) -> bool {
        now.checked_sub(self.fetched_at).is_some_and(|age| age < life)
    }

    fn must_pause(&self, now: Duration) -> bool {
        self.tried_at.and_then(|at| now.checked_sub(at)).is_some_and(|since| since < PAUSE)
    }
}

impl Keys {
    /// Fetches the first set.
    ///
    /// # Errors
    /// The issuer does not answer with a JWKS; the words are for the log.
    pub(crate) async fn fetch(
        url: Url,
        grace: Duration,
        clock: Arc<dyn Clock>,
        fetcher: Arc<Fetcher>,
    ) -> Result<Self, String> {
        let (keys, fresh_for) = load(&fetcher, &url).await?;
        let state =
            State { keys: Arc::new(keys), fetched_at: clock.now(), fresh_for, tried_at: None, failed: false };
        Ok(Self { url, grace, clock, fetcher, state: RwLock::new(state), fetching: Mutex::new(()) })
    }

    /// The key that may verify a token of this header.
    ///
    /// # Errors
    /// There is no such key, or nobody can say because the issuer is away.
    pub(crate) async fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Result<Key, Refusal> {
        let mut state = self.state();
        if !state.is_within(self.clock.now(), state.fresh_for) {
            // While somebody else fetches, the old keys do.
            if !self.is_usable(&state) || self.fetching.try_lock().is_ok() {
                state = self.renew(&state).await;
            }
            if !self.is_usable(&state) {
                return Err(Refusal::Unavailable);
            }
        }
        if let Some(key) = pick(&state.keys, id, algorithm)? {
            return Ok(key);
        }
        // A key may be newer than our set: ask once, and not more often than the pause allows.
        let state = self.renew(&state).await;
        match pick(&state.keys, id, algorithm)? {
            Some(key) => Ok(key),
            None if state.failed => Err(Refusal::Unavailable),
            None => {
                Err(Refusal::Token("The access token is signed with a key that its issuer does not have."))
            }
        }
    }

    fn is_usable(&self, state: &State) -> bool {
        state.is_within(self.clock.now(), state.fresh_for.saturating_add(self.grace))
    }

    /// A newer state than `seen`, where there is one to be had.
    async fn renew(&self, seen: &State) -> State {
        let _turn = self.fetching.lock().await;
        let mut state = self.state();
        let now = self.clock.now();
        if state.fetched_at != seen.fetched_at || state.tried_at != seen.tried_at || state.must_pause(now) {
            return state;
        }
        match load(&self.fetcher, &self.url).await {
            Ok((keys, fresh_for)) => {
                state = State {
                    keys: Arc::new(keys),
                    fetched_at: now,
                    fresh_for,
                    tried_at: Some(now),
                    failed: false,
                };
            }
            Err(error) => {
                tracing::warn!(url = %self.url, error, "the issuer's keys cannot be fetched");
                state.tried_at = Some(now);
                state.failed = true;
            }
        }
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = state.clone();
        state
    }

    fn state(&self) -> State {
        self.state.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The key of that name; without a name the only one of the algorithm. `None` means that there might be a newer one.
fn pick(keys: &[Key], id: Option<&str>, algorithm: Algorithm) -> Result<Option<Key>, Refusal> {
    let mut fitting = keys.iter().filter(|key| match id {
        Some(id) => key.id.as_deref() == Some(id),
        None => key.algorithm == algorithm,
    });
    let Some(key) = fitting.next() else { return Ok(None) };
    if id.is_none() && fitting.next().is_some() {
        return Err(Refusal::Token("The access token does not say which key signed it."));
    }
    // RFC 8725 §3.1: the key says which algorithm; the token only has to agree.
    if key.algorithm == algorithm {
        Ok(Some(key.clone()))
    } else {
        Err(Refusal::Token("The access token is signed with an algorithm that its key is not for."))
    }
}

async fn load(fetcher: &Fetcher, url: &Url) -> Result<(Vec<Key>, Duration), String> {
    let reply = fetcher.get(url).await.map_err(|failure| failure.to_string())?;
    if reply.status != StatusCode::OK {
        return Err(format!("the answer is {}", reply.status));
    }
    let keys = read_set(&reply.body).ok_or("the answer is not a JWKS")?;
    Ok((keys, freshness(reply.cache_control.as_deref())))
}

/// RFC 9111 §5.2.2: `max-age`, within our bounds; what may not be stored is asked for again as soon as we ever do.
fn freshness(cache_control: Option<&str>) -> Duration {
    let mut said = UNSAID;
    for directive in cache_control.unwrap_or_default().split(',').map(str::trim) {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        if name.eq_ignore_ascii_case("no-store") || name.eq_ignore_ascii_case("no-cache") {
            return FLOOR;
        }
        if name.eq_ignore_ascii_case("max-age") {
            said = value.trim_matches('"').parse().map_or(FLOOR, Duration::from_secs);
        }
    }
    said.clamp(FLOOR, CEILING)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc9111_section_5_2_2_the_issuer_says_how_long_within_bounds() {
        for (header, want) in [
            (None, 300),
            (Some("public"), 300),
            (Some("public, max-age=600"), 600),
            (Some("Max-Age=\"600\""), 600),
            (Some("max-age=0"), 60),
            (Some("max-age=many"), 60),
            (Some("no-store, max-age=600"), 60),
            (Some("max-age=31536000"), 24 * 3600),
        ] {
            assert_eq!(freshness(header), Duration::from_secs(want), "{header:?}");
        }
    }
}
