//! R13, R14 — those who hold connections and say little or nothing.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use valetkey_person::{Connection, Request};

use crate::fault::{Fault, Outcome, Stage};
use crate::load::ledger::Rule;
use crate::pace::{Pace, measure};
use crate::world::node::{Node, Place};

pub const SLOW: Fault = Fault {
    id: "R13",
    name: "slow headers, slow bodies, silent connections, HTTP/2 without frames, kept connections",
    pass: "each is closed 5 s after its limit at the latest (headers and silence 10 s, body 30 s, idle 60 s); everybody else is \
           answered, p99 no more than twice what it was",
    smoke: true,
    run: slow,
};
pub const IDLE: Fault = Fault {
    id: "R14",
    name: "10,000 idle connections, 1,000 of HTTP/2 among them, and more than the cap",
    pass: "all are held; memory grows by no more than 200 MB; p99 no more than 1.5 times what it was; over the cap 503 at \
           once; the management listener answers",
    smoke: false,
    run: idle,
};

/// HTTP/2 by prior knowledge: the preface and empty settings.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// How a connection is slow.
#[derive(Debug, Clone, Copy)]
struct Kind {
    name: &'static str,
    count: usize,
    first: &'static [u8],
    /// One more byte of this now and then.
    drip: Option<u8>,
    /// In seconds, by default.
    limit: u64,
}

const KINDS: [Kind; 5] = [
    Kind { name: "slow headers", count: 2000, first: b"GET / HTTP/1.1\r\nX: ", drip: Some(b'a'), limit: 10 },
    Kind {
        name: "slow bodies",
        count: 500,
        first:
            b"POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n\
                 Content-Length: 5000\r\n\r\n",
        drip: Some(b'a'),
        limit: 30,
    },
    Kind { name: "silent", count: 500, first: b"", drip: None, limit: 10 },
    Kind { name: "HTTP/2 without frames", count: 500, first: PREFACE, drip: None, limit: 60 },
    Kind {
        name: "kept",
        count: 500,
        first: b"GET /oauth/jwks HTTP/1.1\r\nHost: x\r\n\r\n",
        drip: None,
        limit: 60,
    },
];

struct Held {
    kind: usize,
    stream: TcpStream,
    opened: Instant,
    closed: Option<Duration>,
}

fn slow(stage: &Stage) -> io::Result<Outcome> {
    let mut outcome = Outcome::new();
    let mut place = Place::new(&stage.bin, &stage.home, "node")?;
    // The smoke set has no minute for it: the same limits, five times as short.
    let shorter = stage.pick(5, 1);
    for (name, seconds) in [("HEADER", 10), ("BODY", 30), ("IDLE", 60)] {
        place.set(&format!("VALETKEY__HTTP__LIMITS__{name}_TIMEOUT"), &format!("{}s", seconds / shorter));
    }
    let node = Node::started(place)?;
    let door = node.place.public;
    let before = measure(door, stage.pick(Duration::from_secs(1), Duration::from_secs(5)));
    let files = node.usage().files;
    let mut held = Vec::new();
    for (n, kind) in KINDS.iter().enumerate() {
        for _ in 0..kind.count / stage.pick(10, 1) {
            held.push(hold(n, door)?);
        }
    }
    outcome.rounds = u32::try_from(held.len()).unwrap_or(0);
    let last = Duration::from_secs(60 / shorter) + Duration::from_secs(6);
    let (seen, during) = thread::scope(|scope| {
        let watching = scope
            .spawn(|| watch(&mut held, last, Duration::from_secs(10 / shorter).min(Duration::from_secs(1))));
        let during = measure(door, last.saturating_sub(Duration::from_secs(2)));
        (watching.join().is_ok(), during)
    });
    outcome.demand(seen, || "the watch ended early".to_owned());
    for (n, kind) in KINDS.iter().enumerate() {
        let own = || held.iter().filter(|one| one.kind == n);
        let slowest = own().filter_map(|one| one.closed).max().unwrap_or_default();
        let open = own().filter(|one| one.closed.is_none()).count();
        let limit = Duration::from_secs(kind.limit / shorter) + Duration::from_secs(5);
        outcome.note(format!(
            "{}: {} held, the last closed after {} ms",
            kind.name,
            own().count(),
            slowest.as_millis()
        ));
        outcome.demand(open == 0, || format!("{}: {open} were not closed", kind.name));
        outcome.in_time(kind.name, slowest, limit);
    }
    compare(&before, &during, 2.0, stage, &mut outcome);
    drop(held);
    thread::sleep(Duration::from_millis(500));
    let after = node.usage().files;
    if after > files + 20 {
        outcome.breach(Rule::Resources, format!("{files} open files became {after}"));
    }
    Ok(outcome)
}

/// Everybody else: all answered, and as fast as before within reason.
fn compare(before: &Pace, during: &Pace, factor: f64, stage: &Stage, outcome: &mut Outcome) {
    outcome.acknowledged += during.answered;
    outcome.note(format!("everybody else: before {before}; meanwhile {during}"));
    if during.failed * 1000 > during.answered {
        outcome.breach(Rule::CleanAnswers, format!("{} of {} failed", during.failed, during.answered));
    }
    if stage.full {
        // Below a few milliseconds a machine of two cores says more about itself than about us.
        let limit = before.p99.mul_f64(factor).max(Duration::from_millis(5));
        outcome.in_time("p99 of everybody else", during.p99, limit);
    }
}

fn hold(kind: usize, door: SocketAddr) -> io::Result<Held> {
    let mut stream = TcpStream::connect(door)?;
    stream.write_all(KINDS[kind].first)?;
    stream.set_nonblocking(true)?;
    Ok(Held { kind, stream, opened: Instant::now(), closed: None })
}

/// Drips and looks who was closed.
fn watch(held: &mut [Held], span: Duration, every: Duration) {
    let (began, mut dripped) = (Instant::now(), Instant::now());
    let mut buffer = [0; 4096];
    while began.elapsed() < span && held.iter().any(|one| one.closed.is_none()) {
        let drip = dripped.elapsed() > every;
        if drip {
            dripped = Instant::now();
        }
        for one in held.iter_mut().filter(|one| one.closed.is_none()) {
            if let Some(byte) = KINDS[one.kind].drip.filter(|_| drip) {
                // That it is closed shows when it is read.
                let _ = one.stream.write(&[byte]);
            }
            loop {
                match one.stream.read(&mut buffer) {
                    Ok(0) => one.closed = Some(one.opened.elapsed()),
                    Ok(_) => continue,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    Err(_) => one.closed = Some(one.opened.elapsed()),
                }
                break;
            }
        }
        thread::sleep(Duration::from_millis(100));
    }
}

fn idle(stage: &Stage) -> io::Result<Outcome> {
    let mut outcome = Outcome::new();
    // Each process may have that many files.
    let node = Node::started(Place::new(&stage.bin, &stage.home, "node")?)?;
    let door = node.place.public;
    let before = measure(door, Duration::from_secs(3));
    let base = node.usage();
    let wanted = stage.pick(2000, 11_000);
    let began = Instant::now();
    let mut held = Vec::new();
    for n in 0..wanted {
        held.push(hold(if n % 11 == 10 { 3 } else { 4 }, door)?);
    }
    thread::sleep(Duration::from_secs(1));
    outcome.rounds = u32::try_from(wanted).unwrap_or(0);
    outcome.note(format!("{wanted} connections held after {} ms", began.elapsed().as_millis()));
    let during = measure(door, Duration::from_secs(5));
    let now = node.usage();
    outcome.note(format!(
        "memory {} MB before, {} MB with them; files {}",
        base.rss / 1024,
        now.rss / 1024,
        now.files
    ));
    if now.rss > base.rss + 200 * 1024 {
        outcome.breach(Rule::Resources, format!("{} KiB grew to {} KiB", base.rss, now.rss));
    }
    outcome.demand(now.files > wanted, || {
        format!("{} files for {wanted} connections: some were refused", now.files)
    });
    compare(&before, &during, 1.5, stage, &mut outcome);
    if stage.full {
        over_the_cap(door, wanted, &node, &mut held, &mut outcome);
    }
    Ok(outcome)
}

/// The default cap is 12,000.
fn over_the_cap(door: SocketAddr, have: usize, node: &Node, held: &mut Vec<Held>, outcome: &mut Outcome) {
    // Some more than that: on a slow machine those that said nothing may be gone by now.
    for _ in have..13_300 {
        held.extend(hold(4, door));
    }
    thread::sleep(Duration::from_millis(500));
    let began = Instant::now();
    let reply = Connection::new(door).send(&Request::get("/oauth/jwks").header("Connection", "close"));
    outcome.in_time("the refusal over the cap", began.elapsed(), Duration::from_secs(1));
    let refused = reply.as_ref().map_or_else(|error| Err(error.kind()), |reply| Ok(reply.status));
    outcome.note(format!("over the cap: {refused:?} after {} ms", began.elapsed().as_millis()));
    // A short 503 may be lost when the connection is reset beneath it.
    outcome.demand(!matches!(refused, Ok(200)), || "nobody is refused over the cap".to_owned());
    outcome.demand(node.is_ready(), || "the management listener does not answer".to_owned());
}
