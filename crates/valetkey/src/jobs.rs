//! What a server does on its own: hear of changes, tell applications who signed out, sweep what has ended, give memory back.

use crate::hasher::Argon2Hasher;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use valetkey_core::context::{Caller, Context, Server};
use valetkey_core::error::Fault;
use valetkey_core::job::{logout, ping};
use valetkey_core::time::Seconds;
use valetkey_web::serve::Drain;

/// Changes made elsewhere act within a second: this is the longest they wait here.
const FOLLOW_EVERY: Duration = Duration::from_millis(200);
/// With the wait before, less than that second: a server that hears nothing for longer knows it.
const ANSWER_WITHIN: Duration = Duration::from_millis(700);
/// How often ended rows are looked for, and soon again while there are many.
const SWEEP_EVERY: Duration = Duration::from_mins(1);
const SWEEP_AGAIN: Duration = Duration::from_secs(1);
/// Rows of a kind in one transaction: some milliseconds.
const SWEEP_LIMIT: u32 = 2000;
/// How long a revocation stays in memory after the last token that it can mean has expired: as in the store.
const FORGET_AFTER: Seconds = Seconds::hours(1);
const BEGIN_AGAIN: Duration = Duration::from_secs(1);
/// How long uses of secrets and refusals gather before they are written in one go.
const NOTE_EVERY: Duration = Duration::from_secs(5);
/// How long what was counted of wrong secrets and the like waits until it is added to what others counted.
const COUNT_EVERY: Duration = Duration::from_millis(300);
/// How often a server says that it is there.
const ATTEND_EVERY: Duration = Duration::from_secs(5);
const TIDY_EVERY: Duration = Duration::from_secs(10);
/// How often a server looks whether others are to be told of something.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// Starts the jobs; they end when `stop` begins.
pub(crate) fn start(server: &Arc<Server>, hasher: &Argon2Hasher, stop: &Drain) -> JoinSet<()> {
    let (following, sweeping, hasher) = (Arc::clone(server), Arc::clone(server), hasher.clone());
    let mut jobs = JoinSet::new();
    jobs.spawn(keep(stop.clone(), move || follow(Arc::clone(&following))));
    let noting = Arc::clone(server);
    jobs.spawn(keep(stop.clone(), move || note(Arc::clone(&noting))));
    let counting = Arc::clone(server);
    jobs.spawn(keep(stop.clone(), move || count(Arc::clone(&counting))));
    let attending = Arc::clone(server);
    jobs.spawn(keep(stop.clone(), move || attend(Arc::clone(&attending))));
    for queue in [Queue::Logouts, Queue::Pings] {
        let telling = Arc::clone(server);
        jobs.spawn(keep(stop.clone(), move || tell(Arc::clone(&telling), queue)));
    }
    jobs.spawn(keep(stop.clone(), move || sweep(Arc::clone(&sweeping))));
    jobs.spawn(keep(stop.clone(), move || tidy(hasher.clone())));
    jobs
}

/// Runs a job until `stop` begins. One that panics is begun anew: a server that no longer hears of revocations must not
/// go on as if nothing had happened.
async fn keep<F>(stop: Drain, job: impl Fn() -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    loop {
        let mut running = tokio::spawn(job());
        tokio::select! {
            // The panic hook has logged it.
            _ = &mut running => tokio::time::sleep(BEGIN_AGAIN).await,
            () = stop.begun() => {
                running.abort();
                return;
            }
        }
    }
}

/// Reads the feed of changes: again and again, and at once where the store hears that there may be news. A failure is
/// logged when it begins and when it ends, not five times a second. While it lasts the server knows that it is deaf.
async fn follow(server: Arc<Server>) {
    let mut ticks = ticks(FOLLOW_EVERY);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = server.store.news() => {}
        }
        let failure = match timeout(ANSWER_WITHIN, server.follow_changes()).await {
            Ok(Ok(())) => None,
            Ok(Err(fault)) => Some(fault.to_string()),
            Err(_) => Some("the store does not answer in time".to_owned()),
        };
        let (before, hears) = (server.is_hearing(), failure.is_none());
        server.set_hearing(hears);
        metrics::gauge!("valetkey_hearing").set(if hears { 1.0 } else { 0.0 });
        match failure {
            Some(error) if before => {
                tracing::error!(target: "valetkey::jobs", %error, "cannot read what has changed: trying on, and asking \
                    the store about each token meanwhile");
            }
            None if !before => tracing::info!(target: "valetkey::jobs", "changes are heard of again"),
            _ => {}
        }
    }
}

async fn sweep(server: Arc<Server>) {
    let mut wait = SWEEP_EVERY;
    // By a clock that does not jump.
    let mut last = Instant::now();
    loop {
        tokio::time::sleep(wait).await;
        wait = match sweep_once(&server, &mut last).await {
            Ok(gone) => {
                metrics::counter!("valetkey_swept_rows_total").increment(gone);
                if gone >= u64::from(SWEEP_LIMIT) { SWEEP_AGAIN } else { SWEEP_EVERY }
            }
            Err(error) => {
                tracing::warn!(target: "valetkey::jobs", %error, "cannot sweep: trying again in a minute");
                SWEEP_EVERY
            }
        };
    }
}

/// What waits until others were told of it.
#[derive(Debug, Clone, Copy)]
enum Queue {
    /// Applications: that somebody signed out.
    Logouts,
    /// Clients in ping mode: that what they asked for was decided.
    Pings,
}

/// Empties a queue: those that wait together at once. What a server that stops was about to say, another one says, or it
/// says it itself when it is back.
async fn tell(server: Arc<Server>, queue: Queue) {
    let mut ticks = ticks(TELL_EVERY);
    let mut failing = false;
    loop {
        ticks.tick().await;
        let told = tell_all(&server, queue).await;
        if let Err(error) = &told
            && !failing
        {
            tracing::warn!(target: "valetkey::jobs", %error, ?queue, "cannot tell others what they wait for: trying on");
        }
        failing = told.is_err();
    }
}

async fn tell_all(server: &Arc<Server>, queue: Queue) -> Result<(), Fault> {
    let cx = || Context::new(server, Caller::default());
    while match queue {
        Queue::Logouts => {
            let claimed = logout::claim(&cx()).await?;
            told(claimed.into_iter().map(|one| {
                let cx = cx();
                async move { logout::tell(&cx, &one).await }
            }))
            .await?
        }
        Queue::Pings => {
            let claimed = ping::claim(&cx()).await?;
            told(claimed.into_iter().map(|one| {
                let cx = cx();
                async move { ping::tell(&cx, one).await }
            }))
            .await?
        }
    } {}
    Ok(())
}

/// Whether there was anybody to tell.
async fn told<F>(telling: impl Iterator<Item = F>) -> Result<bool, Fault>
where
    F: Future<Output = Result<(), Fault>> + Send + 'static,
{
    let mut telling: JoinSet<_> = telling.collect();
    let any = !telling.is_empty();
    while let Some(told) = telling.join_next().await {
        told.map_err(|error| Fault::internal("telling others", error))??;
    }
    Ok(any)
}

/// Forgets what has ended, in the store and in memory: up to when, is not for the clock alone to say.
async fn sweep_once(server: &Server, last: &mut Instant) -> Result<u64, Fault> {
    let ran = Seconds(i64::try_from(last.elapsed().as_secs()).unwrap_or(i64::MAX));
    let until = server.store.move_horizon(server.now(), ran).await?;
    // The rest of a second is not lost.
    *last += Duration::from_secs(ran.0.unsigned_abs());
    server.revoked.forget_expired(until - FORGET_AFTER);
    server.store.sweep(until, SWEEP_LIMIT).await
}

/// Writes what was noted of applications. What cannot be written is let go: it is a help, no record.
async fn note(server: Arc<Server>) {
    let mut ticks = ticks(NOTE_EVERY);
    loop {
        ticks.tick().await;
        if let Err(error) = server.write_notes().await {
            tracing::warn!(target: "valetkey::jobs", %error, "cannot write what applications were refused");
        }
    }
}

/// Adds up what servers count of addresses that guess or flood.
async fn count(server: Arc<Server>) {
    let mut ticks = ticks(COUNT_EVERY);
    loop {
        ticks.tick().await;
        if let Err(error) = server.count_together().await {
            tracing::debug!(target: "valetkey::jobs", %error, "cannot add up wrong secrets: each server counts its own");
        }
    }
}

/// Says that a server runs here: a restore or an upgrade elsewhere must know. Whether it can is shown by the feed.
async fn attend(server: Arc<Server>) {
    let mut ticks = ticks(ATTEND_EVERY);
    loop {
        ticks.tick().await;
        if let Err(error) = server.store.attend().await {
            tracing::debug!(target: "valetkey::jobs", %error, "cannot say that this server is there");
        }
    }
}

/// Memory of hashing goes back when logins stop.
async fn tidy(hasher: Argon2Hasher) {
    let mut ticks = ticks(TIDY_EVERY);
    loop {
        ticks.tick().await;
        hasher.trim();
    }
}

fn ticks(every: Duration) -> tokio::time::Interval {
    let mut ticks = interval_at(Instant::now() + every, every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
