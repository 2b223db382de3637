//! RFC 8705 §5 — a listener that ends TLS itself and asks clients for a certificate, which they need not have

use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::pki_types::CertificateDer;
use rustls::{CertificateError, Error, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use valetkey_core::proof::certificate::Certificate;

/// Makes of a chain, the client's own certificate first, what is known of the client.
pub type ReadChain = Arc<dyn Fn(&[CertificateDer<'static>]) -> Option<Arc<Certificate>> + Send + Sync>;

/// How a listener ends TLS.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
    read: ReadChain,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

impl Tls {
    pub fn new(config: Arc<ServerConfig>, read: ReadChain) -> Self {
        Self { acceptor: config.into(), read }
    }

    /// The handshake: the stream from then on, and who came.
    pub(super) async fn accept(&self, stream: TcpStream) -> io::Result<(Stream, Option<Arc<Certificate>>)> {
        let stream = self.acceptor.accept(stream).await?;
        let chain = stream.get_ref().1.peer_certificates();
        let certificate = chain.and_then(|chain| (self.read)(chain));
        Ok((Stream::Tls(Box::new(stream)), certificate))
    }
}

/// What was wrong with the certificate that a client showed; `None`: the handshake failed of something else, as with whoever
/// speaks no TLS.
pub(super) fn refused_certificate(failed: &io::Error) -> Option<String> {
    match failed.get_ref()?.downcast_ref::<Error>()? {
        Error::InvalidCertificate(CertificateError::Other(why)) => Some(why.to_string()),
        Error::InvalidCertificate(why) => Some(why.to_string()),
        _ => None,
    }
}

/// A connection's bytes, as hyper reads and writes them.
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

macro_rules! either {
    ($own:expr, $stream:ident => $call:expr) => {
        match $own.get_mut() {
            Self::Plain($stream) => $call,
            Self::Tls($stream) => $call,
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => Pin::new(stream).poll_read(cx, buf))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        either!(self, stream => Pin::new(stream).poll_write(cx, buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        either!(self, stream => Pin::new(stream).poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => Pin::new(stream).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => Pin::new(stream).poll_shutdown(cx))
    }
}
