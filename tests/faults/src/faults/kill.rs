//! R01 — kill -9 under load, at a random moment, and now and then again while it recovers.

use std::io::{self, Error};
use std::thread;
use std::time::Duration;

use crate::fault::{Fault, Outcome, Stage};
use crate::load::crew::Crew;
use crate::load::judge::Depth;
use crate::load::ledger::{Breach, Rule};
use crate::load::manager::{self, Managed};
use crate::load::sabotage::Sabotage;
use crate::world::node::{Node, Place};
use crate::world::postgres::Postgres;

const PASS: &str = "V1 to V4: no breach; ready within 2 s of exec; what was not acknowledged may be either way, and a \
                    retry is safe; management commands beside it end well";

pub const SQLITE: Fault =
    Fault { id: "R01/sqlite", name: "kill -9 under load, SQLite", pass: PASS, smoke: true, run: on_sqlite };
pub const POSTGRES: Fault = Fault {
    id: "R01/postgres",
    name: "kill -9 under load, PostgreSQL",
    pass: PASS,
    smoke: true,
    run: on_postgres,
};

/// The longest a server lives under load before it is killed, in milliseconds; the shortest is 200.
const LONGEST: u64 = 2500;
const READY: Duration = Duration::from_secs(2);

fn on_sqlite(stage: &Stage) -> io::Result<Outcome> {
    campaign(stage, Place::new(&stage.bin, &stage.home, "node")?, stage.rounds(10, 100), None)
}

fn on_postgres(stage: &Stage) -> io::Result<Outcome> {
    let postgres = Postgres::new(&stage.home, "postgres")?;
    let place = Place::on_postgres(&stage.bin, &stage.home, "node", &postgres.url())?;
    campaign(stage, place, stage.rounds(5, 40), None)
}

fn campaign(stage: &Stage, place: Place, rounds: u32, sabotage: Option<Sabotage>) -> io::Result<Outcome> {
    let mut outcome = Outcome::new();
    let mut node = Node::started(place)?;
    let mut crew = Crew::hire(&node.place, &[node.place.public], stage.workers, stage.seed, &stage.home)?;
    let (mut early, mut slowest) = (0, Duration::ZERO);
    for round in 1..=rounds {
        outcome.rounds = round;
        let managed = load_and_kill(&mut crew, &mut node)?;
        slowest = slowest.max(managed.slowest);
        early += u32::from(restart(&mut crew, &mut node, &mut outcome, stage, sabotage)?);
        let depth = if round == rounds { Depth::All } else { Depth::Sample };
        if let Some(sabotage) = sabotage.filter(|_| round == rounds) {
            sabotage.falsify(&mut crew);
        }
        crew.judge(depth);
        crew.judge_made(node.place.public, depth);
    }
    crew.judge_audit(&node.place);
    node.kill()?;
    if let Some(sabotage) = sabotage {
        sabotage.taint(&node.place, &crew)?;
    }
    crew.judge_log(&node.place)?;
    outcome.take(&mut crew);
    outcome.note(format!(
        "{early} kills more during start-up; slowest management command {} ms",
        slowest.as_millis()
    ));
    Ok(outcome)
}

/// One life under load. Management commands go on beside it, and must end well even when the server is killed.
fn load_and_kill(crew: &mut Crew, node: &mut Node) -> io::Result<Managed> {
    let life = Duration::from_millis(crew.chance.between(200, LONGEST));
    let (place, round) = (node.place.clone(), crew.round + 1);
    let managed = crew.load(|sky| {
        thread::scope(|scope| {
            let manager = scope.spawn(|| manager::manage(&place, round, sky));
            thread::sleep(life);
            sky.storm();
            sky.end();
            node.kill()?;
            manager.join().map_err(|_| Error::other("the thread of the management commands panicked"))
        })
    })?;
    crew.made.extend(managed.made.iter().cloned());
    let failed = managed.failed.iter().map(|detail| Breach::new(Rule::CleanAnswers, round, detail));
    crew.breaches.extend(failed);
    Ok(managed)
}

/// Starts it again; whether it was killed once more before.
fn restart(
    crew: &mut Crew,
    node: &mut Node,
    outcome: &mut Outcome,
    stage: &Stage,
    sabotage: Option<Sabotage>,
) -> io::Result<bool> {
    let again = crew.chance.percent(20);
    if again {
        node.exec()?;
        thread::sleep(Duration::from_micros(crew.chance.between(500, 60_000)));
        node.kill()?;
    }
    let held = sabotage.map_or(Duration::ZERO, Sabotage::delay);
    thread::sleep(held);
    let took = node.start()? + held;
    let limit = if sabotage.is_some() { READY } else { stage.limit(READY) };
    outcome.recovered(took, limit);
    Ok(again)
}

/// A falsehood of the judge's self-test.
pub fn falsified(stage: &Stage, sabotage: Sabotage) -> io::Result<Outcome> {
    let stage = Stage { workers: 4, ..stage.clone() };
    campaign(&stage, Place::new(&stage.bin, &stage.home, "node")?, 2, Some(sabotage))
}
