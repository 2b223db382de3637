//! SIGTERM and SIGINT: the first ends in good order, the second at once.

use tokio::signal::unix::{Signal, SignalKind, signal};
use valetkey_web::serve::Drain;

/// The signals that end a server, heard from now on.
#[derive(Debug)]
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(super) fn listen() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
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
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
