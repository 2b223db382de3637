//! What R05 and R06 have in common: a disk that takes no writes for a while, under load.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use crate::fault::{Outcome, Stage};
use crate::load::crew::Crew;
use crate::load::ledger::Rule;
use crate::load::wire::Reply;
use crate::probe::Probe;
use crate::world::node::Node;

const ANSWER: Duration = Duration::from_secs(1);
const RECOVERY: Duration = Duration::from_secs(5);

/// How a disk stops taking writes, and how it takes them again.
pub struct Disk<'a> {
    pub stop: &'a dyn Fn() -> io::Result<()>,
    pub go_on: &'a dyn Fn() -> io::Result<()>,
    /// In between.
    pub span: Duration,
    /// Whether some writes may still find room.
    pub has_crumbs: bool,
}

/// One round: load, no writes for a while, recovery without a restart.
pub fn round(
    crew: &mut Crew,
    node: &Node,
    probe: &mut Probe,
    disk: &Disk<'_>,
    (stage, outcome): (&Stage, &mut Outcome),
) -> io::Result<()> {
    outcome.rounds += 1;
    crew.load(|sky| {
        thread::sleep(Duration::from_millis(500));
        sky.storm();
        (disk.stop)()?;
        refused(node, probe, disk, stage, outcome);
        (disk.go_on)()?;
        let took = probe.until_well(node, Duration::from_secs(20))?;
        outcome.recovered(took, stage.limit(RECOVERY));
        // What began in the storm ends in it.
        thread::sleep(Duration::from_secs(2));
        sky.clear();
        thread::sleep(Duration::from_millis(500));
        Ok(())
    })
}

fn refused(node: &Node, probe: &mut Probe, disk: &Disk<'_>, stage: &Stage, outcome: &mut Outcome) {
    let (began, mut slowest, mut looks, mut refused) = (Instant::now(), Duration::ZERO, 0, 0);
    while began.elapsed() < disk.span {
        looks += 1;
        let look = probe.write();
        outcome.in_time("the answer to a write", look.took, stage.limit(ANSWER));
        slowest = slowest.max(look.took);
        refused += u32::from(look.is_busy());
        // The first may have been written before.
        let passes = look.is_done() && (disk.has_crumbs || looks == 1);
        if !look.is_busy() && !passes {
            outcome.breach(Rule::CleanAnswers, format!("a write while there can be none: {:?}", look.reply));
        }
        reads(node, probe, outcome);
        thread::sleep(Duration::from_millis(30));
    }
    outcome.demand(refused > 0, || "no write was refused: the disk took them".to_owned());
    outcome.note(format!("{refused} of {looks} writes refused, slowest answer {} ms", slowest.as_millis()));
}

/// What must go on while nothing can be written.
fn reads(node: &Node, probe: &Probe, outcome: &mut Outcome) {
    let look = probe.introspect();
    let active = matches!(&look.reply, Reply::Done(body) if body["active"] == true);
    outcome.demand(active, || format!("introspection without writes: {:?}", look.reply));
    outcome.demand(probe.documents(), || "keys or metadata were not served".to_owned());
    let alive = node.health("/health/live").is_ok_and(|reply| reply.status == 200);
    outcome.demand(alive, || "it said that it is not alive".to_owned());
}
