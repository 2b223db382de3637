//! Hears of changes: a connection of its own that listens, and is made anew when it falls silent. Whoever is woken reads
//! the feed; a word that is lost costs the time until the next poll and nothing else.

use super::Shared;
use super::tx::CHANNEL;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// How often a silent connection is asked whether it is there still, and how long it may take.
const ASK_EVERY: Duration = Duration::from_secs(5);
const ANSWER_WITHIN: Duration = Duration::from_secs(1);
const AGAIN: Duration = Duration::from_millis(500);

pub(super) fn start(shared: &Arc<Shared>) -> JoinHandle<()> {
    let shared = Arc::downgrade(shared);
    tokio::spawn(async move {
        while listen(&shared).await.is_some() {
            sleep(AGAIN).await;
        }
    })
}

/// Listens until the connection is lost. `None` once nobody is left to tell.
async fn listen(shared: &Weak<Shared>) -> Option<()> {
    let opened = {
        let shared = shared.upgrade()?;
        let opened = shared.pool.connector.connect(Some(&shared.news)).await;
        // What was said before we listened, nobody heard.
        shared.news.notify_one();
        opened
    };
    let Ok(connection) = opened else { return Some(()) };
    if connection.client.batch_execute(&format!("LISTEN {CHANNEL}")).await.is_err() {
        return Some(());
    }
    shared.upgrade()?.news.notify_one();
    loop {
        sleep(ASK_EVERY).await;
        if shared.strong_count() == 0 {
            return None;
        }
        let answer = timeout(ANSWER_WITHIN, connection.client.check_connection()).await;
        if !matches!(answer, Ok(Ok(()))) {
            return Some(());
        }
    }
}
