//! The bounds of hashing, and that what is written can be read.

use super::*;
use crate::clock::OsEntropy;
use std::time::Instant;

/// The string that another implementation (the reference `argon2` program) writes.
const FOREIGN: &str = "$argon2id$v=19$m=64,t=3,p=1$c29tZXNhbHQ$";

fn hasher(permits: usize, patience: Duration) -> Argon2Hasher {
    // No thread that yields to all: on a machine with much to do it would get no time.
    Argon2Hasher::with(Lanes::new(0), permits, Arc::new(OsEntropy), patience)
}

async fn reserve(hasher: &Argon2Hasher) -> Box<dyn HashPermit> {
    hasher.reserve().await.expect("a permit")
}

#[tokio::test]
async fn a_password_fits_its_own_hash_and_no_other() {
    let hasher = hasher(1, PATIENCE);
    let secret = Secret::new("alice-in-wonderland-1865");
    let phc = reserve(&hasher).await.hash(&secret).await.expect("a hash");
    assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
    assert!(!Parsed::parse(&phc).expect("ours").is_outdated());
    for (password, phc, want) in [
        ("alice-in-wonderland-1865", Some(phc.as_str()), true),
        ("alice-in-wonderland-1866", Some(&phc), false),
        ("alice-in-wonderland-1865", None, false),
    ] {
        let got = reserve(&hasher).await.verify(&Secret::new(password), phc).await;
        assert_eq!(got.expect("an answer"), want, "{password} {phc:?}");
    }
    assert_ne!(reserve(&hasher).await.hash(&secret).await.expect("a hash"), phc, "each has its own salt");
}

#[tokio::test]
async fn what_is_no_argon2id_hash_is_a_fault_and_what_would_break_the_bound_too() {
    let hasher = hasher(1, PATIENCE);
    let output = "m9wxqlcrhLjL3mDQ4vHmsQ";
    for phc in ["", "password", "$2b$10$abc", &FOREIGN.replace("m=64", "m=1000000")] {
        let phc = if phc.starts_with("$argon2id") { format!("{phc}{output}") } else { phc.to_owned() };
        let got = reserve(&hasher).await.verify(&Secret::new("x"), Some(&phc)).await;
        assert!(got.is_err_and(|fault| fault.kind == FaultKind::Corrupt), "{phc:?}");
    }
    let cheap = format!("{FOREIGN}{output}");
    assert!(!reserve(&hasher).await.verify(&Secret::new("x"), Some(&cheap)).await.expect("readable"));
    assert!(Parsed::parse(&cheap).expect("readable").is_outdated());
}

#[tokio::test]
async fn one_more_than_hashes_run_at_once_may_get_ready_and_no_more() {
    let hasher = hasher(1, Duration::ZERO);
    let (held, ready) = (reserve(&hasher).await, reserve(&hasher).await);
    assert!(hasher.reserve().await.is_err(), "a third is told to come back");
    drop(held);
    assert!(hasher.reserve().await.is_ok());
    drop(ready);
}

/// Polls once: the hash is asked for, and then its request is given up.
async fn begin_and_give_up(permit: Box<dyn HashPermit>) {
    let secret = Secret::new("x");
    let mut hashing = std::pin::pin!(permit.hash(&secret));
    let polled =
        std::future::poll_fn(|cx| std::task::Poll::Ready(hashing.as_mut().poll(cx).is_pending())).await;
    assert!(polled, "the hash has begun");
}

#[tokio::test]
async fn no_more_hashes_run_at_once_than_there_are_permits() {
    let hasher = hasher(1, PATIENCE);
    let running = Arc::clone(&hasher.shared.permits).acquire_owned().await.expect("open");
    begin_and_give_up(reserve(&hasher).await).await;
    tokio::task::yield_now().await;
    assert_eq!(hasher.shared.lanes.arenas().count(), 0, "it waits");
    drop(running);
    while hasher.turns.available_permits() < TURNS {
        tokio::task::yield_now().await;
    }
    assert_eq!(hasher.shared.lanes.arenas().count(), 1);
}

#[tokio::test]
async fn a_permit_is_held_until_the_hash_ends_even_when_nobody_waits_for_it() {
    let hasher = hasher(1, PATIENCE);
    begin_and_give_up(reserve(&hasher).await).await;
    assert_eq!(hasher.turns.available_permits(), TURNS - 1, "the request is gone, its hash is not");
    while hasher.turns.available_permits() < TURNS {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn memory_is_kept_for_the_next_hash_and_given_back_when_none_comes() {
    let hasher = hasher(2, PATIENCE);
    let before = Instant::now();
    for _ in 0..3 {
        reserve(&hasher).await.hash(&Secret::new("x")).await.expect("a hash");
    }
    let arenas = hasher.shared.lanes.arenas();
    assert_eq!(arenas.count(), 1);
    hasher.trim();
    arenas.trim_unused_since(Some(before));
    assert_eq!(arenas.count(), 1, "used a moment ago");
    arenas.trim_unused_since(Some(Instant::now()));
    assert_eq!(arenas.count(), 0);
}
