//! hyper's side of a connection: HTTP/1, HTTP/1 that may become something else, HTTP/2; and its end.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use http::{Request, Response, Version};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::{HttpService, Service};
use hyper_util::rt::{TokioExecutor, TokioIo};

use super::server::Server;
use super::socket::Socket;

type Io = TokioIo<Socket>;
type TakingApart<S> = Pin<Box<dyn Future<Output = hyper::Result<http1::Parts<Io, S>>> + Send>>;

/// What answers the requests of one connection.
pub(super) trait Requests:
    Service<Request<Incoming>, Response = Response<Body>, Error = Infallible, Future: Send + 'static>
    + Send
    + 'static
{
}

impl<S> Requests for S where
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible, Future: Send + 'static>
        + Send
        + 'static
{
}

/// Moves only between its variants; hyper's connections may be moved too.
pub(super) enum Protocol<S: HttpService<Incoming>> {
    Http1(http1::Connection<Io, S>),
    /// A request asked for another protocol, so its socket may have to be handed on. It never rests.
    Upgradeable(http1::UpgradeableConnection<Io, S>),
    /// Ends as soon as nothing is under way, and gives its socket back.
    Ending(TakingApart<S>),
    Http2(Box<http2::Connection<Io, S, TokioExecutor>>),
    /// Between two others.
    Gone,
}

impl<S: Requests> Protocol<S> {
    pub(super) fn new(server: &Server, version: Version, socket: Socket, service: S) -> Self {
        let io = TokioIo::new(socket);
        if version == Version::HTTP_2 {
            Self::Http2(Box::new(server.http2.serve_connection(io, service)))
        } else {
            Self::Http1(server.http1.serve_connection(io, service))
        }
    }

    /// Drives it. Ready at its end, with the socket where it is still open and whole.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Socket>> {
        // Errors are the client's: it left, or did not speak HTTP and was told so.
        match self {
            Self::Http1(connection) => Pin::new(connection).poll(cx).map(|_| None),
            Self::Upgradeable(connection) => Pin::new(connection).poll(cx).map(|_| None),
            Self::Http2(connection) => Pin::new(connection.as_mut()).poll(cx).map(|_| None),
            Self::Ending(ending) => {
                let Ok(parts) = ready!(ending.as_mut().poll(cx)) else { return Poll::Ready(None) };
                let mut socket = parts.io.into_inner();
                if !parts.read_buf.is_empty() {
                    socket.unread(&parts.read_buf);
                }
                Poll::Ready(Some(socket))
            }
            Self::Gone => Poll::Ready(None),
        }
    }

    /// Finishes what is under way and takes nothing more; the socket is shut at the end.
    pub(super) fn close(&mut self) {
        match self {
            Self::Http1(connection) => Pin::new(connection).graceful_shutdown(),
            Self::Upgradeable(connection) => Pin::new(connection).graceful_shutdown(),
            Self::Http2(connection) => Pin::new(connection.as_mut()).graceful_shutdown(),
            Self::Ending(_) | Self::Gone => {}
        }
    }

    /// The same, but the socket stays open and is given back. Ready at the next poll exactly if nothing is under way:
    /// neither an answer nor the rest of a request's body.
    pub(super) fn end(&mut self) {
        *self = match std::mem::replace(self, Self::Gone) {
            Self::Http1(mut connection) => {
                Pin::new(&mut connection).graceful_shutdown();
                Self::Ending(Box::pin(connection.without_shutdown()))
            }
            other => other,
        };
    }

    /// From now on an answer of 101 hands the socket on.
    pub(super) fn allow_upgrade(&mut self) {
        *self = match std::mem::replace(self, Self::Gone) {
            Self::Http1(connection) => Self::Upgradeable(connection.with_upgrades()),
            other => other,
        };
    }
}
