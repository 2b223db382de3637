//! R10 — the database is slow, half open, or comes by the drop.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::thread;
use std::time::{Duration, Instant};

use crate::fault::{Fault, Outcome, Stage};
use crate::load::crew::Crew;
use crate::load::judge::Depth;
use crate::load::ledger::Rule;
use crate::probe::Probe;
use crate::world::node::{Node, Place};
use crate::world::postgres::{Postgres, url};
use crate::world::proxy::{Proxy, Way};

pub const FAULT: Fault = Fault {
    id: "R10",
    name: "PostgreSQL slow by 0.5 s and 5 s, half open, trickling, resetting",
    pass: "every question is answered or refused with 503 within 5 s; memory grows by no more than 32 MB; well within 5 s \
           of the end of it; nothing acknowledged is lost",
    smoke: false,
    run,
};

const DEADLINE: Duration = Duration::from_secs(5);
/// In KiB.
const GROWTH: u64 = 32 * 1024;

const WAYS: [(Way, &str); 5] = [
    (Way::Slow(Duration::from_millis(500)), "slow by 500 ms"),
    (Way::Slow(Duration::from_secs(5)), "slow by 5 s"),
    (Way::Swallows, "half open"),
    (Way::Trickles(20), "trickling, 200 bytes a second"),
    (Way::Resets, "resetting"),
];

fn run(stage: &Stage) -> io::Result<Outcome> {
    let mut outcome = Outcome::new();
    let postgres = Postgres::new(&stage.home, "postgres")?;
    let proxy = Proxy::start(SocketAddr::from((Ipv4Addr::LOCALHOST, postgres.port)))?;
    let place = Place::on_postgres(&stage.bin, &stage.home, "node", &url(&[proxy.address.port()]))?;
    let node = Node::started(place)?;
    let mut crew = Crew::hire(&node.place, &[node.place.public], stage.workers, stage.seed, &stage.home)?;
    let mut probe = Probe::new(&node.place, node.place.public, 4000)?;
    crew.work(Duration::from_secs(2))?;
    let before = node.usage();
    for _ in 0..stage.rounds(1, 2) {
        for (way, name) in WAYS {
            outcome.rounds += 1;
            crew.load(|sky| {
                thread::sleep(Duration::from_millis(700));
                sky.storm();
                proxy.set(way);
                watch(name, &node, &mut probe, stage, &mut outcome);
                proxy.set(Way::Carries);
                let took = probe.until_well(&node, Duration::from_secs(30))?;
                outcome.recovered(took, stage.limit(Duration::from_secs(5)));
                // What began in the storm ends in it.
                thread::sleep(Duration::from_secs(2));
                sky.clear();
                thread::sleep(Duration::from_millis(700));
                Ok(())
            })?;
            crew.judge(Depth::Sample);
        }
    }
    crew.judge(Depth::All);
    let after = node.usage();
    outcome.note(format!("memory {} MB before, {} MB at most", before.rss / 1024, after.peak / 1024));
    if after.peak > before.rss + GROWTH {
        outcome.breach(Rule::Resources, format!("{} KiB grew to {} KiB", before.rss, after.peak));
    }
    crew.judge_log(&node.place)?;
    outcome.take(&mut crew);
    Ok(outcome)
}

fn watch(name: &str, node: &Node, probe: &mut Probe, stage: &Stage, outcome: &mut Outcome) {
    let (began, mut slowest, mut done, mut refused) = (Instant::now(), Duration::ZERO, 0, 0);
    while began.elapsed() < Duration::from_secs(8) {
        let look = probe.write();
        outcome.in_time("an answer", look.took, stage.limit(DEADLINE));
        slowest = slowest.max(look.took);
        if look.is_done() {
            done += 1;
        } else if look.is_busy() {
            refused += 1;
        } else {
            outcome.breach(Rule::CleanAnswers, format!("{name}: {:?}", look.reply));
        }
        outcome.demand(probe.documents(), || format!("{name}: keys or metadata were not served"));
        let alive = node.health("/health/live").is_ok_and(|reply| reply.status == 200);
        outcome.demand(alive, || format!("{name}: it said that it is not alive"));
        thread::sleep(Duration::from_millis(50));
    }
    outcome.note(format!(
        "{name}: {done} writes answered, {refused} refused, slowest {} ms",
        slowest.as_millis()
    ));
}
