//! R05 — the disk fills up under load, and is given space again.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use crate::fault::{Fault, Outcome, Stage};
use crate::load::crew::Crew;
use crate::load::judge::Depth;
use crate::load::ledger::Rule;
use crate::probe::Probe;
use crate::world::node::{Node, Place};
use crate::world::room::Room;

pub const FAULT: Fault = Fault {
    id: "R05",
    name: "disk full under load (tmpfs of 64 MB), then space again",
    pass: "writes answer 503 within 1 s; introspection, keys and metadata always; the process lives; well within 5 s of the \
           space without a restart; V3: nothing acknowledged is lost",
    smoke: true,
    run,
};

const ANSWER: Duration = Duration::from_secs(1);
const RECOVERY: Duration = Duration::from_secs(5);

fn run(stage: &Stage) -> io::Result<Outcome> {
    let mut outcome = Outcome::new();
    let disk = stage.home.join("disk");
    std::fs::create_dir_all(&disk)?;
    let room = match Room::new(&disk, 64) {
        Ok(room) => room,
        Err(error) => return Ok(Outcome::skipped(error.to_string())),
    };
    let mut place = Place::new(&stage.bin, &stage.home, "node")?;
    place.data = disk.join("data");
    place.prefix = room.prefix();
    let node = Node::started(place)?;
    let mut crew = Crew::hire(&node.place, &[node.place.public], stage.workers, stage.seed, &stage.home)?;
    let mut probe = Probe::new(&node.place, node.place.public, 2000)?;
    for _ in 0..stage.rounds(2, 10) {
        outcome.rounds += 1;
        crew.load(|sky| {
            thread::sleep(Duration::from_millis(500));
            sky.storm();
            room.fill();
            full(&node, &mut probe, stage, &mut outcome);
            room.free()?;
            let took = probe.until_well(&node, Duration::from_secs(20))?;
            outcome.recovered(took, stage.limit(RECOVERY));
            // What began in the storm ends in it.
            thread::sleep(Duration::from_secs(2));
            sky.clear();
            thread::sleep(Duration::from_millis(500));
            Ok(())
        })?;
        crew.judge(Depth::Sample);
    }
    // What was acknowledged is on the disk, not only in the process.
    let mut node = node;
    node.kill()?;
    node.start()?;
    crew.judge(Depth::All);
    crew.judge_log(&node.place)?;
    outcome.take(&mut crew);
    Ok(outcome)
}

fn full(node: &Node, probe: &mut Probe, stage: &Stage, outcome: &mut Outcome) {
    let (began, mut slowest, mut refused) = (Instant::now(), Duration::ZERO, 0);
    while began.elapsed() < Duration::from_secs(4) {
        let look = probe.write();
        outcome.in_time("the answer to a write", look.took, stage.limit(ANSWER));
        slowest = slowest.max(look.took);
        refused += u32::from(look.is_busy());
        // The log may still have room of its own.
        if !look.is_busy() && !look.is_done() {
            outcome.breach(Rule::CleanAnswers, format!("a write on a full disk: {:?}", look.reply));
        }
        reads(node, probe, outcome);
        thread::sleep(Duration::from_millis(30));
    }
    outcome.demand(refused > 0, || "no write was refused: the disk was not full".to_owned());
    outcome.note(format!("{refused} writes refused, slowest answer {} ms", slowest.as_millis()));
}

/// What must go on while nothing can be written.
pub fn reads(node: &Node, probe: &Probe, outcome: &mut Outcome) {
    let look = probe.introspect();
    let active = matches!(&look.reply, crate::load::wire::Reply::Done(body) if body["active"] == true);
    outcome.demand(active, || format!("introspection without writes: {:?}", look.reply));
    outcome.demand(probe.documents(), || "keys or metadata were not served".to_owned());
    let alive = node.health("/health/live").is_ok_and(|reply| reply.status == 200);
    outcome.demand(alive, || "it said that it is not alive".to_owned());
}
