//! R26 — nobody reads the log, or its disk is full: no request waits, and the audit trail has everything.

use std::fs::{self, OpenOptions};
use std::io::{self, Error, Read};
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use valetkey_person::{Connection, Request};

use crate::fault::{Fault, Outcome, Stage};
use crate::load::crew::Crew;
use crate::load::judge::Depth;
use crate::load::ledger::Rule;
use crate::load::manager;
use crate::pace;
use crate::probe::Probe;
use crate::world::chores::{run as program, until};
use crate::world::node::{Node, Place};

pub const FAULT: Fault = Fault {
    id: "R26",
    name: "nobody reads the log (a pipe that is full); the log's disk is full",
    pass: "no request fails or waits for it; lost lines are counted; every acknowledged revocation and client is in the audit \
           trail; a SIGTERM meanwhile ends with 0 within 10 s; the log goes on when it is read again",
    smoke: false,
    run,
};

const SLOWEST: Duration = Duration::from_millis(50);
const WRITES: usize = 40;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Log {
    Blocked,
    Full,
}

fn run(stage: &Stage) -> io::Result<Outcome> {
    play(stage, 0)
}

/// Enters revocations that were never asked for: the trail must be seen to lack them.
pub fn prove(stage: &Stage) -> io::Result<Outcome> {
    play(stage, 3)
}

fn play(stage: &Stage, invented: usize) -> io::Result<Outcome> {
    let mut outcome = Outcome::new();
    for _ in 0..stage.rounds(1, 3) {
        for log in [Log::Blocked, Log::Full] {
            outcome.rounds += 1;
            one(stage, log, invented, &mut outcome)?;
        }
    }
    Ok(outcome)
}

fn one(stage: &Stage, log: Log, invented: usize, outcome: &mut Outcome) -> io::Result<()> {
    let place = Place::new(&stage.bin, &stage.home, &format!("{log:?}-{}", outcome.rounds))?;
    let pipe = place.log().with_extension("pipe");
    let held = lead_away(log, &place, &pipe)?;
    let mut node = Node::started(place)?;
    // What the server has open stays open; who looks for its last words finds a file.
    fs::remove_file(node.place.log())?;
    fs::write(node.place.log(), "")?;

    let mut crew = Crew::hire(&node.place, &[node.place.public], stage.workers, stage.seed, &stage.home)?;
    let mut probe = Probe::new(&node.place, node.place.public, WRITES)?;
    let (place, door) = (node.place.clone(), node.place.public);
    // Fair weather all the while: any refusal or missing answer is a breach.
    let (others, managed) = crew.load(|sky| {
        thread::scope(|scope| {
            let beside = sky.clone();
            let commands = scope.spawn(move || manager::manage(&place, 1, &beside));
            let others = pace::measure(door, stage.pick(Duration::from_secs(1), Duration::from_secs(5)));
            for _ in 0..WRITES {
                let look = probe.write();
                outcome.demand(look.is_done(), || format!("{log:?}: a write: {:?}", look.reply));
            }
            sky.end();
            let managed = commands.join().map_err(|_| Error::other("the management commands panicked"))?;
            Ok((others, managed))
        })
    })?;
    outcome.note(format!("{log:?}: everybody else: {others}"));
    outcome.demand(others.failed == 0, || format!("{log:?}: {} requests failed", others.failed));
    outcome.in_time("a request (p99)", others.p99, stage.limit(SLOWEST));
    for failed in &managed.failed {
        outcome.breach(Rule::CleanAnswers, failed.clone());
    }
    crew.made.extend(managed.made);
    counted(log, &node, outcome)?;
    in_the_trail(&node.place, probe.client(), WRITES + invented, outcome)?;
    crew.judge(Depth::All);
    crew.judge_made(door, Depth::All);
    crew.judge_audit(&node.place);

    let (status, took) = node.stop(Duration::from_secs(12))?;
    outcome.in_time("the end while nobody reads", took, Duration::from_secs(10));
    outcome.demand(status.is_some_and(|status| status.success()), || {
        format!("{log:?}: it ended with {status:?}")
    });
    outcome.take(&mut crew);
    drop(held);
    Ok(())
}

/// Makes what the server writes its log to. The pipe's reading end is held and not read.
fn lead_away(log: Log, place: &Place, pipe: &PathBuf) -> io::Result<Option<fs::File>> {
    match log {
        Log::Full => symlink("/dev/full", place.log()).map(|()| None),
        Log::Blocked => {
            program("mkfifo", &[&pipe.display().to_string()])?;
            symlink(pipe, place.log())?;
            OpenOptions::new().read(true).write(true).open(pipe).map(Some)
        }
    }
}

/// Lines were lost, and the server says how many; what reads again gets lines again.
fn counted(log: Log, node: &Node, outcome: &mut Outcome) -> io::Result<()> {
    // As many questions as it takes to fill the queue, each some lines.
    let mut asker = Connection::new(node.place.public);
    let lost = until("a line is lost", Duration::from_secs(20), || {
        for _ in 0..100 {
            let _ = asker.send(&Request::get("/oauth/jwks"));
        }
        dropped(node).is_some_and(|lines| lines > 0.0)
    });
    outcome.note(format!("{log:?}: {} lines dropped", dropped(node).unwrap_or_default()));
    outcome.demand(lost.is_ok(), || format!("{log:?}: no lost line was counted"));
    if log == Log::Full {
        return Ok(());
    }
    // Reads what waits, then what comes: among it how much was lost.
    let mut reader = fs::File::open(node.place.log().with_extension("pipe"))?;
    let told = thread::spawn(move || {
        let (mut seen, mut piece) = (Vec::new(), [0; 16_384]);
        while let Ok(read @ 1..) = reader.read(&mut piece) {
            seen.extend_from_slice(&piece[..read]);
            if seen.windows(17).any(|words| words == b"lines were droppe") {
                return;
            }
        }
    });
    let found = until("the log says what was lost", Duration::from_secs(10), || {
        // Each question is a line.
        let _ = node.get("/oauth/jwks");
        told.is_finished()
    });
    outcome.demand(found.is_ok(), || "the log did not go on when it was read again".to_owned());
    Ok(())
}

fn dropped(node: &Node) -> Option<f64> {
    let metrics = node.health("/metrics").ok()?.text();
    let line = metrics.lines().find(|line| line.starts_with("valetkey_log_lines_dropped_total"))?;
    line.split_whitespace().last()?.parse().ok()
}

/// Each revocation that was acknowledged has its entry.
fn in_the_trail(place: &Place, client: &str, acknowledged: usize, outcome: &mut Outcome) -> io::Result<()> {
    let words = ["audit", "tail", "-n", "1000", "--client", client];
    let trail = place.manage(&words, "").map_err(Error::other)?;
    let seen = trail
        .as_array()
        .map_or(0, |entries| entries.iter().filter(|entry| entry["event"] == "token_revoked").count());
    if seen < acknowledged {
        outcome.breach(Rule::AuditHolds, format!("{seen} revocations in the trail of {acknowledged}"));
    }
    Ok(())
}
