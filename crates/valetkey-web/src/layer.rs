//! The edge: what every request passes before and after its handler, as one service around the router.
//!
//! It is one `async fn` and not a stack of tower layers: each layer on an axum router boxes a future per request.

pub mod access;
pub mod body;
pub mod client_addr;
pub mod csp;
pub mod express;
pub mod headers;
pub mod panics;
pub mod refusal;
pub mod request_id;
pub mod routes;

use std::convert::Infallible;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::routing::future::RouteFuture;
use http::header::X_FRAME_OPTIONS;
use http::uri::PathAndQuery;
use http::{HeaderMap, Request, Response, Uri};
use tower::Service;
use tracing::Span;
use valetkey_core::proof::certificate::Certificate;

use access::Line;
use client_addr::{ClientAddr, TrustedPeer, TrustedProxies};
use express::{Answering, Express};
use futures_util::future::Either;
use headers::{Framable, SecurityHeaders};
use panics::Panic;
use refusal::{ErrorPage, Refusal};
use request_id::{RequestId, RequestIds};
use routes::{Form, RouteNumber, RouteTable};

/// What the edge needs to know beside the router and its routes.
#[derive(Clone)]
pub struct EdgeSettings {
    /// The issuer is https: answers carry Strict-Transport-Security.
    pub https: bool,
    pub trusted_proxies: TrustedProxies,
    /// Fresh random bytes; they keep request ids of two processes apart.
    pub seed: [u8; 16],
    /// Draws the page for errors that no handler answered (404, 405, 413, 500 after a panic).
    pub error_page: ErrorPage,
    /// Finds a client's certificate in what a trusted proxy says.
    pub certificates: Option<ReadCertificate>,
    /// Paths that lead to another of the same server, as they are at the moment of the request.
    pub further: FurtherPaths,
    /// What is answered past the router.
    pub express: Vec<Express>,
}

/// RFC 9440 §2, RFC 8705 §6.5 — what a proxy that ended TLS says of the certificate that came with it. Asked only of
/// proxies that are trusted.
pub type ReadCertificate = Arc<dyn Fn(&HeaderMap) -> Option<Arc<Certificate>> + Send + Sync>;

/// In a request's extensions: the certificate in whose connection it came.
#[derive(Debug, Clone)]
pub struct ClientCertificate(pub Arc<Certificate>);

/// Where a further path leads to; it may change while the server runs.
pub type FurtherPaths = Arc<dyn Fn(&str) -> Option<&'static str> + Send + Sync>;

impl fmt::Debug for EdgeSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EdgeSettings")
            .field("https", &self.https)
            .field("trusted_proxies", &self.trusted_proxies)
            .finish_non_exhaustive()
    }
}

impl EdgeSettings {
    /// Plain http, no trusted proxy, the built-in error page.
    pub fn new(seed: [u8; 16]) -> Self {
        let trusted_proxies = TrustedProxies::default();
        let further: FurtherPaths = Arc::new(|_| None);
        let (certificates, express) = (None, Vec::new());
        let error_page = refusal::plain_page();
        Self { https: false, trusted_proxies, seed, error_page, certificates, further, express }
    }
}

/// The application as the accept loop sees it. Cheap to clone.
#[derive(Clone)]
pub struct Edge(Arc<Inner>);

struct Inner {
    router: Router,
    routes: RouteTable,
    ids: RequestIds,
    headers: SecurityHeaders,
    proxies: TrustedProxies,
    error_page: ErrorPage,
    certificates: Option<ReadCertificate>,
    further: FurtherPaths,
}

impl fmt::Debug for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Edge").field("routes", &self.0.routes).finish_non_exhaustive()
    }
}

/// Where and when a request came in.
#[derive(Debug, Clone)]
pub(crate) struct Arriving {
    pub(crate) peer: IpAddr,
    pub(crate) started: Instant,
    /// Of the connection, where we ended its TLS ourselves.
    pub(crate) certificate: Option<Arc<Certificate>>,
}

pub(crate) struct Answered {
    pub(crate) response: Response<Body>,
    pub(crate) ended: Instant,
}

/// The handler's future for one request.
pub(crate) type Handling = Either<RouteFuture<Infallible>, Answering>;
pub(crate) type Handled = Result<Result<Response<Body>, Infallible>, Panic>;

/// What the end of a request needs to know of its beginning.
#[derive(Debug)]
pub(crate) struct Begun {
    arrival: Arrival,
    route: RouteNumber,
    form: Form,
    method: &'static str,
    pub(crate) span: Span,
    started: Instant,
}

/// What the edge knows of a request, in its extensions; handlers take the parts by extractor.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival {
    pub(crate) request_id: RequestId,
    pub(crate) client: ClientAddr,
    pub(crate) peer: TrustedPeer,
}

/// Put by the router's fallback on an answer, in its extensions: it is the gateway's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gateways {
    /// Its own words, completed like any other answer.
    Own,
    /// An upstream's: nothing of it is ours to change, and its body may take as long as it likes between two pieces.
    Passed,
}

impl Edge {
    /// Wraps `router`. `templates` are its paths (axum's syntax) and the form its errors take there; they
    /// label metrics and log lines, so a missing one only shows as `other`.
    pub fn new<T: Into<Arc<str>>>(
        router: Router,
        templates: impl IntoIterator<Item = (T, Form)>,
        settings: EdgeSettings,
    ) -> Self {
        Self(Arc::new(Inner {
            router,
            routes: RouteTable::new(templates).with(settings.express),
            ids: RequestIds::new(settings.seed),
            headers: SecurityHeaders::new(settings.https),
            proxies: settings.trusted_proxies,
            error_page: settings.error_page,
            certificates: settings.certificates,
            further: settings.further,
        }))
    }

    /// Answers one request as the listener would, without a socket: for tests inside the process.
    pub async fn respond(&self, request: Request<Body>, peer: IpAddr) -> Response<Body> {
        let (handling, begun) =
            self.begin(request, Arriving { peer, started: Instant::now(), certificate: None });
        let handled = panics::caught(handling, &begun.span).await;
        self.finish(handled, &begun).response
    }

    /// The part before the handler. It is no future, so that the request moves into the handler's at once.
    pub(crate) fn begin(&self, mut request: Request<Body>, arriving: Arriving) -> (Handling, Begun) {
        let inner = &*self.0;
        let request_id = inner.ids.next();
        let client = inner.proxies.client(arriving.peer, request.headers());
        let mut route = inner.routes.find(request.uri().path());
        // A path of our own is never led elsewhere.
        if route.is_other()
            && let Some(path) = (inner.further)(request.uri().path())
        {
            let asked = AskedPath(request.uri().path().into());
            request.extensions_mut().insert(asked);
            lead(request.uri_mut(), path);
            route = inner.routes.find(path);
        }
        let begun = Begun {
            arrival: Arrival { request_id, client, peer: inner.proxies.peer(arriving.peer) },
            route,
            form: inner.routes[route].form(request.headers()),
            method: access::method_name(request.method()),
            span: access::span(&request_id),
            started: arriving.started,
        };
        let said = || inner.certificates.as_ref().filter(|_| begun.arrival.peer.0)?(request.headers());
        if let Some(certificate) = arriving.certificate.or_else(said) {
            request.extensions_mut().insert(ClientCertificate(certificate));
        }
        if begun.method == "POST"
            && let Some(express) = inner.routes[route].express()
        {
            return (Either::Right(express.answer(request, begun.arrival)), begun);
        }
        request.extensions_mut().insert(begun.arrival);
        (Either::Left(inner.router.clone().call(request)), begun)
    }

    /// The part after the handler.
    pub(crate) fn finish(&self, handled: Handled, begun: &Begun) -> Answered {
        let inner = &*self.0;
        let Begun { arrival, method, started, .. } = begun;
        let gateways = gateways(&handled);
        let route = if gateways.is_some() && begun.route.is_other() {
            inner.routes.gateway()
        } else {
            &inner.routes[begun.route]
        };
        let refusal = Refusal { form: begun.form, request_id: &arrival.request_id, page: &inner.error_page };
        let mut response = match handled {
            Ok(Ok(response)) if gateways == Some(Gateways::Passed) => response,
            Ok(Ok(response)) => refusal.completed(response),
            Err(panic) => {
                access::panicked(&panic, &arrival.request_id, route.template());
                refusal.panicked()
            }
        };
        if gateways == Some(Gateways::Passed) {
            inner.headers.pass(response.headers_mut(), &arrival.request_id);
        } else {
            inner.headers.apply(response.headers_mut(), &arrival.request_id);
            if response.extensions().get::<Framable>().is_some() {
                response.headers_mut().remove(X_FRAME_OPTIONS);
            }
        }

        let ended = Instant::now();
        let status = response.status();
        let duration = ended.saturating_duration_since(*started);
        route.count(status, duration);
        access::log(&Line { method, route: route.template(), status, duration, arrival }, &response);
        Answered { response, ended }
    }
}

/// The path by which a request came that was led to another: what its sender signed.
#[derive(Debug, Clone)]
pub(crate) struct AskedPath(pub(crate) Arc<str>);

/// Gives an address another path; the query stays.
fn lead(uri: &mut Uri, path: &'static str) {
    let query = uri.query().map(|query| format!("{path}?{query}"));
    let path_and_query = match query {
        Some(text) => PathAndQuery::try_from(text).ok(),
        None => Some(PathAndQuery::from_static(path)),
    };
    let mut parts = std::mem::take(uri).into_parts();
    parts.path_and_query = path_and_query.or(parts.path_and_query);
    *uri = Uri::from_parts(parts).unwrap_or_else(|_| Uri::from_static(path));
}

fn gateways(handled: &Handled) -> Option<Gateways> {
    handled.as_ref().ok().and_then(|answered| answered.as_ref().ok()?.extensions().get().copied())
}
