//! Where hashes run: on threads that every other one may interrupt at once, and where those get no time, on others.

use super::arena::{Arena, Arenas, fitted};
use super::phc::{BLOCKS, Work};
use argon2::password_hash::phc::Output;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use valetkey_core::error::{Fault, FaultKind};

/// A hash that has not ended after so long on a thread that yields to all others is begun again on one that does not.
const LEAST_PATIENCE: Duration = Duration::from_millis(150);
/// Or after so many times what such a hash took when nothing was in its way, on machines that are slow.
const TIMES: u64 = 4;

type Result<T> = std::result::Result<T, Fault>;

/// What a hash came to, and all that its lane was given, to be freed elsewhere.
type Done = (Result<Output>, Task);

/// The threads that yield, one for each permit at most, and how fast a hash is here.
#[derive(Debug)]
pub(super) struct Lanes {
    /// Those that wait for a hash.
    free: Mutex<Vec<Lane>>,
    /// How many more may be made.
    unmade: Mutex<usize>,
    arenas: Arenas,
    least_patience: Duration,
    /// Nanoseconds a thousand blocks took at best; 0: not known yet.
    pace: AtomicU64,
}

/// A thread in the class `SCHED_IDLE`: any other thread that wakes up takes its core at once. It touches no lock and frees no
/// memory, so that nobody ever waits for a thread that gets no time.
#[derive(Debug)]
pub(super) struct Lane(pub(super) UnboundedSender<(Task, Reply)>);

pub(super) type Reply = oneshot::Sender<Done>;

/// What a lane is given.
#[derive(Debug)]
pub(super) struct Task {
    work: Arc<Work>,
    arena: Arena,
}

impl Lanes {
    pub(super) fn new(permits: usize) -> Self {
        Self::with_patience(permits, LEAST_PATIENCE)
    }

    pub(super) fn with_patience(permits: usize, least_patience: Duration) -> Self {
        let (free, arenas, pace) = (Mutex::default(), Arenas::default(), AtomicU64::new(0));
        Self { free, unmade: Mutex::new(permits), arenas, least_patience, pace }
    }

    pub(super) fn arenas(&self) -> &Arenas {
        &self.arenas
    }

    /// Computes: on a lane that is free, and on a thread like any other where there is none or it gets no time. The permit
    /// is free again when no thread like any other is at it any longer.
    pub(super) async fn compute(self: Arc<Self>, work: Work, permit: OwnedSemaphorePermit) -> Result<Output> {
        let work = Arc::new(work);
        // An imported hash that wants more memory is not computed twice: the bound on memory would not hold.
        let lane = if work.blocks() <= BLOCKS { self.take() } else { None };
        let Some(lane) = lane else {
            return self.on_any_thread(work, permit).await;
        };
        let (reply, mut done) = oneshot::channel();
        let arena = self.arenas.take(work.blocks());
        let begun = Instant::now();
        if lane.0.send((Task { work: Arc::clone(&work), arena }, reply)).is_err() {
            return self.on_any_thread(work, permit).await;
        }
        tokio::select! {
            biased;
            done = &mut done => {
                if matches!(done, Ok((Ok(_), _))) {
                    self.learn(&work, begun.elapsed());
                }
                return self.back(lane, done.ok());
            }
            () = tokio::time::sleep(self.patience(&work)) => {}
        }
        metrics::counter!("valetkey_password_hashes_starved_total").increment(1);
        let mut again = std::pin::pin!(Arc::clone(&self).on_any_thread(work, permit));
        tokio::select! {
            biased;
            done = &mut done => self.back(lane, done.ok()),
            again = &mut again => {
                // The lane comes back when it gets there; until then hashes do without it.
                tokio::spawn(async move { self.back(lane, done.await.ok()) });
                again
            }
        }
    }

    /// A lane to hash on: one that waits, or a new one.
    fn take(&self) -> Option<Lane> {
        if let Some(lane) = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop() {
            return Some(lane);
        }
        let mut unmade = self.unmade.lock().unwrap_or_else(PoisonError::into_inner);
        let left = unmade.checked_sub(1)?;
        let started = Lane::start();
        let lane =
            started.inspect_err(|error| tracing::warn!(%error, "no thread for password hashes")).ok()?;
        *unmade = left;
        Some(lane)
    }

    /// Takes back what a lane was given. `None`: it ended over it, and is not replaced: there are others.
    fn back(&self, lane: Lane, done: Option<Done>) -> Result<Output> {
        let (result, task) = done.ok_or_else(panicked)?;
        self.arenas.give_back(task.arena);
        self.free.lock().unwrap_or_else(PoisonError::into_inner).push(lane);
        result
    }

    async fn on_any_thread(self: Arc<Self>, work: Arc<Work>, permit: OwnedSemaphorePermit) -> Result<Output> {
        #[expect(clippy::disallowed_methods, reason = "this is the bounded port that the ban points to")]
        let handle = tokio::task::spawn_blocking(move || {
            let mut arena = self.arenas.take(work.blocks());
            let begun = Instant::now();
            let result = work.run(fitted(&mut arena, work.blocks()));
            if result.is_ok() {
                self.learn(&work, begun.elapsed());
            }
            self.arenas.give_back(arena);
            drop(permit);
            result
        });
        handle.await.map_err(|_| panicked())?
    }

    /// How long such a hash may take before it is begun again.
    fn patience(&self, work: &Work) -> Duration {
        let usual = self.pace.load(Ordering::Relaxed).saturating_mul(work.size()) / 1000;
        self.least_patience.max(Duration::from_nanos(usual.saturating_mul(TIMES)))
    }

    /// The least counts: whatever took longer was in somebody's way.
    fn learn(&self, work: &Work, took: Duration) {
        let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let pace = (took.saturating_mul(1000) / work.size().max(1)).max(1);
        let known = |known: u64| (known == 0 || pace < known).then_some(pace);
        // An error says that a faster one is known.
        let _ = self.pace.fetch_update(Ordering::Relaxed, Ordering::Relaxed, known);
    }
}

fn panicked() -> Fault {
    Fault::bare(FaultKind::Internal, "a password hash panicked")
}

impl Lane {
    fn start() -> std::io::Result<Self> {
        let (tasks, queue) = unbounded_channel();
        std::thread::Builder::new().name("hashing".to_owned()).spawn(move || serve(queue))?;
        Ok(Self(tasks))
    }
}

impl Task {
    /// Everything goes back to the caller, to be freed there.
    pub(super) fn run(mut self, reply: Reply) {
        let result = self.work.run(fitted(&mut self.arena, self.work.blocks()));
        // Nobody waits any longer where the server ends.
        let _ = reply.send((result, self));
    }
}

/// A lane's thread, until nobody can send it anything.
fn serve(mut queue: UnboundedReceiver<(Task, Reply)>) {
    if !yields_to_all() {
        tracing::debug!("password hashes run like any other thread: others wait for them");
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut cx = Context::from_waker(&waker);
    loop {
        match queue.poll_recv(&mut cx) {
            Poll::Ready(Some((task, reply))) => task.run(reply),
            Poll::Ready(None) => return,
            Poll::Pending => std::thread::park(),
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Puts this thread into the class `SCHED_IDLE` (`sched(7)`). A process needs no right for that, and has none to go back.
#[cfg(target_os = "linux")]
fn yields_to_all() -> bool {
    use thread_priority::{
        NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy,
        thread_native_id, thread_schedule_policy,
    };
    let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
    // It sets the nice value too, which means nothing in this class, and which not every process may.
    let _ = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, idle);
    thread_schedule_policy().is_ok_and(|class| class == idle)
}

#[cfg(not(target_os = "linux"))]
fn yields_to_all() -> bool {
    false
}

#[cfg(test)]
mod tests;
