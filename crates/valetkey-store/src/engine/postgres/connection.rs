//! One connection: how it is made, and what the server says beside its answers.

use super::address::Address;
use super::fault::Words;
use super::tls::Tls;
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_postgres::{AsyncMessage, Client, Config, Connection as Driver, NoTls, Socket};
use valetkey_core::error::{Fault, FaultKind};

/// Until a statement is cancelled that nobody waits for any more.
const CANCEL: Duration = Duration::from_secs(1);

/// What connections are made from.
#[derive(Debug)]
pub(super) struct Connector {
    pub(super) address: Address,
    tls: Option<Tls>,
    /// The host that answered last: asked first. `NONE` after a loss: then all are asked.
    last: AtomicUsize,
    /// The newest timeline that any host showed: one with an older history is a primary that was replaced.
    newest: AtomicU32,
}

const NONE: usize = usize::MAX;
/// How long the other hosts are waited for once one has answered.
const OTHERS: Duration = Duration::from_millis(300);
/// Which history the server writes: it grows by one with each promotion. Not every engine knows such a thing.
const TIMELINE: &str = "SELECT ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::bigint";

/// An open connection. Dropping it closes it.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) client: Client,
    /// The server stopped waiting for its standby: what it called committed may be lost with it.
    doubt: Arc<AtomicBool>,
    timeline: u32,
    tls: Option<Tls>,
    driver: JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Connection {
    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed() || self.driver.is_finished()
    }

    /// Whether a commit since the last call was acknowledged by this server alone, against its own configuration.
    pub(super) fn take_doubt(&self) -> bool {
        self.doubt.swap(false, Ordering::AcqRel)
    }

    /// Asks the server to give up what it is doing here, without waiting for it.
    pub(super) fn cancel(&self) {
        let (token, tls) = (self.client.cancel_token(), self.tls.clone());
        tokio::spawn(timeout(CANCEL, async move {
            // Whether it comes in time nobody can know; the server's own time limit is behind it.
            let _ = match tls {
                Some(tls) => token.cancel_query(tls).await,
                None => token.cancel_query(NoTls).await,
            };
        }));
    }
}

impl Connector {
    pub(super) fn new(address: Address) -> Result<Self, crate::error::OpenError> {
        let tls = if address.encrypted { Some(Tls::new(&address.trust)?) } else { None };
        Ok(Self { address, tls, last: AtomicUsize::new(NONE), newest: AtomicU32::new(0) })
    }

    /// A connection to the host that takes writes: the one that did so last, or the one with the newest history of all.
    pub(super) async fn connect(&self, news: Option<&Arc<Notify>>) -> Result<Connection, Fault> {
        if let Some(config) = self.address.hosts.get(self.last.load(Ordering::Relaxed))
            && let Ok(opened) = self.open(config, news).await
            && self.is_current(&opened)
        {
            return Ok(opened);
        }
        let (n, opened) = self.ask_all(news).await?;
        if !self.is_current(&opened) {
            let what = "the database that answers was replaced by another, which is away";
            return Err(Fault::bare(FaultKind::Unavailable, what));
        }
        self.last.store(n, Ordering::Relaxed);
        Ok(opened)
    }

    /// Asks every host again before the next connection: the one that answered last may have been replaced.
    pub(super) fn doubt_all(&self) {
        self.last.store(NONE, Ordering::Relaxed);
    }

    /// Whether no host has shown a newer history.
    fn is_current(&self, opened: &Connection) -> bool {
        // Where one name stands for all of them, whoever moves it has decided.
        opened.timeline >= self.newest.fetch_max(opened.timeline, Ordering::AcqRel)
            || self.address.hosts.len() == 1
    }

    /// Of the hosts that take writes, the one with the newest history.
    async fn ask_all(&self, news: Option<&Arc<Notify>>) -> Result<(usize, Connection), Fault> {
        let hosts = self.address.hosts.iter().enumerate();
        let mut asked: FuturesUnordered<_> = hosts
            .map(|(n, config)| async move { self.open(config, news).await.map(|opened| (n, opened)) })
            .collect();
        let mut best: Option<(usize, Connection)> = None;
        let mut failed = Fault::bare(FaultKind::Internal, "no host is configured");
        // Each gives up by itself; who has an answer does not wait for the others so long.
        let mut deadline = Instant::now() + 2 * CANCEL.max(OTHERS);
        while let Ok(Some(answer)) = timeout_at(deadline, asked.next()).await {
            match answer {
                Ok(opened) => {
                    deadline = deadline.min(Instant::now() + OTHERS);
                    if best.as_ref().is_none_or(|(_, other)| other.timeline < opened.1.timeline) {
                        best = Some(opened);
                    }
                }
                Err(fault) => failed = fault,
            }
        }
        best.ok_or(failed)
    }

    async fn open(&self, config: &Config, news: Option<&Arc<Notify>>) -> Result<Connection, Fault> {
        // The driver's limit is for the socket alone; a host that accepts and then says nothing must not hold us up.
        let patience = config.get_connect_timeout().copied().unwrap_or(CANCEL);
        let opening = async {
            let (doubt, news) = (Arc::<AtomicBool>::default(), news.cloned());
            let (client, driver) = if let Some(tls) = &self.tls {
                let (client, driver) = config.connect(tls.clone()).await?;
                (client, drive(driver, Arc::clone(&doubt), news))
            } else {
                let (client, driver) = config.connect(NoTls).await?;
                (client, drive(driver, Arc::clone(&doubt), news))
            };
            let mut opened = Connection { client, doubt, timeline: 0, tls: self.tls.clone(), driver };
            let millis = self.address.statement_timeout.as_millis();
            // Behind a pooler these hold for whoever comes next on that connection too: they are for all of us.
            let limits = format!(
                "SET statement_timeout = {millis}; SET idle_in_transaction_session_timeout = 10000; \
                 SET synchronous_commit = on"
            );
            opened.client.batch_execute(&limits).await?;
            opened.timeline = timeline(&opened.client).await;
            Ok::<_, tokio_postgres::Error>(opened)
        };
        match timeout(patience, opening).await {
            Ok(Ok(opened)) => Ok(opened),
            Ok(Err(error)) => {
                Err(Fault::unavailable("the database cannot be reached now", Words::of(&error)))
            }
            Err(_) => Err(Fault::bare(FaultKind::Unavailable, "the database does not answer")),
        }
    }
}

/// 0 where the engine knows no timelines, or does not tell.
async fn timeline(client: &Client) -> u32 {
    let told = client.simple_query(TIMELINE).await.unwrap_or_default();
    let number = told.iter().find_map(|row| match row {
        tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Carries bytes between client and socket until either ends, and hears what the server says on its own.
fn drive<S>(
    mut driver: Driver<Socket, S>,
    doubt: Arc<AtomicBool>,
    news: Option<Arc<Notify>>,
) -> JoinHandle<()>
where
    S: tokio_postgres::tls::TlsStream + Unpin + Send + 'static,
{
    tokio::spawn(std::future::poll_fn(move |cx| {
        loop {
            match std::task::ready!(driver.poll_message(cx)) {
                Some(Ok(AsyncMessage::Notice(notice))) => {
                    // A wait for the standby was cut short, and the commit called done all the same.
                    if notice.routine() == Some("SyncRepWaitForLSN") {
                        doubt.store(true, Ordering::Release);
                    }
                }
                Some(Ok(AsyncMessage::Notification(_))) => {
                    if let Some(news) = &news {
                        news.notify_one();
                    }
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Poll::Ready(()),
            }
        }
    }))
}
