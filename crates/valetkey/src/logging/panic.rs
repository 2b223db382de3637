//! Panics in the log: once, with the place, and without the values that a formatted message would show.

use std::panic::PanicHookInfo;

/// Sends panics to the log. Those of request handlers are logged by the edge, with their request's id.
pub(super) fn install() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        let thread = std::thread::current();
        let (thread, message) = (thread.name().unwrap_or("unnamed"), message(info));
        tracing::error!(target: "valetkey::panic", place, thread, message, "a thread panicked");
    }));
    valetkey_web::layer::panics::install_hook();
}

/// Only a literal is shown: `unwrap` formats the error it found, and with it perhaps a secret.
fn message(info: &PanicHookInfo<'_>) -> &'static str {
    info.payload().downcast_ref::<&'static str>().copied().unwrap_or("(formatted message withheld)")
}
