//! One connection: hyper drives the protocol, the watch ends what lasts too long.

use std::future::poll_fn;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::Version;
use hyper::service::service_fn;
use tokio::net::TcpStream;
use valetkey_core::proof::certificate::Certificate;

use super::opening::Opening;
use super::protocol::{Protocol, Requests};
use super::pulse::{Phase, Pulse};
use super::requests::{Link, answer};
use super::server::{Server, Slot, Stage};
use super::socket::Socket;
use super::tls::{Stream, refused_certificate};
use super::watch::{Event, Watch};

/// Serves one connection to its end. Dropping the future closes the socket.
pub(super) async fn run(stream: TcpStream, peer: SocketAddr, slot: Slot) {
    let peer = peer.ip().to_canonical();
    let server = Arc::clone(&slot.0);
    let Some((stream, certificate)) = shaken(&server, stream, peer).await else { return };
    let link = Link::new(server, peer, certificate, slot);
    let Link { server, pulse, .. } = &*link;
    let mut stage_change = pin!(server.stage_change());
    let mut timer = pin!(tokio::time::sleep_until(pulse.deadline(&server.limits).into()));
    let mut watch = Watch::new(server, pulse, timer.as_mut(), stage_change.as_mut());
    let mut next = Some(Socket::new(stream, Arc::clone(&link)));
    while let Some(socket) = next {
        let Some((socket, version)) = opened(socket, &mut watch, &link).await else { return };
        // Boxed: between its requests a connection is little more than its socket.
        next = Box::pin(spoken(socket, version, &link, &mut watch)).await;
    }
}

/// The connection once its TLS stands, where it has any. Who does not get that far in time is let go.
async fn shaken(
    server: &Server,
    stream: TcpStream,
    peer: IpAddr,
) -> Option<(Stream, Option<Arc<Certificate>>)> {
    let Some(tls) = &server.tls else { return Some((Stream::Plain(stream), None)) };
    let shaken = tokio::time::timeout(server.limits.header_timeout, Box::pin(tls.accept(stream))).await;
    if let Ok(Err(failed)) = &shaken
        && let Some(why) = refused_certificate(failed)
    {
        tracing::warn!(target: "valetkey::certificates", %peer, %why, "a client's certificate was refused");
    }
    if !matches!(shaken, Ok(Ok(_))) {
        server.closed("tls_handshake");
    }
    shaken.ok()?.ok()
}

/// Waits for the first bytes of all, or after a rest. None when the connection has ended instead.
async fn opened(mut socket: Socket, watch: &mut Watch<'_, '_>, link: &Link) -> Option<(Socket, Version)> {
    let mut opening = Opening::default();
    let heard = poll_fn(|cx| {
        loop {
            match opening.poll(&mut socket, cx) {
                Poll::Ready(Ok(Some(version))) => return Poll::Ready(Ok(version)),
                Poll::Ready(_) => return Poll::Ready(Err(None)),
                Poll::Pending => {}
            }
            match ready!(watch.poll(cx)) {
                Event::Stage(Stage::Cut) => return Poll::Ready(Err(Some("drain_timeout"))),
                Event::Stage(Stage::Closing) => return Poll::Ready(Err(None)),
                Event::Stage(_) | Event::Rest => {}
                Event::Overdue(phase) => return Poll::Ready(Err(reason(phase))),
            }
        }
    })
    .await;
    match heard {
        Ok(version) => Some((socket, version)),
        Err(reason) => {
            if let Some(reason) = reason {
                link.server.closed(reason);
            }
            if link.pulse.phase() == Phase::Idle {
                socket.farewell().await;
            }
            None
        }
    }
}

/// How a protocol's part of a connection ended.
enum Ended {
    /// It idles: the socket waits for its next request.
    Rested(Socket),
    /// Nothing more will be said, and the client is to hear that.
    Done(Socket),
    /// The socket is closed, or must be; perhaps for a reason that is counted.
    Over(Option<&'static str>),
}

/// Drives the protocol until the connection ends, or rests: then its socket comes back.
async fn spoken(
    socket: Socket,
    version: Version,
    link: &Arc<Link>,
    watch: &mut Watch<'_, '_>,
) -> Option<Socket> {
    let requests = Arc::clone(link);
    let service = service_fn(move |request| answer(&requests, request));
    let mut protocol = Protocol::new(&link.server, version, socket, service);
    watch.rests = version < Version::HTTP_2;
    let mut closing = false;
    match poll_fn(|cx| poll_spoken(cx, &mut protocol, link, watch, &mut closing)).await {
        Ended::Rested(socket) => return Some(socket),
        Ended::Done(socket) => socket.farewell().await,
        Ended::Over(Some(reason)) => link.server.closed(reason),
        Ended::Over(None) => {}
    }
    None
}

fn poll_spoken<S: Requests>(
    cx: &mut Context<'_>,
    protocol: &mut Protocol<S>,
    link: &Link,
    watch: &mut Watch<'_, '_>,
    closing: &mut bool,
) -> Poll<Ended> {
    let Link { server, pulse, .. } = link;
    loop {
        if !*closing && is_time_to_close(server, pulse) {
            *closing = true;
            watch.rests = false;
            protocol.close();
        }
        if let Poll::Ready(socket) = protocol.poll(cx) {
            return Poll::Ready(socket.map_or(Ended::Over(None), Ended::Done));
        }
        if link.is_upgrade_asked() {
            protocol.allow_upgrade();
            link.allow_upgrade();
        }
        match ready!(watch.poll(cx)) {
            Event::Stage(Stage::Cut) => return Poll::Ready(Ended::Over(Some("drain_timeout"))),
            Event::Stage(_) => {}
            Event::Rest if link.is_last() => {}
            Event::Rest => {
                protocol.end();
                if let Poll::Ready(socket) = protocol.poll(cx) {
                    return Poll::Ready(socket.map_or(Ended::Over(None), Ended::Rested));
                }
            }
            // Idle ends by the protocol (GOAWAY, FIN), within the linger time.
            Event::Overdue(Phase::Idle) if !*closing => {
                server.closed("idle_timeout");
                *closing = true;
                protocol.close();
                pulse.closing();
            }
            Event::Overdue(phase) => return Poll::Ready(Ended::Over(reason(phase))),
        }
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
