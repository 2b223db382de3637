//! R05 — the disk fills up under load, and is given space again.

use std::io;
use std::time::Duration;

use crate::fault::{Fault, Outcome, Stage};
use crate::faults::unwritable::{Disk, round};
use crate::load::crew::Crew;
use crate::load::judge::Depth;
use crate::probe::Probe;
use crate::world::node::{Node, Place};
use crate::world::room::Room;

pub const FAULT: Fault = Fault {
    id: "R05",
    name: "disk full under load (tmpfs, 64 MB free each time), then space again",
    pass: "writes answer 503 within 1 s; introspection, keys and metadata always; the process lives; well within 5 s of the \
           space without a restart; V3: nothing acknowledged is lost",
    smoke: true,
    run,
};

/// What each round finds free, in MB.
const FREE: u64 = 64;

fn run(stage: &Stage) -> io::Result<Outcome> {
    let mut outcome = Outcome::new();
    let disk = stage.home.join("disk");
    std::fs::create_dir_all(&disk)?;
    let room = match Room::new(&disk, FREE) {
        Ok(room) => room,
        Err(error) => return Ok(Outcome::skipped(error.to_string())),
    };
    let mut place = Place::new(&stage.bin, &stage.home, "node")?;
    place.data = disk.join("data");
    place.prefix = room.prefix();
    let mut node = Node::started(place)?;
    let mut crew = Crew::hire(&node.place, &[node.place.public], stage.workers, stage.seed, &stage.home)?;
    let mut probe = Probe::new(&node.place, node.place.public, 2000)?;
    let full = Disk {
        stop: &|| {
            room.fill();
            Ok(())
        },
        go_on: &|| room.free(),
        span: Duration::from_secs(4),
        // The log of writes may have room of its own.
        has_crumbs: true,
    };
    for _ in 0..stage.rounds(2, 10) {
        room.leave(FREE)?;
        round(&mut crew, &node, &mut probe, &full, (stage, &mut outcome))?;
        // The judge writes too, and is to find room.
        room.leave(FREE)?;
        crew.judge(Depth::Sample);
    }
    // What was acknowledged is on the disk, not only in the process.
    room.leave(4 * FREE)?;
    node.kill()?;
    node.start()?;
    crew.judge(Depth::All);
    crew.judge_log(&node.place)?;
    outcome.take(&mut crew);
    Ok(outcome)
}
