//! How fast everybody else is answered.

use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use valetkey_person::{Connection, Request};

/// What a patient client with one connection saw.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    pub answered: u64,
    pub failed: u64,
    pub p50: Duration,
    pub p99: Duration,
}

impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (p50, p99) = (self.p50.as_micros(), self.p99.as_micros());
        write!(f, "{} answered, {} failed, p50 {p50} µs, p99 {p99} µs", self.answered, self.failed)
    }
}

/// Asks for the metadata on one connection, 500 times a second at most.
pub fn measure(door: SocketAddr, span: Duration) -> Pace {
    let mut connection = Connection::new(door);
    let request = Request::get("/.well-known/openid-configuration");
    let (began, mut took, mut failed) = (Instant::now(), Vec::new(), 0);
    while began.elapsed() < span {
        let asked = Instant::now();
        match connection.send(&request) {
            Ok(reply) if reply.status == 200 => took.push(asked.elapsed()),
            _ => failed += 1,
        }
        std::thread::sleep(Duration::from_millis(2).saturating_sub(asked.elapsed()));
    }
    took.sort();
    let at = |share: usize| took.get(took.len() * share / 100).copied().unwrap_or_default();
    Pace { answered: took.len() as u64, failed, p50: at(50), p99: at(99) }
}
