//! The requests of one connection: each is handed to the edge, and keeps the pulse while it runs.

use std::convert::Infallible;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Instant;

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http::header::{CONNECTION, HeaderMap, HeaderValue};
use http::{Request, Response, StatusCode, Version};
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::upgrade::OnUpgrade;
use valetkey_core::proof::certificate::Certificate;

use super::host;
use super::pulse::Pulse;
use super::server::{Server, Slot, Stage};
use crate::layer::{Answered, Arriving, Gateways, panics};

const NOT_ASKED: u8 = 0;
const ASKED: u8 = 1;
const ALLOWED: u8 = 2;

/// What a connection's socket and requests share, behind a counter that no other connection touches.
pub(super) struct Link {
    pub(super) server: Arc<Server>,
    pub(super) pulse: Pulse,
    peer: IpAddr,
    /// Of the connection itself.
    certificate: Option<Arc<Certificate>>,
    /// Whether a request asked for another protocol, and its connection can hand its socket on.
    upgrade: AtomicU8,
    /// Client or answer said that the connection ends with this answer: hyper closes it, and it must not rest instead.
    last: AtomicBool,
    /// Counted as long as the socket lives: a connection that became a WebSocket outlives its last request.
    _slot: Slot,
}

impl Link {
    pub(super) fn new(
        server: Arc<Server>,
        peer: IpAddr,
        certificate: Option<Arc<Certificate>>,
        slot: Slot,
    ) -> Arc<Self> {
        let (pulse, upgrade) = (Pulse::new(server.base), AtomicU8::new(NOT_ASKED));
        let last = AtomicBool::new(false);
        Arc::new(Self { server, pulse, peer, certificate, upgrade, last, _slot: slot })
    }

    pub(super) fn is_last(&self) -> bool {
        self.last.load(Relaxed)
    }

    pub(super) fn is_upgrade_asked(&self) -> bool {
        self.upgrade.load(Relaxed) == ASKED
    }

    pub(super) fn allow_upgrade(&self) {
        self.upgrade.store(ALLOWED, Relaxed);
    }

    /// Resolves once the connection can hand its socket on.
    async fn upgradeable(&self) {
        // Only the first to ask, of requests that come one after the other.
        let _ = self.upgrade.compare_exchange(NOT_ASKED, ASKED, Relaxed, Relaxed);
        while self.upgrade.load(Relaxed) != ALLOWED {
            tokio::task::yield_now().await;
        }
    }
}

/// Hands one request to the edge and keeps the pulse while it runs.
pub(super) fn answer(
    link: &Arc<Link>,
    request: Request<Incoming>,
) -> impl Future<Output = Result<Response<Body>, Infallible>> + use<> {
    let started = Instant::now();
    let version = request.version();
    link.pulse.request(version == Version::HTTP_2, started);
    let busy = Busy { link: Arc::clone(link), ended: None };
    let upgrades = version < Version::HTTP_2 && request.extensions().get::<OnUpgrade>().is_some();
    let has_one_host = host::is_one(version, request.headers());
    if version < Version::HTTP_11 || says_close(request.headers()) {
        link.last.store(true, Relaxed);
    }
    let arriving = Arriving { peer: link.peer, started, certificate: link.certificate.clone() };
    let (handling, begun) = link.server.edge.begin(request.map(Body::new), arriving);
    async move {
        // Whole: the block would capture its fields one by one, and the guard would miss the end.
        let mut busy = busy;
        if upgrades {
            busy.link.upgradeable().await;
        }
        let handled =
            if has_one_host { panics::caught(handling, &begun.span).await } else { Ok(Ok(host::refusal())) };
        let server = &busy.link.server;
        let Answered { mut response, ended } = server.edge.finish(handled, &begun);
        // RFC 9110 §15.5.9 and §15.5.14: the rest of the body is not read, so the connection cannot go on.
        let unread = matches!(response.status(), StatusCode::REQUEST_TIMEOUT | StatusCode::PAYLOAD_TOO_LARGE)
            || !has_one_host;
        if version < Version::HTTP_2 && (unread || server.stage() != Stage::Running) {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if says_close(response.headers()) {
            busy.link.last.store(true, Relaxed);
        }
        if response.extensions().get() == Some(&Gateways::Passed) && !response.body().is_end_stream() {
            return Ok(response.map(|body| Body::new(Streaming { body, busy })));
        }
        busy.ended = Some(ended);
        Ok(response)
    }
}

/// RFC 9112 §9.6: whether the connection ends with this message.
fn says_close(headers: &HeaderMap) -> bool {
    let mut options =
        headers.get_all(CONNECTION).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    options.any(|option| option.trim_ascii().eq_ignore_ascii_case(b"close"))
}

/// An upstream's body. The request lasts until its end, and each piece gives it the full time for the next.
struct Streaming {
    body: Body,
    busy: Busy,
}

impl HttpBody for Streaming {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if polled.is_ready() {
            self.busy.link.pulse.progressed(Instant::now());
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Marks the request as over, whether it was answered or its client went away.
struct Busy {
    link: Arc<Link>,
    ended: Option<Instant>,
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.link.pulse.answered(self.ended.unwrap_or_else(Instant::now));
    }
}
