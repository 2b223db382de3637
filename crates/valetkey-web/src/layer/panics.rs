//! A handler that panics costs its own request a 500 and nobody else anything.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use tracing::Span;

thread_local! {
    static HANDLING: Cell<bool> = const { Cell::new(false) };
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// What is known of a panic: the source line, and the message if it is a literal. A formatted message is withheld,
/// for it can hold what must not be logged (`unwrap` prints the error it found).
#[derive(Debug)]
pub(crate) struct Panic {
    pub(super) place: String,
    pub(super) message: &'static str,
}

/// Sends panics of handlers to the log, once, through the edge; all others go where they went before.
/// Call it once, at start.
pub fn install_hook() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if HANDLING.get() {
            let place = info.location().map(ToString::to_string);
            PLACE.with_borrow_mut(|found| *found = place);
        } else {
            before(info);
        }
    }));
}

/// Runs `handler` inside `span`; a panic in it becomes a value.
pub(crate) async fn caught<F: Future>(handler: F, span: &Span) -> Result<F::Output, Panic> {
    let mut handler = pin!(handler);
    poll_fn(|cx| {
        let _entered = (!span.is_none()).then(|| span.enter());
        HANDLING.set(true);
        // The future is dropped after a panic, and what it shared with others guards itself (mutexes poison).
        let polled = catch_unwind(AssertUnwindSafe(|| handler.as_mut().poll(cx)));
        HANDLING.set(false);
        match polled {
            Ok(polled) => polled.map(Ok),
            Err(payload) => Poll::Ready(Err(seen(&*payload))),
        }
    })
    .await
}

fn seen(payload: &(dyn Any + Send)) -> Panic {
    let place = PLACE.with_borrow_mut(Option::take).unwrap_or_else(|| "unknown".to_owned());
    let message = payload.downcast_ref::<&'static str>().copied().unwrap_or("(formatted message withheld)");
    Panic { place, message }
}
