//! R06, R07 — the disk turns read-only for a while; the disk cannot say that it has what it was given.

use std::io;
use std::thread;
use std::time::Duration;

use crate::fault::{Fault, Outcome, Stage};
use crate::faults::unwritable;
use crate::load::crew::Crew;
use crate::load::judge::Depth;
use crate::load::ledger::Rule;
use crate::probe::Probe;
use crate::world::node::{Node, Place};
use crate::world::room::Room;
use crate::world::shim::Disk;

pub const READ_ONLY: Fault = Fault {
    id: "R06",
    name: "the disk turns read-only under load and back; a start on a read-only disk",
    pass: "as R05; the start is refused with one clear line and an exit status that is not 0",
    smoke: false,
    run: read_only,
};
pub const FSYNC: Fault = Fault {
    id: "R07",
    name: "fsync fails at a random call and from then on, then kill -9",
    pass: "nothing is acknowledged after the failure until the disk is well; after the start V3 holds",
    smoke: false,
    run: fsync,
};

fn read_only(stage: &Stage) -> io::Result<Outcome> {
    let mut outcome = Outcome::new();
    let mut place = Place::new(&stage.bin, &stage.home, "node")?;
    let disk = match Disk::under(&mut place, &stage.home) {
        Ok(disk) => disk,
        Err(error) => return Ok(Outcome::skipped(error.to_string())),
    };
    let mut node = Node::started(place)?;
    let mut crew = Crew::hire(&node.place, &[node.place.public], stage.workers, stage.seed, &stage.home)?;
    let mut probe = Probe::new(&node.place, node.place.public, 4000)?;
    let read_only = unwritable::Disk {
        stop: &|| disk.say("r"),
        go_on: &|| disk.say("-"),
        span: stage.pick(Duration::from_secs(4), Duration::from_secs(10)),
        has_crumbs: false,
    };
    for _ in 0..stage.rounds(2, 5) {
        unwritable::round(&mut crew, &node, &mut probe, &read_only, (stage, &mut outcome))?;
        crew.judge(Depth::Sample);
    }
    node.kill()?;
    start_on_a_read_only_disk(stage, &node.place, &mut outcome)?;
    node.start()?;
    crew.judge(Depth::All);
    crew.judge_log(&node.place)?;
    outcome.take(&mut crew);
    Ok(outcome)
}

/// The real thing here: a disk mounted read-only with the killed server's files on it.
fn start_on_a_read_only_disk(stage: &Stage, place: &Place, outcome: &mut Outcome) -> io::Result<()> {
    let disk = stage.home.join("medium");
    std::fs::create_dir_all(&disk)?;
    let Ok(room) = Room::new(&disk, 256) else {
        outcome.note("no disk can be mounted here: the start on a read-only one was not tried");
        return Ok(());
    };
    let (from, to) = (place.data.display(), disk.display());
    room.shell(&format!("cp -a '{from}' '{to}/data' && mount -o remount,ro '{to}'"))?;
    let mut there = place.sibling("there")?;
    there.data = disk.join("data");
    there.prefix = room.prefix();
    let mut node = Node::new(there);
    let status = node.try_start(Duration::from_secs(10))?;
    let words = node.place.last_words();
    outcome.note(format!(
        "a start on a read-only disk: {}",
        words.replace(&stage.home.display().to_string(), "…")
    ));
    let clear = words.lines().count() == 1 && !words.contains("panicked");
    outcome.demand(status.is_some_and(|status| !status.success()) && clear, || {
        format!("{status:?} and: {words}")
    });
    node.kill()
}

fn fsync(stage: &Stage) -> io::Result<Outcome> {
    let mut outcome = Outcome::new();
    let mut place = Place::new(&stage.bin, &stage.home, "node")?;
    let disk = match Disk::under(&mut place, &stage.home) {
        Ok(disk) => disk,
        Err(error) => return Ok(Outcome::skipped(error.to_string())),
    };
    let mut node = Node::started(place)?;
    let mut crew = Crew::hire(&node.place, &[node.place.public], stage.workers, stage.seed, &stage.home)?;
    let mut probe = Probe::new(&node.place, node.place.public, 2000)?;
    for _ in 0..stage.rounds(3, 40) {
        outcome.rounds += 1;
        let call = crew.chance.between(1, 60);
        crew.load(|sky| {
            thread::sleep(Duration::from_millis(200));
            sky.storm();
            disk.say(&format!("e{call}"))?;
            thread::sleep(Duration::from_millis(700));
            // By now the call has come: whoever writes hears that it did not succeed.
            for _ in 0..5 {
                let look = probe.write();
                if !look.is_busy() {
                    outcome.breach(Rule::Asked, format!("acknowledged without fsync: {:?}", look.reply));
                }
            }
            sky.end();
            node.kill()
        })?;
        disk.say("-")?;
        let took = node.start()?;
        outcome.recovered(took, stage.limit(Duration::from_secs(2)));
        crew.judge(Depth::Sample);
    }
    crew.judge(Depth::All);
    crew.judge_log(&node.place)?;
    outcome.take(&mut crew);
    Ok(outcome)
}
