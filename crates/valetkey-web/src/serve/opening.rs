//! What a client says first: the preface of HTTP/2, or anything else, which is HTTP/1.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::Version;
use tokio::io::{AsyncRead, ReadBuf};

use super::socket::Socket;

/// RFC 9113 §3.4.
const PREFACE: [u8; 24] = *b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The first bytes, until they tell.
#[derive(Default)]
pub(super) struct Opening {
    bytes: [u8; PREFACE.len()],
    filled: usize,
}

impl Opening {
    /// Reads until it is clear what is spoken, and puts back what was read. None when the client left without a word.
    pub(super) fn poll(
        &mut self,
        socket: &mut Socket,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Option<Version>>> {
        loop {
            let before = self.filled;
            let mut buffer = ReadBuf::new(&mut self.bytes);
            buffer.set_filled(before);
            ready!(Pin::new(&mut *socket).poll_read(cx, &mut buffer))?;
            self.filled = buffer.filled().len();
            if self.filled == 0 {
                return Poll::Ready(Ok(None));
            }
            let is_prefix = self.bytes[before..self.filled] == PREFACE[before..self.filled];
            let version = if self.filled == before || !is_prefix {
                Version::HTTP_11
            } else if self.filled == PREFACE.len() {
                Version::HTTP_2
            } else {
                continue;
            };
            socket.unread(&self.bytes[..self.filled]);
            return Poll::Ready(Ok(Some(version)));
        }
    }
}
