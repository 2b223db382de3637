//! R17 — another version takes the place of the one that runs, and goes again.

use std::io::{self, Error};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use crate::fault::{Fault, Outcome, Stage};
use crate::load::crew::Crew;
use crate::load::judge::Depth;
use crate::load::ledger::{Breach, Rule};
use crate::load::manager;
use crate::load::sky::Sky;
use crate::probe::Probe;
use crate::world::chores::run as system;
use crate::world::node::{Node, Place};
use crate::world::postgres::Postgres;

pub const POSTGRES: Fault = Fault {
    id: "R17/postgres",
    name: "two nodes of an older version are replaced one by one under load, and go back; PostgreSQL",
    pass: "no answer but a clean one, V1 to V4 without a breach, while the schema changes and while both versions run; \
           no write waits more than 1 s",
    smoke: false,
    run: on_postgres,
};
pub const SQLITE: Fault = Fault {
    id: "R17/sqlite",
    name: "an older version, this one, the older one on one file; kill -9 at random points of the change; SQLite",
    pass: "what was acknowledged by one version holds under the other; after a kill either version starts; the file is copied \
           before its schema changes",
    smoke: false,
    run: on_sqlite,
};

/// The program of an earlier release.
fn older() -> Option<PathBuf> {
    std::env::var_os("VALETKEY_OLD_BIN").and_then(|path| PathBuf::from(path).canonicalize().ok())
}

const NONE_OLDER: &str = "VALETKEY_OLD_BIN names no program of an earlier release";

const PATIENCE: Duration = Duration::from_secs(15);
const READY: Duration = Duration::from_secs(5);

fn stop(node: &mut Node, outcome: &mut Outcome) -> io::Result<()> {
    let (status, took) = node.stop(PATIENCE)?;
    outcome.demand(status.is_some_and(|status| status.success()), || {
        format!("it ended with {status:?} after {} ms", took.as_millis())
    });
    Ok(())
}

/// Ends a node and starts the other program in its place.
fn replace(node: &mut Node, bin: &Path, stage: &Stage, outcome: &mut Outcome) -> io::Result<()> {
    stop(node, outcome)?;
    node.place = node.place.by(bin);
    let took = node.start()?;
    outcome.recovered(took, stage.limit(READY));
    Ok(())
}

fn on_postgres(stage: &Stage) -> io::Result<Outcome> {
    let Some(old) = older() else { return Ok(Outcome::skipped(NONE_OLDER)) };
    let mut outcome = Outcome::new();
    let postgres = Postgres::new(&stage.home, "postgres")?;
    for round in 1..=stage.rounds(1, 4) {
        outcome.rounds = round;
        let home = stage.home.join(format!("round{round}"));
        std::fs::create_dir_all(&home)?;
        // Each time a database that only the older version has seen.
        let url = postgres.database(&format!("round{round}"))?;
        let place = Place::on_postgres(&old, &home, "node1", &url)?;
        let sibling = place.sibling("node2")?;
        let nodes = [Node::started(place)?, Node::started(sibling)?];
        let schema = || postgres.sql("SELECT max(version) FROM schema_history", &format!("round{round}"));
        let before = schema()?;
        let crew = Crew::hire(
            &nodes[0].place,
            &[nodes[0].place.public, nodes[1].place.public],
            4,
            stage.seed + u64::from(round),
            &home,
        )?;
        Rolling { stage, nodes, crew, slowest: Duration::ZERO }.play(&old, &mut outcome)?;
        outcome.note(format!("schema {before} became {}", schema()?));
    }
    Ok(outcome)
}

struct Rolling<'a> {
    stage: &'a Stage,
    nodes: [Node; 2],
    crew: Crew,
    /// The longest that a write waited while a node was replaced.
    slowest: Duration,
}

impl Rolling<'_> {
    fn play(mut self, old: &Path, outcome: &mut Outcome) -> io::Result<()> {
        let new = self.stage.bin.clone();
        self.both()?;
        for (node, bin) in [(0, new.as_path()), (1, &new), (0, old), (1, old), (1, &new), (0, &new)] {
            self.one(node, bin, outcome)?;
            self.both()?;
        }
        self.crew.judge(Depth::All);
        self.crew.judge_made(self.nodes[0].place.public, Depth::All);
        self.crew.judge_audit(&self.nodes[0].place);
        for node in &self.nodes {
            self.crew.judge_log(&node.place)?;
        }
        outcome.note(format!("slowest write beside a replacement {} ms", self.slowest.as_millis()));
        outcome.in_time(
            "a write beside a replacement",
            self.slowest,
            self.stage.limit(Duration::from_secs(1)),
        );
        outcome.take(&mut self.crew);
        Ok(())
    }

    /// Everybody works at both nodes, of one version or two; commands of the first's.
    fn both(&mut self) -> io::Result<()> {
        self.crew.gather(&[self.nodes[0].place.public, self.nodes[1].place.public]);
        let (place, round) = (&self.nodes[0].place, self.crew.round + 1);
        let span = self.stage.pick(Duration::from_secs(2), Duration::from_secs(4));
        let managed = self.crew.load(|sky| {
            thread::scope(|scope| {
                let manager = scope.spawn(|| manager::manage(place, round, sky));
                thread::sleep(span);
                sky.end();
                manager.join().map_err(|_| Error::other("the thread of the commands panicked"))
            })
        })?;
        self.crew.made.extend(managed.made);
        let failed = managed.failed.iter().map(|detail| Breach::new(Rule::CleanAnswers, round, detail));
        self.crew.breaches.extend(failed);
        self.crew.judge(Depth::Sample);
        self.crew.judge_made(self.nodes[1].place.public, Depth::Sample);
        Ok(())
    }

    /// Everybody works at the other node while this one is replaced, as behind a proxy that noticed.
    fn one(&mut self, which: usize, bin: &Path, outcome: &mut Outcome) -> io::Result<()> {
        let (first, second) = self.nodes.split_at_mut(1);
        let (node, other) =
            if which == 0 { (&mut first[0], &second[0]) } else { (&mut second[0], &first[0]) };
        let door = other.place.public;
        self.crew.gather(&[door]);
        let mut probe = Probe::new(&other.place, door, 500)?;
        let (stage, slowest) = (self.stage, &mut self.slowest);
        self.crew.load(|sky| {
            thread::scope(|scope| {
                let watch = scope.spawn(|| watch(&mut probe, sky));
                thread::sleep(Duration::from_millis(300));
                let replaced = replace(node, bin, stage, outcome);
                thread::sleep(Duration::from_millis(300));
                sky.end();
                let seen = watch.join().map_err(|_| Error::other("the watch panicked"))?;
                *slowest = seen.0.max(*slowest);
                outcome.demand(seen.1 == 0, || format!("{} writes failed beside a replacement", seen.1));
                replaced
            })
        })?;
        self.crew.judge(Depth::Sample);
        Ok(())
    }
}

/// Writes until the load is over: the longest wait, and how many failed.
fn watch(probe: &mut Probe, sky: &Sky) -> (Duration, u32) {
    let (mut slowest, mut failed) = (Duration::ZERO, 0);
    while !sky.is_over() {
        let look = probe.write();
        slowest = slowest.max(look.took);
        failed += u32::from(!look.is_done());
        thread::sleep(Duration::from_millis(10));
    }
    (slowest, failed)
}

fn on_sqlite(stage: &Stage) -> io::Result<Outcome> {
    let Some(old) = older() else { return Ok(Outcome::skipped(NONE_OLDER)) };
    let mut outcome = Outcome::new();
    let mut node = Node::started(Place::new(&old, &stage.home, "node")?)?;
    let mut crew = Crew::hire(&node.place, &[node.place.public], stage.workers, stage.seed, &stage.home)?;
    crew.work(Duration::from_secs(3))?;
    crew.judge(Depth::Sample);
    stop(&mut node, &mut outcome)?;
    let before = schema(&node.place.data)?;
    let untouched = stage.home.join("untouched");
    copy(&node.place.data, &untouched)?;
    let mut changes = 0;
    for (turn, bin) in [&stage.bin, &old, &stage.bin].into_iter().enumerate() {
        outcome.rounds += 1;
        node.place = node.place.by(bin);
        let took = node.start()?;
        outcome.recovered(took, stage.limit(READY));
        if turn == 0 {
            let (copied, after) = (copies(&node.place.data)?, schema(&node.place.data)?);
            outcome.note(format!("schema {before} became {after}"));
            changes = usize::from(after != before);
            outcome.demand(copied == changes, || format!("{copied} copies of the file as it was"));
        }
        crew.judge(Depth::Sample);
        crew.work(Duration::from_secs(3))?;
        crew.judge(Depth::Sample);
        if turn < 2 {
            stop(&mut node, &mut outcome)?;
        }
    }
    crew.judge(Depth::All);
    crew.judge_log(&node.place)?;
    outcome.take(&mut crew);
    node.kill()?;
    killed(stage, &untouched, [&stage.bin, &old], (&node.place, changes), crew, &mut outcome)?;
    Ok(outcome)
}

/// The change of schema is killed at a random moment; then one version or the other starts on what is left.
fn killed(
    stage: &Stage,
    untouched: &Path,
    bins: [&Path; 2],
    (place, changes): (&Place, usize),
    mut crew: Crew,
    outcome: &mut Outcome,
) -> io::Result<()> {
    let (mut begun, mut whole) = (0, 0);
    let mut node = Node::new(place.clone());
    let app = crew.workers[0].apps.service.clone();
    for round in 0..stage.rounds(10, 200) {
        outcome.rounds += 1;
        std::fs::remove_dir_all(&node.place.data)?;
        copy(untouched, &node.place.data)?;
        node.place = place.by(bins[0]);
        node.exec()?;
        // Up to a little more than a start takes.
        thread::sleep(Duration::from_micros(crew.chance.between(2_000, 120_000)));
        whole += u32::from(node.is_ready());
        node.kill()?;
        begun += u32::from(copies(&node.place.data)? > 0);
        node.place = place.by(bins[usize::from(round % 2 == 1)]);
        let took = node.start().map_err(|error| Error::other(format!("after a kill: {error}")))?;
        outcome.recovered(took, stage.limit(READY));
        let mut wire = crate::load::wire::Wire::new(node.place.public, &node.place.issuer);
        let reply = wire.call("/oauth/token", &app, &[("grant_type", "client_credentials")]);
        if !matches!(reply, crate::load::wire::Reply::Done(_)) {
            outcome.breach(Rule::ClientExists, format!("after a kill: {reply:?}"));
        }
        node.kill()?;
        let copied = copies(&node.place.data)?;
        outcome.demand(copied == changes || round % 2 == 1, || format!("{copied} copies after a kill"));
    }
    crew.judge_log(place)?;
    outcome.breaches.append(&mut crew.take_breaches());
    outcome.note(format!(
        "killed {begun} times after the copy was begun, {whole} times when it was ready already"
    ));
    Ok(())
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    system("cp", &["-a", &from.display().to_string(), &to.display().to_string()]).map(|_| ())
}

/// The last step of a file's schema.
fn schema(data: &Path) -> io::Result<String> {
    let script = "import sqlite3, sys\nfile = sqlite3.connect(sys.argv[1])\n\
                  print(file.execute('SELECT max(version) FROM schema_history').fetchone()[0])";
    let said = system("python3", &["-c", script, &data.join("valetkey.db").display().to_string()])?;
    Ok(String::from_utf8_lossy(&said.stdout).trim().to_owned())
}

/// How many copies of the file as it was before a change of schema lie beside it.
fn copies(data: &Path) -> io::Result<usize> {
    let names = std::fs::read_dir(data)?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    Ok(names.filter(|name| name.contains(".before-schema-") && !name.ends_with("-journal")).count())
}
