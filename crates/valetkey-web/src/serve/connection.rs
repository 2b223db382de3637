//! One connection: hyper drives the protocol, the watch ends what lasts too long.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::Instant;

use axum::body::Body;
use http::header::{CONNECTION, HeaderValue};
use http::{Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::pulse::{Phase, Pulse};
use super::server::{Server, Slot, Stage};
use super::socket::Socket;
use super::watch::{Event, Watch};
use crate::layer::Arriving;

/// Serves one connection to its end. Dropping the future closes the socket.
pub(super) async fn run(stream: TcpStream, peer: SocketAddr, slot: Slot) {
    let server = &slot.0;
    let pulse = Arc::new(Pulse::new(server.base));
    let io = TokioIo::new(Socket::new(stream, Arc::clone(&pulse), Arc::clone(server)));
    let peer = peer.ip().to_canonical();
    let service = {
        let (server, pulse) = (Arc::clone(server), Arc::clone(&pulse));
        service_fn(move |request| answer(Arc::clone(&server), Arc::clone(&pulse), peer, request))
    };
    let mut connection = pin!(server.http.serve_connection(io, service));
    let mut stage_change = pin!(server.stage_change());
    let mut timer = pin!(tokio::time::sleep_until(pulse.deadline(&server.limits).into()));
    let mut watch = Watch::new(server, &pulse, timer.as_mut(), stage_change.as_mut());
    let mut closing = false;
    let ended = poll_fn(|cx| {
        loop {
            if !closing && is_time_to_close(server, &pulse) {
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

/// Hands one request to the edge and keeps the pulse while it runs.
async fn answer(
    server: Arc<Server>,
    pulse: Arc<Pulse>,
    peer: IpAddr,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let started = Instant::now();
    let version = request.version();
    pulse.request(version == Version::HTTP_2, started);
    let mut busy = Busy { pulse, ended: None };
    let answered = server.edge.answer(request.map(Body::new), Arriving { peer, started }).await;
    busy.ended = Some(answered.ended);
    let mut response = answered.response;
    // RFC 9110 §15.5.9 and §15.5.14: the rest of the body is not read, so the connection cannot go on.
    let unread = matches!(response.status(), StatusCode::REQUEST_TIMEOUT | StatusCode::PAYLOAD_TOO_LARGE);
    if version < Version::HTTP_2 && (unread || server.stage() != Stage::Running) {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

/// Marks the request as over, whether it was answered or its client went away.
struct Busy {
    pulse: Arc<Pulse>,
    ended: Option<Instant>,
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.pulse.answered(self.ended.unwrap_or_else(Instant::now));
    }
}
