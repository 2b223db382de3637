//! Whose turn it is: so many questions of one sort at once, and to one stranger's host so few that none holds up the others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

/// Questions of one sort on their way at once.
const AT_ONCE: usize = 64;
/// Of those, to one stranger's host.
const AT_ONE_HOST: usize = 8;
/// From how many hosts on those are let go of whom nobody asks now.
const HOSTS: usize = 256;

/// How many questions may go to one sort of server, that none waits for another sort.
#[derive(Debug)]
pub(crate) struct Turns {
    all: Semaphore,
    /// `None`: those who are registered here are not told apart.
    hosts: Option<Mutex<HashMap<String, Arc<Semaphore>>>>,
}

/// A place among those who ask, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    _all: SemaphorePermit<'a>,
    _host: Option<OwnedSemaphorePermit>,
}

impl Turns {
    pub(crate) fn of_the_registered() -> Self {
        Self { all: Semaphore::new(AT_ONCE), hosts: None }
    }

    pub(crate) fn of_strangers() -> Self {
        Self { all: Semaphore::new(AT_ONCE), hosts: Some(Mutex::default()) }
    }

    pub(crate) async fn turn(&self, host: &str) -> Option<Turn<'_>> {
        // The host's own first: who waits for a slow host keeps no place that others could have.
        let host = match &self.hosts {
            Some(hosts) => Some(at(hosts, host).acquire_owned().await.ok()?),
            None => None,
        };
        Some(Turn { _all: self.all.acquire().await.ok()?, _host: host })
    }
}

fn at(hosts: &Mutex<HashMap<String, Arc<Semaphore>>>, host: &str) -> Arc<Semaphore> {
    let mut hosts = hosts.lock().unwrap_or_else(PoisonError::into_inner);
    if hosts.len() >= HOSTS {
        // Whoever asks or waits holds it, too.
        hosts.retain(|_, own| Arc::strong_count(own) > 1);
    }
    Arc::clone(hosts.entry(host.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(AT_ONE_HOST))))
}
