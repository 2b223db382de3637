//! What becomes of a hash whose thread gets no time; nothing here waits for the clock.

use super::*;
use tokio::sync::Semaphore;
use valetkey_core::secret::Secret;

const NEVER: Duration = Duration::MAX;
const AT_ONCE: Duration = Duration::ZERO;

fn work() -> Work {
    Work::anew(&Secret::new("alice-in-wonderland-1865"), [7; 16]).expect("work")
}

/// Lanes with one that the test serves, or does not: as one whose thread gets no time.
fn with_one_of_ours(least_patience: Duration) -> (Arc<Lanes>, UnboundedReceiver<(Task, Reply)>) {
    let lanes = Lanes::with_patience(0, least_patience);
    let (tasks, queue) = unbounded_channel();
    lanes.free.lock().expect("ours").push(Lane(tasks));
    (Arc::new(lanes), queue)
}

fn free(lanes: &Lanes) -> usize {
    lanes.free.lock().expect("ours").len()
}

async fn compute(lanes: &Arc<Lanes>, permits: &Arc<Semaphore>) -> Output {
    let permit = Arc::clone(permits).acquire_owned().await.expect("open");
    Arc::clone(lanes).compute(work(), permit).await.expect("an output")
}

#[tokio::test]
async fn a_hash_whose_thread_gets_no_time_is_begun_again_on_another() {
    let (lanes, mut queue) = with_one_of_ours(AT_ONCE);
    let permits = Arc::new(Semaphore::new(1));
    let computed = compute(&lanes, &permits).await;
    let (stuck, reply) = queue.recv().await.expect("it was begun on the lane first");
    assert_eq!(
        (free(&lanes), permits.available_permits()),
        (0, 1),
        "the lane is at it still; others may hash"
    );

    // Its lane is not asked again meanwhile, nor waited for: nobody serves it.
    assert!(computed == compute(&lanes, &permits).await);
    assert!(queue.try_recv().is_err());
    assert_eq!(lanes.arenas.count(), 1, "the other thread's");

    stuck.run(reply);
    while free(&lanes) == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(lanes.arenas.count(), 2, "no more than two for a permit");
}

#[tokio::test]
async fn a_hash_whose_thread_gets_time_is_computed_once() {
    let (lanes, mut queue) = with_one_of_ours(NEVER);
    let permits = Arc::new(Semaphore::new(1));
    let serving = std::thread::spawn(move || {
        for _ in 0..2 {
            let (task, reply) = queue.blocking_recv().expect("a task");
            task.run(reply);
        }
        queue
    });
    for _ in 0..2 {
        compute(&lanes, &permits).await;
        assert_eq!((free(&lanes), lanes.arenas.count(), permits.available_permits()), (1, 1, 1));
    }
    assert!(serving.join().expect("ended").try_recv().is_err());
}

#[tokio::test]
async fn a_lane_that_is_gone_is_done_without() {
    let (lanes, queue) = with_one_of_ours(NEVER);
    drop(queue);
    let permits = Arc::new(Semaphore::new(1));
    let computed = compute(&lanes, &permits).await;
    assert_eq!((free(&lanes), permits.available_permits()), (0, 1));
    let (lanes, mut queue) = with_one_of_ours(NEVER);
    let giving_up = std::thread::spawn(move || drop(queue.blocking_recv()));
    let permit = Arc::clone(&permits).acquire_owned().await.expect("open");
    assert!(Arc::clone(&lanes).compute(work(), permit).await.is_err(), "it ended over a hash");
    assert_eq!(lanes.pace.load(Ordering::Relaxed), 0, "which says nothing of how fast one is");
    giving_up.join().expect("ended");
    assert!(computed == compute(&lanes, &permits).await);
}

#[tokio::test]
async fn a_hash_that_wants_more_memory_is_not_computed_twice() {
    let (lanes, mut queue) = with_one_of_ours(AT_ONCE);
    let large = "$argon2id$v=19$m=20000,t=1,p=1$c29tZXNhbHQ$m9wxqlcrhLjL3mDQ4vHmsQ";
    let large = super::super::phc::Parsed::parse(large).expect("readable").work(&Secret::new("x"));
    let permit = Arc::new(Semaphore::new(1)).acquire_owned().await.expect("open");
    Arc::clone(&lanes).compute(large, permit).await.expect("an output");
    assert!(queue.try_recv().is_err());
    assert_eq!((free(&lanes), lanes.arenas.count()), (1, 0));
}

#[test]
fn patience_grows_with_what_a_hash_takes_here() {
    let lanes = Lanes::with_patience(1, Duration::from_millis(150));
    let (work, millis) = (work(), Duration::from_millis);
    assert_eq!(lanes.patience(&work), millis(150), "nothing is known yet");
    for (took, patience) in [(200, 800), (1_000, 800), (100, 400), (15, 150)] {
        lanes.learn(&work, millis(took));
        let got = lanes.patience(&work);
        // What is remembered is rounded.
        assert!(got.abs_diff(millis(patience)) < millis(1), "{took}: {got:?}");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_lane_is_in_the_class_that_every_other_thread_interrupts() {
    let yields = std::thread::spawn(|| yields_to_all().then(std::thread::current)).join().expect("ended");
    assert!(yields.is_some(), "no right is needed for it");
    let lanes = Arc::new(Lanes::new(1));
    let permits = Arc::new(Semaphore::new(1));
    for _ in 0..2 {
        compute(&lanes, &permits).await;
        // On a machine with much to do it may be a while.
        while free(&lanes) == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(*lanes.unmade.lock().expect("ours"), 0, "made when it is first needed, and once");
    }
}
