//! R09 — the database goes away, again and again.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use crate::fault::{Fault, Outcome, Stage};
use crate::load::crew::Crew;
use crate::load::judge::Depth;
use crate::load::ledger::Rule;
use crate::probe::Probe;
use crate::world::node::{Node, Place};
use crate::world::postgres::Postgres;

pub const FAULT: Fault = Fault {
    id: "R09",
    name: "PostgreSQL stops, again and again",
    pass: "what writes answers 503 within 2 s; not ready within 2 s, alive all the time; keys and metadata always; well \
           within 5 s of its return; connections, files and memory back where they were",
    smoke: true,
    run,
};

const ANSWER: Duration = Duration::from_secs(2);
const RECOVERY: Duration = Duration::from_secs(5);
/// Memory may grow by this much over all, in KiB: buffers that the load filled.
const GROWTH: u64 = 32 * 1024;

fn run(stage: &Stage) -> io::Result<Outcome> {
    let mut outcome = Outcome::new();
    let mut postgres = Postgres::new(&stage.home, "postgres")?;
    let node = Node::started(Place::on_postgres(&stage.bin, &stage.home, "node", &postgres.url())?)?;
    let mut crew = Crew::hire(&node.place, &[node.place.public], stage.workers, stage.seed, &stage.home)?;
    let mut probe = Probe::new(&node.place, node.place.public, 5000)?;
    let away = stage.pick(Duration::from_secs(4), Duration::from_secs(10));
    crew.work(Duration::from_secs(2))?;
    let before = node.usage();
    for _ in 0..stage.rounds(2, 12) {
        outcome.rounds += 1;
        crew.load(|sky| {
            thread::sleep(Duration::from_millis(700));
            sky.storm();
            postgres.stop()?;
            outage(&node, &mut probe, away, stage, &mut outcome);
            postgres.start()?;
            let took = probe.until_well(&node, Duration::from_secs(20))?;
            outcome.recovered(took, stage.limit(RECOVERY));
            // What began in the storm ends in it.
            thread::sleep(Duration::from_secs(2));
            sky.clear();
            thread::sleep(Duration::from_millis(700));
            Ok(())
        })?;
        crew.judge(Depth::Sample);
    }
    crew.judge(Depth::All);
    let connections: u64 = postgres
        .query("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'valetkey'")?
        .parse()
        .unwrap_or(0);
    let after = node.usage();
    outcome.note(format!(
        "memory {} MB before, {} MB after; files {} before, {} after; connections to PostgreSQL {connections}",
        before.rss / 1024, after.rss / 1024, before.files, after.files
    ));
    outcome.demand(connections <= 17, || format!("{connections} connections of a pool of 16 and a listener"));
    if after.rss > before.rss + GROWTH || after.files > before.files + 30 {
        outcome.breach(Rule::Resources, format!("{before:?} became {after:?}"));
    }
    crew.judge_log(&node.place)?;
    outcome.take(&mut crew);
    Ok(outcome)
}

/// Looks at the node while the database is away.
fn outage(node: &Node, probe: &mut Probe, away: Duration, stage: &Stage, outcome: &mut Outcome) {
    let began = Instant::now();
    let (mut unready, mut slowest, mut looks) = (None, Duration::ZERO, 0_u32);
    while began.elapsed() < away {
        looks += 1;
        if unready.is_none() && !node.is_ready() {
            unready = Some(began.elapsed());
        }
        let look = probe.write();
        outcome.in_time("the 503 of a write", look.took, stage.limit(ANSWER));
        slowest = slowest.max(look.took);
        if !look.is_busy() {
            outcome.breach(Rule::CleanAnswers, format!("a write without a database: {:?}", look.reply));
        }
        outcome.demand(probe.documents(), || "keys or metadata were not served".to_owned());
        let alive = node.health("/health/live").is_ok_and(|reply| reply.status == 200);
        outcome.demand(alive, || "it said that it is not alive".to_owned());
        thread::sleep(Duration::from_millis(50));
    }
    outcome.in_time("saying that it is not ready", unready.unwrap_or(away * 10), stage.limit(ANSWER));
    outcome.note(format!(
        "not ready after {} ms; slowest 503 {} ms of {looks}",
        unready.map_or(0, |took| took.as_millis()),
        slowest.as_millis()
    ));
}
