//! R16 — SIGTERM at full load: what was accepted is finished.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use valetkey_person::{Connection, Request};

use crate::fault::{Fault, Outcome, Stage};
use crate::load::ledger::Rule;
use crate::world::node::{Node, Place};
use crate::world::postgres::Postgres;

pub const ONE: Fault = Fault {
    id: "R16/one",
    name: "SIGTERM under load, one node",
    pass: "not ready at once; no accepted request without its answer; exit 0 within 10 s; a second SIGTERM ends it within 1 s",
    smoke: true,
    run: one,
};
pub const TWO: Fault = Fault {
    id: "R16/two",
    name: "SIGTERM under load, two nodes in turn",
    pass: "a client that tries the other node when its connection is refused has no failed request",
    smoke: true,
    run: two,
};

const CLIENTS: usize = 8;
const EXIT: Duration = Duration::from_secs(10);

/// What clients saw.
#[derive(Debug, Default)]
struct Tally {
    answered: AtomicU64,
    refused: AtomicU64,
    /// Reset before a byte of an answer: the kernel still had them in its queue when the listener closed.
    queued: AtomicU64,
    failed: AtomicU64,
}

/// Asks each time on a new connection: refused is fair, an accepted request without an answer is not.
fn ask(door: SocketAddr, tally: &Tally) -> bool {
    let request = Request::get("/.well-known/openid-configuration").header("Connection", "close");
    match Connection::new(door).send(&request) {
        Ok(reply) if reply.status == 200 => tally.answered.fetch_add(1, SeqCst),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            tally.refused.fetch_add(1, SeqCst);
            return false;
        }
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
            tally.queued.fetch_add(1, SeqCst);
            return false;
        }
        _ => tally.failed.fetch_add(1, SeqCst),
    };
    true
}

fn one(stage: &Stage) -> io::Result<Outcome> {
    let mut outcome = Outcome::new();
    let mut node = Node::started(Place::new(&stage.bin, &stage.home, "node")?)?;
    let tally = Tally::default();
    let mut unready = Duration::ZERO;
    for round in 0..stage.rounds(5, 50) {
        outcome.rounds += 1;
        let over = AtomicBool::new(false);
        let door = node.place.public;
        thread::scope(|scope| {
            for _ in 0..CLIENTS {
                scope.spawn(|| {
                    while !over.load(SeqCst) {
                        ask(door, &tally);
                    }
                });
            }
            // Beside them, one that keeps its connection and has a request under way.
            thread::sleep(Duration::from_millis(200 + u64::from(round) * 7 % 300));
            let ended = if round % 5 == 4 {
                twice(&mut node, &mut outcome)
            } else {
                once(&mut node, &mut unready, &mut outcome)
            };
            over.store(true, SeqCst);
            ended
        })?;
        let took = node.start()?;
        outcome.recoveries.push(took);
    }
    outcome.note(format!("slowest to say that it is not ready: {} ms after the signal", unready.as_millis()));
    conclude(&tally, &mut outcome);
    Ok(outcome)
}

fn conclude(tally: &Tally, outcome: &mut Outcome) {
    let [answered, refused, queued, failed] =
        [&tally.answered, &tally.refused, &tally.queued, &tally.failed].map(|count| count.load(SeqCst));
    outcome.acknowledged += answered;
    outcome.note(format!("{answered} answered, {refused} refused before they began, {queued} reset in the kernel's queue, {failed} failed"));
    // The server empties the queue before it closes the listener; what comes between the two is the kernel's.
    let stops = u64::from(outcome.rounds);
    outcome.demand(queued <= stops, || format!("{queued} connections reset in the queue by {stops} stops"));
    if failed > 0 {
        outcome.breach(Rule::CleanAnswers, format!("{failed} accepted requests without an answer"));
    }
}

fn once(node: &mut Node, unready: &mut Duration, outcome: &mut Outcome) -> io::Result<()> {
    let began = Instant::now();
    node.signal("TERM")?;
    while node.is_ready() && began.elapsed() < EXIT {}
    *unready = (*unready).max(began.elapsed());
    outcome.in_time("saying that it is not ready", began.elapsed(), Duration::from_secs(1));
    let status = loop {
        if let Some(status) = node.ended()? {
            break Some(status);
        }
        if began.elapsed() > EXIT + Duration::from_secs(2) {
            break None;
        }
        thread::sleep(Duration::from_millis(5));
    };
    outcome.in_time("the end", began.elapsed(), EXIT);
    outcome.demand(status.is_some_and(|status| status.success()), || format!("it ended with {status:?}"));
    node.kill()
}

/// The second signal ends it at once, whoever holds it: here a connection that says nothing.
fn twice(node: &mut Node, outcome: &mut Outcome) -> io::Result<()> {
    let mut holder = std::net::TcpStream::connect(node.place.public)?;
    io::Write::write_all(
        &mut holder,
        b"POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc",
    )?;
    thread::sleep(Duration::from_millis(50));
    node.signal("TERM")?;
    thread::sleep(Duration::from_millis(300));
    outcome.demand(node.ended()?.is_none(), || "it did not wait for a request under way".to_owned());
    let (status, took) = node.stop(Duration::from_secs(3))?;
    outcome.demand(status.is_some(), || "it did not end at the second SIGTERM".to_owned());
    outcome.in_time("the end after the second SIGTERM", took, Duration::from_secs(1));
    node.kill()
}

fn two(stage: &Stage) -> io::Result<Outcome> {
    let mut outcome = Outcome::new();
    let postgres = Postgres::new(&stage.home, "postgres")?;
    let place = Place::on_postgres(&stage.bin, &stage.home, "node1", &postgres.url())?;
    let sibling = place.sibling("node2")?;
    let mut nodes = [Node::started(place)?, Node::started(sibling)?];
    let doors = [nodes[0].place.public, nodes[1].place.public];
    let (tally, homeless, over) = (Tally::default(), AtomicU64::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        let (tally, homeless, over) = (&tally, &homeless, &over);
        for n in 0..CLIENTS {
            scope.spawn(move || {
                while !over.load(SeqCst) {
                    // The other one only where this one did not take the connection.
                    if !ask(doors[n % 2], tally) && !ask(doors[(n + 1) % 2], tally) {
                        homeless.fetch_add(1, SeqCst);
                    }
                }
            });
        }
        let rounds = stage.rounds(4, 50);
        let played = (0..rounds).try_for_each(|round| {
            outcome.rounds += 1;
            let node = &mut nodes[usize::from(round % 2 == 1)];
            thread::sleep(Duration::from_millis(200));
            once(node, &mut Duration::default(), &mut outcome)?;
            let took = node.start()?;
            outcome.recoveries.push(took);
            Ok::<_, io::Error>(())
        });
        over.store(true, SeqCst);
        played
    })?;
    let homeless = homeless.load(SeqCst);
    outcome.demand(homeless == 0, || format!("{homeless} requests were refused by both nodes"));
    conclude(&tally, &mut outcome);
    Ok(outcome)
}
