//! The way to the issuer: bounded in time and size, and it follows no redirect.

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::crypto::aws_lc_rs::default_provider;
use std::error::Error;
use std::fmt;
use std::time::Duration;
use url::{Host, Url};

/// Bytes of an answer.
const LARGEST: usize = 1 << 20;
const KEPT_FOR: Duration = Duration::from_secs(30);

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) cache_control: Option<String>,
    pub(crate) body: Bytes,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    Late(Duration),
    Exchange(Box<dyn Error + Send + Sync>),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Late(patience) => write!(f, "no answer within {} ms", patience.as_millis()),
            Self::Exchange(error) => write!(f, "{}", innermost(&**error)),
        }
    }
}

/// "connection refused" instead of "client error (Connect)".
fn innermost<'a>(error: &'a (dyn Error + 'static)) -> &'a dyn Error {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner
}

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Exchange(error.into())
    }
}

#[derive(Debug)]
enum Way {
    Http(Client<HttpConnector, Full<Bytes>>),
    Https(Client<HttpsConnector<HttpConnector>, Full<Bytes>>),
}

/// A client for one issuer.
#[derive(Debug)]
pub(crate) struct Fetcher {
    way: Way,
    patience: Duration,
}

impl Fetcher {
    /// `plain` is for an issuer on this machine; any other is reached by TLS only.
    ///
    /// # Errors
    /// The system's root certificates cannot be read.
    pub(crate) fn new(plain: bool, patience: Duration) -> std::io::Result<Self> {
        let mut builder = Client::builder(TokioExecutor::new());
        builder.pool_idle_timeout(KEPT_FOR).pool_timer(TokioTimer::new());
        let way = if plain {
            Way::Http(builder.build_http())
        } else {
            let connector = HttpsConnectorBuilder::new()
                .with_provider_and_native_roots(default_provider())?
                .https_only()
                .enable_http1()
                .build();
            Way::Https(builder.build(connector))
        };
        Ok(Self { way, patience })
    }

    /// How long an exchange may take.
    pub(crate) const fn patience(&self) -> Duration {
        self.patience
    }

    pub(crate) async fn get(&self, url: &Url) -> Result<Reply, Failure> {
        let request = Request::get(url.as_str()).header(ACCEPT, "application/json").body(Full::default())?;
        self.send(request).await
    }

    pub(crate) async fn post(
        &self,
        url: &Url,
        form: String,
        authorization: HeaderValue,
    ) -> Result<Reply, Failure> {
        let request = Request::post(url.as_str())
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(AUTHORIZATION, authorization)
            .body(Full::from(form))?;
        self.send(request).await
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Result<Reply, Failure> {
        let exchange = async {
            let response = match &self.way {
                Way::Http(client) => client.request(request).await?,
                Way::Https(client) => client.request(request).await?,
            };
            let status = response.status();
            let cache_control = response.headers().get(CACHE_CONTROL).and_then(|value| value.to_str().ok());
            let cache_control = cache_control.map(str::to_owned);
            let body = Limited::new(response.into_body(), LARGEST).collect().await?.to_bytes();
            Ok(Reply { status, cache_control, body })
        };
        match tokio::time::timeout(self.patience, exchange).await {
            Ok(reply) => reply,
            Err(_) => Err(Failure::Late(self.patience)),
        }
    }
}

/// Whether the address is on this machine, so that nobody listens between.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
