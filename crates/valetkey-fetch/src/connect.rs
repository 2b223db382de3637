//! One exchange on one connection, to the very address that was checked.

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::Url;
use valetkey_core::outbound::Unfetched;

/// Bytes of an answer's headers.
const HEADERS: usize = 32 * 1024;

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// The first of the addresses that takes a connection.
pub(crate) async fn dial(addresses: &[SocketAddr], patience: Duration) -> Result<TcpStream, Unfetched> {
    let mut late = false;
    for address in addresses {
        match timeout(patience, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(_)) => {}
            Err(_) => late = true,
        }
    }
    Err(if late { Unfetched::Late } else { Unfetched::Unreachable })
}

/// Sends the request on a fresh connection and reads the answer whole.
pub(crate) async fn send(
    stream: TcpStream,
    tls: &Arc<rustls::ClientConfig>,
    url: &Url,
    request: Request<Full<Bytes>>,
    limit: usize,
) -> Result<Received, Unfetched> {
    if url.scheme() != "https" {
        return exchange(stream, request, limit).await;
    }
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let name = ServerName::try_from(host.to_owned()).map_err(|_| Unfetched::BadAddress)?;
    let connected = TlsConnector::from(Arc::clone(tls)).connect(name, stream).await;
    let stream = connected.map_err(|error| {
        // A certificate that nobody vouches for is for the operator to see.
        tracing::warn!(target: "valetkey::fetch", %error, host, "no TLS connection");
        Unfetched::Unreachable
    })?;
    exchange(stream, request, limit).await
}

async fn exchange<S>(stream: S, request: Request<Full<Bytes>>, limit: usize) -> Result<Received, Unfetched>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let handshake = http1::Builder::new().max_buf_size(HEADERS).handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(|_| Unfetched::Unreachable)?;
    let talk = async {
        let response = sender.send_request(request).await.map_err(|_| Unfetched::Unreachable)?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, limit).collect().await.map_err(|error| {
            if error.is::<LengthLimitError>() { Unfetched::TooLarge } else { Unfetched::Unreachable }
        })?;
        Ok(Received { status: parts.status, headers: parts.headers, body: body.to_bytes() })
    };
    tokio::pin!(talk);
    // Both in one task: whoever stops waiting closes the connection.
    tokio::select! {
        answer = &mut talk => answer,
        _ = connection => talk.await,
    }
}
