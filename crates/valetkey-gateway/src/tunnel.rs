//! RFC 6455 §1.3 — a connection that became a WebSocket: bytes both ways until one side ends

use crate::lasting::Over;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

/// Joins the two connections once both have changed their protocol, until what let the caller in is over.
pub(crate) fn join(caller: OnUpgrade, upstream: OnUpgrade, over: Over) {
    tokio::spawn(async move {
        let (Ok(caller), Ok(upstream)) = tokio::join!(caller, upstream) else { return };
        let (mut caller, mut upstream) = (TokioIo::new(caller), TokioIo::new(upstream));
        // Either side may just go away; that ends it and is nothing to report.
        tokio::select! {
            _ = tokio::io::copy_bidirectional(&mut caller, &mut upstream) => {}
            () = over => {}
        }
    });
}
