//! SIGTERM and SIGINT: the first ends in good order, the second at once. SIGHUP ends nothing.

use std::io::IsTerminal;
use tokio::signal::unix::{Signal, SignalKind, signal};
use valetkey_web::serve::Drain;

/// The signals that end a server, heard from now on.
#[derive(Debug)]
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    /// None at a terminal: there it says that the terminal is gone, and ends a server as it ends everything.
    hangup: Option<Signal>,
}

impl Signals {
    pub(super) fn listen() -> std::io::Result<Self> {
        let at_terminal = std::io::stdin().is_terminal();
        let hangup = (!at_terminal).then(|| signal(SignalKind::hangup())).transpose()?;
        let [terminate, interrupt] = [SignalKind::terminate(), SignalKind::interrupt()].map(signal);
        Ok(Self { terminate: terminate?, interrupt: interrupt?, hangup })
    }

    /// Begins the drain at the first signal; at the second cuts everything and returns.
    pub(super) async fn run(mut self, public: &Drain, management: &Drain) {
        self.next().await;
        tracing::info!("ending: finishing what is under way; once more ends at once");
        public.begin();
        self.next().await;
        tracing::warn!("ending at once");
        public.abort();
        management.abort();
    }

    async fn next(&mut self) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                () = heard(&mut self.hangup) => {
                    tracing::warn!("SIGHUP: the configuration is read at the start only; restart to have it read again");
                }
            }
        }
    }
}

async fn heard(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => _ = signal.recv().await,
        None => std::future::pending().await,
    }
}
