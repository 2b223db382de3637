//! Reading a request body: bounded in size and time, without a timer or a copy when it has already arrived.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http_body_util::BodyExt;

/// How much of a body is read, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyLimits {
    pub max_bytes: usize,
    /// For the whole body, from the first read.
    pub timeout: Duration,
}

impl Default for BodyLimits {
    /// 64 KiB in 30 s: every body of the protocol fits many times.
    fn default() -> Self {
        Self { max_bytes: 64 * 1024, timeout: Duration::from_secs(30) }
    }
}

/// Why a body could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyError {
    TooLarge,
    TimedOut,
    /// The client stopped, or broke the framing.
    Broken,
}

impl BodyError {
    pub fn status(self) -> StatusCode {
        match self {
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TimedOut => StatusCode::REQUEST_TIMEOUT,
            Self::Broken => StatusCode::BAD_REQUEST,
        }
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "the request body is too large",
            Self::TimedOut => "the request body did not arrive in time",
            Self::Broken => "the request body ended early",
        })
    }
}

impl std::error::Error for BodyError {}

/// Reads a whole body. One that arrives in one piece is handed on without copying.
///
/// # Errors
/// [`BodyError`]; a declared length above the limit is refused before anything is read. After an error the
/// connection closes with the answer, for the rest of the body is never read.
pub async fn read_body(body: Body, limits: BodyLimits) -> Result<Bytes, BodyError> {
    let declared = body.size_hint().lower();
    if usize::try_from(declared).map_or(true, |declared| declared > limits.max_bytes) {
        return Err(BodyError::TooLarge);
    }
    let mut reading = pin!(collect(body, limits.max_bytes));
    if let Some(read) = without_waiting(reading.as_mut()).await {
        return read;
    }
    tokio::time::timeout(limits.timeout, reading).await.unwrap_or(Err(BodyError::TimedOut))
}

/// Polls at most twice. hyper hands over a body, even one that came with the headers, only when it is polled again
/// after somebody asked; the task is then already due, so the second poll costs no timer and no waiting.
async fn without_waiting<F: Future>(mut future: Pin<&mut F>) -> Option<F::Output> {
    let mut polled = false;
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if polled => Poll::Ready(None),
        Poll::Pending => {
            polled = true;
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await
}

async fn collect(mut body: Body, max_bytes: usize) -> Result<Bytes, BodyError> {
    let Some(first) = next_data(&mut body).await? else { return Ok(Bytes::new()) };
    if first.len() > max_bytes {
        return Err(BodyError::TooLarge);
    }
    if body.is_end_stream() {
        return Ok(first);
    }
    let mut whole = BytesMut::from(first);
    while let Some(data) = next_data(&mut body).await? {
        if whole.len() + data.len() > max_bytes {
            return Err(BodyError::TooLarge);
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole.freeze())
}

/// The next piece of data; trailers are passed over.
async fn next_data(body: &mut Body) -> Result<Option<Bytes>, BodyError> {
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(|_| BodyError::Broken)?.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::{StreamExt, stream};

    use super::*;

    fn pieces(pieces: &[&'static str]) -> Body {
        Body::from_stream(stream::iter(pieces.to_vec()).map(Ok::<_, Infallible>))
    }

    async fn read(body: Body, max_bytes: usize) -> Result<Bytes, BodyError> {
        read_body(body, BodyLimits { max_bytes, timeout: Duration::from_millis(20) }).await
    }

    #[tokio::test]
    async fn a_body_of_one_piece_is_not_copied() {
        let bytes = Bytes::from_static(b"grant_type=client_credentials");
        let read = read(Body::from(bytes.clone()), 64).await.unwrap();
        assert_eq!(read.as_ptr(), bytes.as_ptr());
    }

    #[tokio::test]
    async fn pieces_are_joined_up_to_the_limit() {
        assert_eq!(read(Body::empty(), 4).await.unwrap(), "");
        assert_eq!(read(pieces(&["ab", "", "cd"]), 4).await.unwrap(), "abcd");
        assert_eq!(read(pieces(&["ab", "cde"]), 4).await, Err(BodyError::TooLarge));
        assert_eq!(read(pieces(&["abcde"]), 4).await, Err(BodyError::TooLarge));
        assert_eq!(read(Body::from("abcde"), 4).await, Err(BodyError::TooLarge), "declared length");
    }

    #[tokio::test]
    async fn a_body_that_never_comes_is_given_up() {
        let never = Body::from_stream(stream::pending::<Result<Bytes, Infallible>>());
        assert_eq!(read(never, 4).await, Err(BodyError::TimedOut));
    }

    #[tokio::test]
    async fn a_body_that_breaks_is_told_from_one_that_is_late() {
        let broken = stream::iter([Ok("ab"), Err(std::io::Error::other("reset"))]);
        assert_eq!(read(Body::from_stream(broken), 4).await, Err(BodyError::Broken));
    }
}
