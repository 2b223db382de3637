//! One connection: hyper drives the protocol, the watch ends what lasts too long.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http::header::{CONNECTION, HeaderValue};
use http::{Request, Response, StatusCode, Version};
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use valetkey_core::proof::certificate::Certificate;

use super::pulse::{Phase, Pulse};
use super::server::{Server, Slot, Stage};
use super::socket::Socket;
use super::tls::Stream;
use super::watch::{Event, Watch};
use crate::layer::{Answered, Arriving, Gateways, panics};

/// Serves one connection to its end. Dropping the future closes the socket.
pub(super) async fn run(stream: TcpStream, peer: SocketAddr, slot: Slot) {
    let peer = peer.ip().to_canonical();
    let server = Arc::clone(&slot.0);
    let Some((stream, certificate)) = shaken(&server, stream).await else { return };
    let link = Arc::new(Link { pulse: Pulse::new(server.base), server, peer, certificate, _slot: slot });
    let Link { server, pulse, .. } = &*link;
    let io = TokioIo::new(Socket::new(stream, Arc::clone(&link)));
    let requests = Arc::clone(&link);
    let service = service_fn(move |request| answer(&requests, request));
    let mut connection = pin!(server.http.serve_connection_with_upgrades(io, service));
    let mut stage_change = pin!(server.stage_change());
    let mut timer = pin!(tokio::time::sleep_until(pulse.deadline(&server.limits).into()));
    let mut watch = Watch::new(server, pulse, timer.as_mut(), stage_change.as_mut());
    let mut closing = false;
    let ended = poll_fn(|cx| {
        loop {
            if !closing && is_time_to_close(server, pulse) {
                closing = true;
                connection.as_mut().graceful_shutdown();
            }
            if connection.as_mut().poll(cx).is_ready() {
                return Poll::Ready(None);
            }
            match ready!(watch.poll(cx)) {
                Event::Stage(Stage::Cut) => return Poll::Ready(Some("drain_timeout")),
                Event::Stage(_) => {}
                // Idle ends by the protocol (GOAWAY, FIN), within the linger time.
                Event::Overdue(Phase::Idle) if !closing => {
                    server.closed("idle_timeout");
                    closing = true;
                    connection.as_mut().graceful_shutdown();
                    pulse.closing();
                }
                Event::Overdue(phase) => return Poll::Ready(reason(phase)),
            }
        }
    })
    .await;
    if let Some(reason) = ended {
        server.closed(reason);
    }
}

/// The connection once its TLS stands, where it has any. Who does not get that far in time is let go.
async fn shaken(server: &Server, stream: TcpStream) -> Option<(Stream, Option<Arc<Certificate>>)> {
    let Some(tls) = &server.tls else { return Some((Stream::Plain(stream), None)) };
    let shaken = tokio::time::timeout(server.limits.header_timeout, tls.accept(stream)).await;
    if !matches!(shaken, Ok(Ok(_))) {
        server.closed("tls_handshake");
    }
    shaken.ok()?.ok()
}

/// HTTP/2 can say goodbye without racing a request; HTTP/1 connections idle on for `drain_idle`.
fn is_time_to_close(server: &Server, pulse: &Pulse) -> bool {
    match server.stage() {
        Stage::Running => false,
        Stage::Draining => pulse.is_multiplexed(),
        Stage::Closing | Stage::Cut => true,
    }
}

/// How a connection whose phase lasted too long is counted.
fn reason(overdue: Phase) -> Option<&'static str> {
    match overdue {
        Phase::Header | Phase::Waking => Some("header_timeout"),
        Phase::Busy => Some("request_timeout"),
        Phase::Idle => Some("idle_timeout"),
        // The linger time is a courtesy; its end is nothing to report.
        Phase::Closing => None,
    }
}

/// What a connection's socket and requests share, behind a counter that no other connection touches.
pub(super) struct Link {
    pub(super) server: Arc<Server>,
    pub(super) pulse: Pulse,
    peer: IpAddr,
    /// Of the connection itself.
    certificate: Option<Arc<Certificate>>,
    /// Counted as long as the socket lives: a connection that became a WebSocket outlives its last request.
    _slot: Slot,
}

/// Hands one request to the edge and keeps the pulse while it runs.
fn answer(
    link: &Arc<Link>,
    request: Request<Incoming>,
) -> impl Future<Output = Result<Response<Body>, Infallible>> + use<> {
    let started = Instant::now();
    let version = request.version();
    link.pulse.request(version == Version::HTTP_2, started);
    let busy = Busy { link: Arc::clone(link), ended: None };
    let arriving = Arriving { peer: link.peer, started, certificate: link.certificate.clone() };
    let (handling, begun) = link.server.edge.begin(request.map(Body::new), arriving);
    async move {
        // Whole: the block would capture its fields one by one, and the guard would miss the end.
        let mut busy = busy;
        let handled = panics::caught(handling, &begun.span).await;
        let server = &busy.link.server;
        let Answered { mut response, ended } = server.edge.finish(handled, &begun);
        // RFC 9110 §15.5.9 and §15.5.14: the rest of the body is not read, so the connection cannot go on.
        let unread = matches!(response.status(), StatusCode::REQUEST_TIMEOUT | StatusCode::PAYLOAD_TOO_LARGE);
        if version < Version::HTTP_2 && (unread || server.stage() != Stage::Running) {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if response.extensions().get() == Some(&Gateways::Passed) && !response.body().is_end_stream() {
            return Ok(response.map(|body| Body::new(Streaming { body, busy })));
        }
        busy.ended = Some(ended);
        Ok(response)
    }
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
