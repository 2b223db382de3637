//! A TCP stream that reports to its connection's pulse and closes without resetting what the client has not read.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};

use super::requests::Link;
use super::server::Stage;
use super::tls::Stream;

/// Bytes thrown away after our last answer before the socket is closed anyway.
const MAX_DISCARD: usize = 1024 * 1024;

/// Longer answers are written from where they lie.
const SMALL: usize = 4096;

pub(super) struct Socket {
    stream: Stream,
    /// Read already, and given again first.
    ahead: Bytes,
    link: Arc<Link>,
    shut: bool,
    discarded: usize,
}

impl Socket {
    pub(super) fn new(stream: Stream, link: Arc<Link>) -> Self {
        Self { stream, ahead: Bytes::new(), link, shut: false, discarded: 0 }
    }

    /// Gives `bytes` again before what comes next.
    pub(super) fn unread(&mut self, bytes: &[u8]) {
        self.ahead = [bytes, &self.ahead].concat().into();
    }

    /// Shuts our side of a connection that no protocol drives, and waits for the client's a little.
    pub(super) async fn farewell(mut self) {
        let linger = self.link.server.limits.linger_timeout;
        // Whatever comes of it, the socket closes next.
        let _ = tokio::time::timeout(linger, self.shutdown()).await;
    }

    /// Reads and forgets until the client has closed its side. Closing a socket with unread bytes sends a reset,
    /// which can destroy an answer (413, 431) the client has not read yet.
    fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut bytes = [MaybeUninit::uninit(); 4096];
        while self.discarded < MAX_DISCARD {
            let mut chunk = ReadBuf::uninit(&mut bytes);
            match Pin::new(&mut self.stream).poll_read(cx, &mut chunk) {
                Poll::Ready(Ok(())) if !chunk.filled().is_empty() => self.discarded += chunk.filled().len(),
                Poll::Ready(_) => return Poll::Ready(()),
                // While the process ends nobody waits for the other side's farewell.
                Poll::Pending if self.link.server.stage() >= Stage::Closing => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(())
    }

    fn note_write(&self, written: &Poll<io::Result<usize>>) {
        match written {
            Poll::Pending => self.link.pulse.write_stalled(),
            Poll::Ready(_) => self.link.pulse.written(),
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.ahead.is_empty() {
            let length = self.ahead.len().min(buf.remaining());
            buf.put_slice(&self.ahead[..length]);
            self.ahead.advance(length);
            self.link.pulse.received();
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        match &read {
            Poll::Ready(Ok(())) if buf.filled().len() > before => self.link.pulse.received(),
            Poll::Ready(_) => {}
            Poll::Pending => self.link.pulse.awaiting(),
        }
        read
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.note_write(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // A small answer, its head and its body, goes as one piece: copying it costs less than telling the kernel of two.
        let mut bytes = [MaybeUninit::uninit(); SMALL];
        let mut whole = ReadBuf::uninit(&mut bytes);
        let fits = bufs.len() > 1 && bufs.iter().map(|piece| piece.len()).sum::<usize>() <= SMALL;
        let written = if fits {
            for piece in bufs {
                whole.put_slice(piece);
            }
            Pin::new(&mut self.stream).poll_write(cx, whole.filled())
        } else {
            Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
        };
        self.note_write(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.shut {
            self.link.pulse.closing();
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
            self.shut = true;
        }
        ready!(self.poll_discard(cx));
        Poll::Ready(Ok(()))
    }
}
