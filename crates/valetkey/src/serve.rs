//! A running server, from its lock to its end: what `serve` and `dev` have in common.

mod listeners;
mod signals;

pub(crate) use listeners::{Listeners, bind};

use crate::certificates;
use crate::config::Config;
use crate::durations::Metrics;
use crate::home::Home;
use crate::jobs;
use crate::wire::{self, Opened, Opening, ServerLock};
use anyhow::{Context as _, Result};
use std::net::SocketAddr;
use std::num::NonZero;
use std::process::ExitCode;
use tokio::task::JoinHandle;
use valetkey_core::context::{Caller, Context};
use valetkey_core::manage::key;
use valetkey_core::manage::user::sign_up;
use valetkey_web::app::Demo;
use valetkey_web::layer::Edge;
use valetkey_web::serve::{Drain, Drained, Limits, raise_open_files};

/// A server whose ports are bound and whose store is open, but which answers nobody yet.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) cx: Context,
    pub(crate) config: Config,
    pub(crate) listeners: Listeners,
    pub(crate) issuer: String,
    /// Where clients are asked for certificates.
    pub(crate) certificates: Vec<SocketAddr>,
    opened: Opened,
    metrics: Metrics,
    _lock: Option<ServerLock>,
}

type Certified = (JoinHandle<Drained>, Vec<SocketAddr>);

/// One worker a core that this process may use.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime> {
    let workers = std::thread::available_parallelism().map_or(1, NonZero::get);
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    Ok(builder.worker_threads(workers).thread_name("worker").enable_all().build()?)
}

/// Takes the data directory for this server alone. Before the ports: "in use by another server" says more than "in use".
/// Several servers may share a database on PostgreSQL.
pub(crate) fn lock(config: &Config) -> Result<Option<ServerLock>> {
    let home = Home::new(config);
    home.make_directory()?;
    // Beside the database: two data directories can name one database.
    if home.postgres.is_some() {
        return Ok(None);
    }
    Ok(Some(ServerLock::acquire(home.database_directory())?))
}

/// Opens the store and makes the keys that are missing.
pub(crate) async fn prepare(
    config: Config,
    lock: Option<ServerLock>,
    listeners: Listeners,
    issuer: String,
) -> Result<Ready> {
    let home = Home::new(&config);
    let metrics = Metrics::install()?;
    let opened = wire::open(&config, &home, &issuer, Opening::Server).await?;
    opened.server.store.attend().await?;
    let cx = Context::new(&opened.server, Caller::default());
    key::ensure(&cx).await.context("cannot make the keys")?;
    if let Some(before) = home.remember_issuer(&issuer)? {
        tracing::warn!(
            before,
            now = issuer,
            "the issuer has changed: what was issued under the old one is refused"
        );
    }
    for tenant in sign_up::nowhere(&opened.server) {
        tracing::warn!(
            tenant = tenant.as_str(),
            "accounts.sign_up names a user directory that is not there: nobody can make an account in it"
        );
    }
    let certificates = Vec::new();
    Ok(Ready { cx, config, listeners, issuer, certificates, opened, metrics, _lock: lock })
}

impl Ready {
    /// Serves until a signal says to end. `greet` is called when requests are answered.
    pub(crate) async fn run(mut self, demo: Option<Demo>, greet: impl FnOnce(&Self)) -> Result<ExitCode> {
        let signals = signals::Signals::listen()?;
        let (public, management) = (Drain::new(), Drain::new());
        let limits = self.limits();
        let edges = wire::edges(&self.config, &self.opened, demo, self.metrics.clone(), &public)?;
        let mut jobs = jobs::start(&self.opened.server, &self.opened.hasher, &public);

        let (sockets, own) = self.listeners.take();
        let (certified, certificates) =
            self.certified(edges.public.clone(), limits.clone(), &public)?.unzip();
        self.certificates = certificates.unwrap_or_default();
        let serving = valetkey_web::serve::serve("public", sockets, edges.public, limits, public.clone());
        let few =
            valetkey_web::serve::Limits { max_connections: 256, ..valetkey_web::serve::Limits::default() };
        let watching =
            valetkey_web::serve::serve("management", own, edges.management, few, management.clone());
        let (serving, watching) = (tokio::spawn(serving), tokio::spawn(watching));
        greet(&self);

        let orderly = async {
            let drained = serving.await.context("the public listener failed")?;
            if let Some(certified) = certified {
                certified.await.context("the listener for certificates failed")?;
            }
            while jobs.join_next().await.is_some() {}
            // What cannot be written now is a help that is lost, and no more.
            let _ = self.opened.server.write_notes().await;
            let _ = self.opened.server.store.depart().await;
            self.opened.store.close().await;
            // Readiness has said no all the while; nobody need be waited for here.
            management.abort();
            watching.await.context("the management listener failed")?;
            tracing::info!(cut = drained.cut, "ended");
            Ok(ExitCode::SUCCESS)
        };
        tokio::select! {
            ended = orderly => ended,
            () = signals.run(&public, &management) => Ok(ExitCode::FAILURE),
        }
    }

    /// The listener that asks clients for certificates, where there is one, and its addresses.
    fn certified(&self, edge: Edge, limits: Limits, drain: &Drain) -> Result<Option<Certified>> {
        let own = &self.config.http.client_certificates;
        let Some(tls) = certificates::listener(own)?.filter(|_| !own.listen.0.is_empty()) else {
            return Ok(None);
        };
        let addresses = own.listen.0.iter();
        let sockets = addresses.map(|address| bind(*address, "http.client_certificates.listen"));
        let sockets = sockets.collect::<Result<Vec<_>>>()?;
        let addresses =
            sockets.iter().map(tokio::net::TcpListener::local_addr).collect::<std::io::Result<Vec<_>>>()?;
        tracing::info!(?addresses, "asking clients for certificates here");
        let serving =
            valetkey_web::serve::serve_tls("certificates", sockets, tls, (edge, limits), drain.clone());
        Ok(Some((tokio::spawn(serving), addresses)))
    }

    /// The configured limits, and no more connections than there are file descriptors for.
    fn limits(&self) -> valetkey_web::serve::Limits {
        let mut limits = wire::limits(&self.config.http.limits);
        match raise_open_files() {
            Ok(room) if room < limits.max_connections => {
                let wanted = limits.max_connections;
                tracing::warn!(
                    wanted,
                    room,
                    "fewer connections than configured: raise the limit on open files"
                );
                limits.max_connections = room;
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "cannot raise the limit on open files"),
        }
        limits
    }
}
