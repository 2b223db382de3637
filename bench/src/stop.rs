//! A signal asks the run to stop: the flag is read by every loop, so that guards end the children on the way out.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::signal::unix::{SignalKind, signal};

static ASKED: AtomicBool = AtomicBool::new(false);

/// Watches SIGINT, SIGTERM and SIGHUP in a thread of its own. A second signal ends the process at once
/// (the kernel then ends the children, which were started with a parent-death signal where `setpriv` exists).
pub(crate) fn watch_signals() -> Result<()> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("signal runtime")?;
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        let Err(error) = runtime.block_on(heed_signals());
        eprintln!("valetkey-bench: signals are not watched: {error}");
    })?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a second signal ends at once what the first one could not")]
async fn heed_signals() -> std::io::Result<Infallible> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    loop {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
        }
        if ASKED.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    }
}

/// Whether a signal asked the run to stop.
pub(crate) fn asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}

/// An error once a signal asked the run to stop.
pub(crate) fn check() -> Result<()> {
    if asked() {
        bail!("stopped by a signal");
    }
    Ok(())
}

/// Waits between two looks at another process, which has no event to wait for.
#[expect(clippy::disallowed_methods, reason = "a starting or ending process is polled from outside")]
pub(crate) fn pause(length: Duration) {
    std::thread::sleep(length);
}
