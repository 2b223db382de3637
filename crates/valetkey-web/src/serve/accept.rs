//! Accepting: fast refusal at the cap, backing off when the system has nothing left to give, emptying the backlog.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

use super::Drain;
use super::connection;
use super::server::Server;

const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Whole and final: the client can act on it without a parser that knows us.
const REFUSAL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nretry-after: 1\r\n\
    cache-control: no-store\r\nconnection: close\r\n\r\n";

/// Accepts until the drain begins, then takes what the kernel has already accepted and closes the listener.
pub(super) async fn run(listener: TcpListener, server: Arc<Server>, drain: Drain) {
    let mut refusing = false;
    let mut pause = FIRST_PAUSE;
    let begun = drain.begun();
    tokio::pin!(begun);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut begun => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                pause = FIRST_PAUSE;
                refusing = welcome(stream, peer, &server, refusing);
            }
            Err(error) if is_the_clients(&error) => {}
            Err(error) => {
                // EMFILE, ENFILE, ENOBUFS, ENOMEM: the connection stays in the backlog, so trying at once would spin.
                server.accept_errors.increment(1);
                if pause == FIRST_PAUSE {
                    tracing::warn!(listener = server.name, %error, "cannot accept connections; trying again");
                }
                tokio::select! {
                    () = &mut begun => break,
                    () = tokio::time::sleep(pause) => {}
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
    if let Err(error) = empty_backlog(listener, &server) {
        tracing::debug!(listener = server.name, %error, "the backlog was not emptied");
    }
}

/// Starts one connection, or refuses it at the cap. Answers whether the cap is reached.
fn welcome(stream: TcpStream, peer: SocketAddr, server: &Arc<Server>, refusing: bool) -> bool {
    if let Some(slot) = server.admit() {
        // Answers are small and whole: waiting to fill a packet only delays them.
        let _ = stream.set_nodelay(true);
        tokio::spawn(connection::run(stream, peer, slot));
        return false;
    }
    server.refused.increment(1);
    if !refusing {
        let cap = server.limits.max_connections;
        tracing::warn!(listener = server.name, cap, "too many connections; refusing more");
    }
    if let Ok(stream) = stream.into_std() {
        refuse(stream);
    }
    true
}

/// Says 503 without waiting for anything: the socket is new, so its send buffer is empty.
fn refuse(mut stream: std::net::TcpStream) {
    let _ = stream.write(REFUSAL);
    let _ = stream.shutdown(Shutdown::Write);
    // What has already come is read, so that closing does not reset the connection under the answer.
    let _ = stream.read(&mut [0; 2048]);
}

/// Serves the clients that connected before the listener closes; they would see a reset.
fn empty_backlog(listener: TcpListener, server: &Arc<Server>) -> io::Result<()> {
    let listener = listener.into_std()?;
    loop {
        match listener.accept() {
            Ok((stream, peer)) => {
                stream.set_nonblocking(true)?;
                welcome(TcpStream::from_std(stream)?, peer, server, true);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) if is_the_clients(&error) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Errors of the one connection, which is gone; the next may be fine.
fn is_the_clients(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
