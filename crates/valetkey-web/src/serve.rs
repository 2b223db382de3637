//! The HTTP edge's accept loop: every connection has a deadline, a cap and a way to end.
//!
//! `axum::serve` arms no timeout at all, and hyper's own header timeout would arm and drop a timer for every
//! request and could not tell a slow header (10 s) from an idle keep-alive connection (60 s). So each connection
//! keeps a [`pulse::Pulse`] (what it is doing, since when) and one timer that is only moved when it has to be.
//! What hyper keeps for a connection (buffers, a place for a request: 20 KB) is made when bytes come, and given back
//! when none have come for a while: an idle connection is a socket and a small task.

mod accept;
mod connection;
mod drain;
mod files;
mod host;
mod opening;
mod protocol;
mod pulse;
mod requests;
mod server;
mod socket;
mod tls;
mod watch;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinSet;

pub use drain::Drain;
pub use files::raise_open_files;
pub use tls::{ReadChain, Tls};

use crate::layer::Edge;
use server::{Server, Stage};

/// What one listener grants its clients. Every duration is measured by the monotonic clock.
#[derive(Debug, Clone)]
pub struct Limits {
    /// From the connection (or, on keep-alive, from the first byte of a request) to the end of its headers.
    pub header_timeout: Duration,
    /// From a response to the first byte of the next request; also the longest a stalled write may last.
    pub idle_timeout: Duration,
    /// How long an idle HTTP/1 connection keeps its buffers; it gets new ones with its next byte. A quarter of it while
    /// many are open.
    pub rest_after: Duration,
    /// A safety net under handlers: a request that neither ends nor is read for so long loses its connection.
    /// Bodies have their own, shorter limit in [`crate::layer::body::read_body`].
    pub request_timeout: Duration,
    /// After our last byte, how long a client may still send before the socket is closed under it.
    pub linger_timeout: Duration,
    /// When draining: how long idle keep-alive connections may send one more request.
    pub drain_idle: Duration,
    /// When draining: after this, whatever is still open is cut.
    pub drain_timeout: Duration,
    /// Connections open at once over all listeners of one [`serve`]; more are refused with a short 503.
    pub max_connections: usize,
    /// Bytes of request line and headers (431 above it); at least 8192. HTTP/2 counts its decoded headers.
    pub max_header_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_mins(1),
            rest_after: Duration::from_secs(1),
            request_timeout: Duration::from_mins(2),
            linger_timeout: Duration::from_secs(1),
            drain_idle: Duration::from_secs(1),
            // Exit within ten seconds of the signal, with a second for what comes after.
            drain_timeout: Duration::from_secs(9),
            max_connections: 12_000,
            max_header_bytes: 16 * 1024,
        }
    }
}

/// How a [`serve`] ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Connections that were still open at `drain_timeout` (or at [`Drain::abort`]) and were cut.
    pub cut: usize,
}

/// Binds a listener with a deep backlog and address reuse, as a server that restarts under load needs.
///
/// # Errors
/// Whatever the operating system answers: address in use, no permission, no such address.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    use socket2::{Domain, Protocol, Socket, Type};
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(4096)?;
    TcpListener::from_std(socket.into())
}

/// Serves `edge` on `listeners` until `drain` begins and the connections have ended.
///
/// Draining: the listeners close once their backlogs are empty; requests in flight finish; the next response on a
/// keep-alive connection says `connection: close`; idle ones are closed after `drain_idle`, and everything is cut
/// at `drain_timeout`. `name` labels the metrics (`public`, `management`).
pub async fn serve(
    name: &'static str,
    listeners: Vec<TcpListener>,
    edge: Edge,
    limits: Limits,
    drain: Drain,
) -> Drained {
    serve_with(name, listeners, None, (edge, limits), drain).await
}

/// The same on listeners that end TLS themselves.
pub async fn serve_tls(
    name: &'static str,
    listeners: Vec<TcpListener>,
    tls: Tls,
    (edge, limits): (Edge, Limits),
    drain: Drain,
) -> Drained {
    serve_with(name, listeners, Some(tls), (edge, limits), drain).await
}

async fn serve_with(
    name: &'static str,
    listeners: Vec<TcpListener>,
    tls: Option<Tls>,
    (edge, limits): (Edge, Limits),
    drain: Drain,
) -> Drained {
    let server = Arc::new(Server::new(name, edge, limits, tls));
    let mut accepting = JoinSet::new();
    for listener in listeners {
        accepting.spawn(accept::run(listener, Arc::clone(&server), drain.clone()));
    }
    drain.begun().await;
    server.enter(Stage::Draining);
    let orderly = wind_down(&server, accepting);
    tokio::select! {
        () = orderly => {}
        () = drain.aborted() => {}
    }
    let cut = server.open();
    server.enter(Stage::Cut);
    if cut > 0 {
        tracing::warn!(listener = name, cut, "connections cut at the end of the drain");
        // Their tasks only have to be polled once more; a second is a safety net.
        let _ = tokio::time::timeout(Duration::from_secs(1), server.empty()).await;
    }
    Drained { cut }
}

/// Empties the backlogs, lets idle clients speak once more, closes them, and gives up at the deadline.
async fn wind_down(server: &Server, mut accepting: JoinSet<()>) {
    while accepting.join_next().await.is_some() {}
    let limits = &server.limits;
    let idle = limits.drain_idle.min(limits.drain_timeout);
    if tokio::time::timeout(idle, server.empty()).await.is_ok() {
        return;
    }
    server.enter(Stage::Closing);
    let rest = limits.drain_timeout.saturating_sub(idle);
    let _ = tokio::time::timeout(rest, server.empty()).await;
}
