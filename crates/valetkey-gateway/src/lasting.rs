//! RFC 6750 §5.2 — an answer without an end, or a WebSocket, ends with what let it in: looked at again every few seconds

use crate::judging::Who;
use crate::{Caller, Inner, browser, verify};
use axum::body::{Body, HttpBody};
use http::header::{CONTENT_TYPE, HeaderMap};
use http::{Response, StatusCode};
use hyper::body::{Frame, Incoming, SizeHint};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use valetkey_core::store::Api;

/// How long a dead token can keep an answer open.
const EVERY: Duration = Duration::from_secs(5);

/// Ready once what let a request in is no longer good.
pub(crate) type Over = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What is looked at again.
enum Entry {
    Bearer(String),
    Browser(HeaderMap),
}

/// When what let a request in is over: expired, revoked, signed out, or the API is gone.
pub(crate) fn over(
    gateway: &Arc<Inner>,
    api: &Api,
    (who, token, headers): (&Who, Option<&str>, &HeaderMap),
    caller: Caller<'_>,
) -> Over {
    let entry = match who {
        Who::Bearer(_) => Entry::Bearer(token.unwrap_or_default().to_owned()),
        Who::Browser(_) => Entry::Browser(headers.clone()),
        #[cfg(feature = "unchecked")]
        Who::Anybody => Entry::Bearer(String::new()),
    };
    let (gateway, id, address) = (Arc::clone(gateway), api.id.clone(), caller.address);
    let (trusted_peer, request_id) = (caller.trusted_peer, caller.request_id.to_owned());
    let certificate = caller.certificate;
    Box::pin(async move {
        let caller = Caller { address, trusted_peer, certificate, request_id: &request_id };
        loop {
            tokio::time::sleep(EVERY).await;
            let catalog = Arc::clone(&gateway.server.catalog());
            let Some(api) = catalog.apis().iter().find(|api| api.id == id) else { return };
            let good = match &entry {
                Entry::Bearer(text) => verify::stands(&gateway.server, api, text, gateway.server.now()),
                Entry::Browser(headers) => {
                    let cx = browser::context(&gateway, caller);
                    // A store that is away for a moment ends nothing.
                    browser::person(&cx, api, headers).await.map_or(true, |person| person.is_some())
                }
            };
            if !good {
                return;
            }
        }
    })
}

/// Whether an answer may go on for ever. Nothing is watched that says how long it is.
pub(crate) fn lasts(answer: &Response<Incoming>) -> bool {
    answer.status() != StatusCode::SWITCHING_PROTOCOLS
        && !answer.body().is_end_stream()
        && answer.body().size_hint().exact().is_none()
}

/// The body of such an answer.
pub(crate) fn body(answer: Response<Incoming>, over: Over) -> Response<Body> {
    let kind = answer.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    // The end of an event stream is nothing unusual; of any other body it must not pass for its real end.
    let quietly = kind.eq_ignore_ascii_case("text/event-stream");
    answer.map(|inner| Body::new(Lasting { inner: Some(inner), over, quietly }))
}

struct Lasting {
    /// `None` once it is over.
    inner: Option<Incoming>,
    over: Over,
    quietly: bool,
}

impl HttpBody for Lasting {
    type Data = bytes::Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let Self { inner: Some(inner), over, .. } = &mut *self else { return Poll::Ready(None) };
        if over.as_mut().poll(cx).is_pending() {
            return Pin::new(inner)
                .poll_frame(cx)
                .map(|frame| frame.map(|frame| frame.map_err(axum::Error::new)));
        }
        self.inner = None;
        if self.quietly {
            return Poll::Ready(None);
        }
        let why = std::io::Error::new(std::io::ErrorKind::ConnectionAborted, "the token is no longer good");
        Poll::Ready(Some(Err(axum::Error::new(why))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
