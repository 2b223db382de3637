//! From an issuer's address to a guard.

use crate::claims::Expected;
use crate::clock::{Clock, SystemClock};
use crate::discovery;
use crate::fetch::Fetcher;
use crate::guard::{Guard, Inner};
use crate::introspection::{Introspection, Memory, basic};
use crate::keys::Keys;
use crate::refusal::Challenge;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// What a guard shall expect; begun by [`Guard::discover`].
#[must_use = "a builder guards nothing until `build`"]
pub struct Builder {
    issuer: String,
    audience: Vec<String>,
    credentials: Option<(String, String)>,
    resource_metadata: Option<String>,
    leeway: Duration,
    patience: Duration,
    grace: Duration,
    memory: Memory,
    clock: Arc<dyn Clock>,
}

/// The secret is left out.
impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("issuer", &self.issuer)
            .field("audience", &self.audience)
            .finish_non_exhaustive()
    }
}

/// Why there is no guard.
#[derive(Debug)]
#[non_exhaustive]
pub enum BuildError {
    /// The issuer's address cannot be one.
    Issuer(&'static str),
    /// No audience was named; any token of the issuer would do.
    NoAudience,
    /// The client's id or secret cannot be sent.
    Credentials,
    /// The address of the resource metadata is not a URL.
    ResourceMetadata,
    /// The issuer does not answer; it may be worth trying again.
    Unreachable(String),
    /// What the issuer says of itself does not fit.
    Metadata(&'static str),
    /// Neither keys nor introspection: nothing could ever be verified.
    NoWay,
    /// The system's root certificates cannot be read.
    Roots(std::io::Error),
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Issuer(why) => write!(f, "the issuer's address is wrong: {why}"),
            Self::NoAudience => f.write_str("name the audience: the API's resource URI as the issuer knows it"),
            Self::Credentials => f.write_str("the client's id is empty, or it cannot be sent"),
            Self::ResourceMetadata => f.write_str("the address of the resource metadata is not a URL"),
            Self::Unreachable(why) => write!(f, "the issuer cannot be reached: {why}"),
            Self::Metadata(why) => write!(f, "the issuer's metadata does not fit: {why}"),
            Self::NoWay => f.write_str(
                "the issuer publishes no keys, and it has no introspection or no credentials were given for it",
            ),
            Self::Roots(error) => {
                write!(f, "the system's root certificates cannot be read ({error}): install ca-certificates")
            }
        }
    }
}

impl std::error::Error for BuildError {}

impl Builder {
    pub(crate) fn new(issuer: String) -> Self {
        Self {
            issuer,
            audience: Vec::new(),
            credentials: None,
            resource_metadata: None,
            leeway: Duration::from_secs(10),
            patience: Duration::from_secs(5),
            grace: Duration::from_hours(1),
            memory: Memory { life: Duration::from_secs(30), entries: 10_000 },
            clock: Arc::new(SystemClock),
        }
    }

    /// The API's identifier in `aud` (RFC 8707's resource), compared as an exact string. Several: any of them will do.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience.push(audience.into());
        self
    }

    /// Credentials of this API at the issuer, for asking about opaque tokens (RFC 7662 §2.1). Without them only JWTs are
    /// accepted.
    pub fn introspect_as(mut self, client_id: impl Into<String>, client_secret: impl Into<String>) -> Self {
        self.credentials = Some((client_id.into(), client_secret.into()));
        self
    }

    /// Where the API's own metadata stands (RFC 9728); it is named in every challenge, so that a client finds the issuer.
    pub fn resource_metadata(mut self, url: impl Into<String>) -> Self {
        self.resource_metadata = Some(url.into());
        self
    }

    /// How far clocks may differ, for `exp` and `nbf`; 10 s unless said, and never more than a minute.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway.min(Duration::from_mins(1));
        self
    }

    /// How long an answer about an opaque token is believed: a revocation is noticed within it. 30 s unless said; never
    /// past the token's `exp`; "no" for 5 s at most.
    pub fn cache_for(mut self, life: Duration) -> Self {
        self.memory.life = life;
        self
    }

    /// How many answers are kept; 10,000 unless said.
    pub fn cache_entries(mut self, entries: usize) -> Self {
        self.memory.entries = entries;
        self
    }

    /// How long keys are used past their freshness while the issuer is away; an hour unless said.
    pub fn stale_keys_for(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// How long one exchange with the issuer may take; 5 s unless said.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Another clock than the machine's.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Finds the issuer's endpoints and fetches its keys.
    ///
    /// # Errors
    /// Something that was given is wrong, or the issuer is not there ([`BuildError::Unreachable`]).
    pub async fn build(self) -> Result<Guard, BuildError> {
        let issuer = discovery::issuer(&self.issuer)?;
        let Some(realm) = self.audience.first().cloned() else { return Err(BuildError::NoAudience) };
        if self.resource_metadata.as_deref().is_some_and(|url| Url::parse(url).is_err()) {
            return Err(BuildError::ResourceMetadata);
        }
        let fetcher = Fetcher::new(issuer.scheme() == "http", self.patience).map_err(BuildError::Roots)?;
        let fetcher = Arc::new(fetcher);
        let metadata = discovery::find(&fetcher, &self.issuer, &issuer).await?;
        let keys = match &metadata.jwks_uri {
            Some(address) => Some(self.keys(discovery::endpoint(&issuer, address)?, &fetcher).await?),
            None => None,
        };
        let introspection = match (&self.credentials, &metadata.introspection_endpoint) {
            (Some(credentials), Some(address)) => {
                Some(self.introspection(credentials, discovery::endpoint(&issuer, address)?, &fetcher)?)
            }
            (Some(_), None) => return Err(BuildError::Metadata("it names no introspection endpoint")),
            (None, _) => None,
        };
        if keys.is_none() && introspection.is_none() {
            return Err(BuildError::NoWay);
        }
        let challenge = Challenge { realm, resource_metadata: self.resource_metadata };
        let expected = Expected { issuer: self.issuer, audience: self.audience, leeway: self.leeway };
        Ok(Guard::new(Inner { expected, challenge, keys, introspection, clock: self.clock }))
    }

    async fn keys(&self, url: Url, fetcher: &Arc<Fetcher>) -> Result<Keys, BuildError> {
        let away = format!("{url}: ");
        let keys = Keys::fetch(url, self.grace, Arc::clone(&self.clock), Arc::clone(fetcher)).await;
        keys.map_err(|why| BuildError::Unreachable(away + &why))
    }

    fn introspection(
        &self,
        (id, secret): &(String, String),
        url: Url,
        fetcher: &Arc<Fetcher>,
    ) -> Result<Introspection, BuildError> {
        if id.is_empty() {
            return Err(BuildError::Credentials);
        }
        let authorization = basic(id, secret).map_err(|_| BuildError::Credentials)?;
        let (clock, fetcher) = (Arc::clone(&self.clock), Arc::clone(fetcher));
        Ok(Introspection::new(url, authorization, self.memory, clock, fetcher))
    }
}
