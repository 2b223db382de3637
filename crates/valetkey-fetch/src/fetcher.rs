//! The port's implementation: judge, resolve, judge again, call, read.

use crate::cache::{Documents, Known};
use crate::connect::{self, Received};
use crate::freshness;
use crate::policy::Policy;
use crate::resolve::{Resolve, System, addresses};
use crate::tls::{self, Unready};
use crate::turns::Turns;
use async_trait::async_trait;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderValue, Method, Request};
use http_body_util::Full;
use rustls::ClientConfig;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use url::Url;
use valetkey_core::outbound::{Answer, Clock, Exchange, Fetcher, Unfetched, Wanted};
use valetkey_core::secret::Secret;

/// By the sort of server.
#[derive(Debug)]
struct Permits {
    /// Providers' answers to us.
    exchanges: Turns,
    /// Documents of those who are registered here.
    documents: Turns,
    /// Documents that anybody may make us read.
    strangers: Turns,
}
/// How long a server that could not be reached is not tried again, in milliseconds. An answer that was no document is not
/// kept at all (draft-ietf-oauth-client-id-metadata-document §4.4).
const AWAY_MS: u64 = 5000;
/// How long a file of a stranger that could not be read is not asked for again: whoever opens a page of ours asks for it.
const NO_FILE_MS: u64 = 60_000;
/// A document younger than this is not asked for again on somebody's wish.
const YOUNG_MS: u64 = 1000;

/// How long an exchange may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Until an address takes the connection.
    pub connect: Duration,
    /// From resolving the name to the last byte of the answer.
    pub total: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connect: Duration::from_secs(3), total: Duration::from_secs(5) }
    }
}

/// Asks the servers that its policy allows.
#[derive(Debug)]
pub struct Guarded {
    policy: Policy,
    limits: Limits,
    tls: Arc<ClientConfig>,
    resolver: Arc<dyn Resolve>,
    clock: Arc<dyn Clock>,
    known: Documents,
    permits: Permits,
}

impl Guarded {
    /// `ca_file`: certificates (PEM) that count beside the system's.
    pub fn new(
        policy: Policy,
        limits: Limits,
        ca_file: Option<&Path>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Unready> {
        Ok(Self {
            policy,
            limits,
            tls: Arc::new(tls::config(ca_file)?),
            resolver: Arc::new(System),
            clock,
            known: Documents::default(),
            permits: Permits {
                exchanges: Turns::of_the_registered(),
                documents: Turns::of_the_registered(),
                strangers: Turns::of_strangers(),
            },
        })
    }

    /// The same with another way to find addresses.
    #[must_use]
    pub fn with_resolver(self, resolver: Arc<dyn Resolve>) -> Self {
        Self { resolver, ..self }
    }

    async fn receive(&self, permits: &Turns, exchange: &Exchange<'_>) -> Result<Received, Unfetched> {
        let url = Policy::url(exchange.url)?;
        let request = request(&url, exchange)?;
        self.send(permits, &url, request, exchange.limit).await
    }

    async fn send(
        &self,
        permits: &Turns,
        url: &Url,
        request: Request<Full<Bytes>>,
        limit: usize,
    ) -> Result<Received, Unfetched> {
        // Waiting for a turn is none of that server's fault.
        let turn = timeout(self.limits.connect, permits.turn(url.host_str().unwrap_or_default())).await;
        let _turn = turn.ok().flatten().ok_or(Unfetched::Busy)?;
        let whole = async {
            let addresses = addresses(&*self.resolver, url).await?;
            // One that may not be called spoils the name: it is there to be found at the second try.
            for address in &addresses {
                self.policy.check(url, address.ip())?;
            }
            let stream = connect::dial(&addresses, self.limits.connect).await?;
            connect::send(stream, &self.tls, url, request, limit).await
        };
        let received = timeout(self.limits.total, whole).await.unwrap_or(Err(Unfetched::Late))?;
        if received.status.is_redirection() {
            return Err(Unfetched::Redirected);
        }
        Ok(received)
    }

    async fn get(&self, permits: &Turns, wanted: &Wanted<'_>) -> Result<Received, Unfetched> {
        let url = Policy::url(wanted.url)?;
        let request = begun(&url, wanted.accept, None)?.body(Full::default());
        self.send(permits, &url, request.map_err(|_| Unfetched::BadAddress)?, wanted.limit).await
    }

    /// `key`: under what it is kept; the same address as a document and as a file is two things.
    async fn ask(&self, permits: &Turns, key: &str, wanted: &Wanted<'_>) -> Known {
        let (url, json) = (wanted.url, wanted.accept == JSON);
        let received = self.get(permits, wanted).await;
        if let Err(error) = &received {
            let host = Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
            tracing::info!(target: "valetkey::fetch", %error, host, "a document cannot be read");
        }
        let now = self.clock.now_ms();
        let read = received.and_then(|received| document(&received, json).map(|()| received));
        let (result, kept_ms) = match read {
            Ok(received) => {
                (Ok(Arc::from(received.body.as_ref())), freshness::seconds(&received.headers) * 1000)
            }
            Err(why) => (Err(why), failure_kept_ms(why, wanted)),
        };
        match &result {
            Err(why) if why.is_passing() => self.known.as_before(key, now).unwrap_or(Known {
                result,
                since_ms: now,
                until_ms: now + kept_ms,
            }),
            _ => Known { result, since_ms: now, until_ms: now + kept_ms },
        }
    }

    async fn kept(&self, permits: &Turns, url: &str, limit: usize) -> Result<Arc<[u8]>, Unfetched> {
        self.kept_as(permits, url, &Wanted { url, accept: JSON, limit, kept: true }).await
    }

    async fn kept_as(&self, permits: &Turns, key: &str, wanted: &Wanted<'_>) -> Result<Arc<[u8]>, Unfetched> {
        let (now, limit) = (self.clock.now_ms(), wanted.limit);
        let found = self.known.get_or_ask(key, now, || self.ask(permits, key, wanted)).await?;
        // Another reader of the same address may have asked with a larger limit.
        if found.len() > limit { Err(Unfetched::TooLarge) } else { Ok(found) }
    }
}

#[async_trait]
impl Fetcher for Guarded {
    async fn document(&self, url: &str, limit: usize) -> Result<Arc<[u8]>, Unfetched> {
        self.kept(&self.permits.documents, url, limit).await
    }

    async fn strangers_document(&self, url: &str, limit: usize) -> Result<Arc<[u8]>, Unfetched> {
        self.kept(&self.permits.strangers, url, limit).await
    }

    async fn strangers_file(&self, wanted: &Wanted<'_>) -> Result<Arc<[u8]>, Unfetched> {
        if wanted.kept {
            return self.kept_as(&self.permits.strangers, &format!("file {}", wanted.url), wanted).await;
        }
        // What is read is never kept, but a server that is away is left alone for a moment.
        let key = format!("once {}", wanted.url);
        if let Some(why) = self.known.failure(&key, self.clock.now_ms()) {
            return Err(why);
        }
        let known = self.ask(&self.permits.strangers, &key, wanted).await;
        let result = known.result.clone();
        if result.is_err() {
            self.known.keep(&key, known);
        }
        result
    }

    fn forget(&self, url: &str) {
        self.known.forget_if_before(url, self.clock.now_ms().saturating_sub(YOUNG_MS));
    }

    async fn exchange(&self, exchange: &Exchange<'_>) -> Result<Answer, Unfetched> {
        let received = self.receive(&self.permits.exchanges, exchange).await?;
        Ok(Answer {
            status: received.status.as_u16(),
            media_type: media_type(&received),
            body: received.body.to_vec(),
        })
    }

    async fn tell(&self, url: &str, authorization: &Secret, json: &[u8]) -> Result<u16, Unfetched> {
        let url = Policy::url(url)?;
        let request = begun(&url, JSON, Some(authorization))?
            .method(Method::POST)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::from(json.to_vec()))
            .map_err(|_| Unfetched::BadAddress)?;
        let received = self.send(&self.permits.exchanges, &url, request, TOLD_LIMIT).await?;
        Ok(received.status.as_u16())
    }
}

/// What every document is asked for as.
const JSON: &str = "application/json";

/// Nobody reads what is said to a statement of ours.
const TOLD_LIMIT: usize = 64 * 1024;

fn request(url: &Url, exchange: &Exchange<'_>) -> Result<Request<Full<Bytes>>, Unfetched> {
    let bad = |_| Unfetched::BadAddress;
    let request = begun(url, JSON, exchange.authorization)?;
    let Some(fields) = exchange.form else { return request.body(Full::default()).map_err(bad) };
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    request
        .method(Method::POST)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Full::from(body))
        .map_err(bad)
}

fn begun(
    url: &Url,
    accept: &'static str,
    authorization: Option<&Secret>,
) -> Result<http::request::Builder, Unfetched> {
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let authority = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let mut request = Request::builder()
        .uri(target)
        .header("host", authority)
        .header(ACCEPT, accept)
        .header(USER_AGENT, concat!("Valetkey/", env!("CARGO_PKG_VERSION")));
    if let Some(own) = authorization {
        let mut value = HeaderValue::try_from(own.expose()).map_err(|_| Unfetched::BadAddress)?;
        value.set_sensitive(true);
        request = request.header(AUTHORIZATION, value);
    }
    Ok(request)
}

/// How long it is not tried again.
fn failure_kept_ms(why: Unfetched, wanted: &Wanted<'_>) -> u64 {
    match why {
        Unfetched::Busy => 0,
        _ if wanted.kept && wanted.accept != JSON => NO_FILE_MS,
        Unfetched::Unreachable | Unfetched::Unresolved | Unfetched::Late | Unfetched::Forbidden => AWAY_MS,
        _ => 0,
    }
}

fn media_type(received: &Received) -> String {
    let value = received.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Whether it is there, and JSON where it has to be.
fn document(received: &Received, as_json: bool) -> Result<(), Unfetched> {
    if received.status != 200 {
        return Err(Unfetched::Status(received.status.as_u16()));
    }
    let media_type = media_type(received);
    let json = media_type == "application/json"
        || (media_type.starts_with("application/") && media_type.ends_with("+json"));
    if json || !as_json { Ok(()) } else { Err(Unfetched::NotJson) }
}
