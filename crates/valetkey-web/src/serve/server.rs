//! What all connections of one `serve` share: the settings, the count of open ones and the stage of the drain.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hyper::server::conn::{http1, http2};
use hyper_util::rt::TokioExecutor;
use metrics::{Counter, Gauge};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::Limits;
use super::tls::Tls;
use crate::layer::Edge;

/// So many connections are many: what each holds while it idles counts.
const CROWD: usize = 512;

/// How far the drain has come; only ever rises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Running = 0,
    /// Answers say `connection: close`; idle connections may still speak once.
    Draining = 1,
    /// Idle connections are closed; requests in flight finish.
    Closing = 2,
    /// Everything is dropped.
    Cut = 3,
}

pub(super) struct Server {
    pub(super) name: &'static str,
    pub(super) edge: Edge,
    pub(super) limits: Limits,
    /// Where this listener ends TLS itself.
    pub(super) tls: Option<Tls>,
    pub(super) http1: http1::Builder,
    pub(super) http2: http2::Builder<TokioExecutor>,
    /// Pulses count their milliseconds from here.
    pub(super) base: Instant,
    stage: AtomicU8,
    stage_changed: Notify,
    open: AtomicUsize,
    emptied: Notify,
    connections: Gauge,
    pub(super) refused: Counter,
    pub(super) accept_errors: Counter,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("name", &self.name)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl Server {
    pub(super) fn new(name: &'static str, edge: Edge, limits: Limits, tls: Option<Tls>) -> Self {
        Self {
            http1: http1_builder(&limits),
            http2: http2_builder(&limits),
            name,
            edge,
            limits,
            tls,
            base: Instant::now(),
            stage: AtomicU8::new(Stage::Running as u8),
            stage_changed: Notify::new(),
            open: AtomicUsize::new(0),
            emptied: Notify::new(),
            connections: metrics::gauge!("valetkey_http_connections", "listener" => name),
            refused: metrics::counter!("valetkey_http_connections_refused_total", "listener" => name),
            accept_errors: metrics::counter!("valetkey_http_accept_errors_total", "listener" => name),
        }
    }

    pub(super) fn stage(&self) -> Stage {
        match self.stage.load(Ordering::Acquire) {
            0 => Stage::Running,
            1 => Stage::Draining,
            2 => Stage::Closing,
            _ => Stage::Cut,
        }
    }

    pub(super) fn enter(&self, stage: Stage) {
        self.stage.fetch_max(stage as u8, Ordering::AcqRel);
        self.stage_changed.notify_waiters();
    }

    /// Ready after the next [`enter`](Self::enter) that follows this call.
    pub(super) fn stage_change(&self) -> Notified<'_> {
        self.stage_changed.notified()
    }

    /// Counts a connection that we ended, and why.
    pub(super) fn closed(&self, reason: &'static str) {
        metrics::counter!("valetkey_http_connections_closed_total", "listener" => self.name, "reason" => reason)
            .increment(1);
        tracing::debug!(listener = self.name, reason, "connection closed");
    }

    pub(super) fn open(&self) -> usize {
        self.open.load(Ordering::Acquire)
    }

    /// How long an HTTP/1 connection may idle before what hyper keeps for it is given back: less among many.
    pub(super) fn rest_after(&self) -> Duration {
        if self.open() > CROWD { self.limits.rest_after / 4 } else { self.limits.rest_after }
    }

    /// Resolves when no connection is open. One waiter at a time.
    pub(super) async fn empty(&self) {
        while self.open() > 0 {
            self.emptied.notified().await;
        }
    }

    /// A place for one more connection, or None at the cap.
    pub(super) fn admit(self: &Arc<Self>) -> Option<Slot> {
        let before = self.open.fetch_add(1, Ordering::AcqRel);
        self.connections.increment(1.0);
        let slot = Slot(Arc::clone(self));
        (before < self.limits.max_connections).then_some(slot)
    }
}

/// Counts one open connection for as long as it lives.
#[derive(Debug)]
pub(super) struct Slot(pub(super) Arc<Server>);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.connections.decrement(1.0);
        if self.0.open.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.emptied.notify_one();
        }
    }
}

fn header_bytes(limits: &Limits) -> usize {
    limits.max_header_bytes.max(8192)
}

fn http1_builder(limits: &Limits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        // The deadline is the pulse's; see the head of serve.rs.
        .header_read_timeout(None)
        // Also the cap on a header that never ends: the parser gives up when its buffer is full.
        .max_buf_size(header_bytes(limits))
        // A client may close its sending side and wait; and a handler is not dropped half-way when it leaves.
        .half_close(true);
    builder
}

fn http2_builder(limits: &Limits) -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .max_concurrent_streams(128)
        .max_header_list_size(u32::try_from(header_bytes(limits)).unwrap_or(u32::MAX))
        .initial_stream_window_size(64 * 1024)
        .initial_connection_window_size(256 * 1024)
        .max_send_buf_size(64 * 1024);
    builder
}
