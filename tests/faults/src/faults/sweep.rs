//! R20 — a million rows that ended long ago are swept while people go on.

use std::io::{self, Error};
use std::thread;
use std::time::{Duration, Instant};

use crate::fault::{Fault, Outcome, Stage};
use crate::load::crew::Crew;
use crate::load::judge::Depth;
use crate::pace::measure;
use crate::probe::Probe;
use crate::world::chores::run as system;
use crate::world::node::{Node, Place};

pub const FAULT: Fault = Fault {
    id: "R20",
    name: "1 M rows that ended are swept under load, with kill -9 in between",
    pass: "all gone within 30 min; no write waits more than 50 ms for it at p99; reads p99 no more than 1.5 times what they \
           were; the log of writes stays below 256 MB; what lives is untouched",
    smoke: false,
    run,
};

const SEED: &str = include_str!("seed.py");

fn run(stage: &Stage) -> io::Result<Outcome> {
    let mut outcome = Outcome::new();
    let mut node = Node::started(Place::new(&stage.bin, &stage.home, "node")?)?;
    let mut crew = Crew::hire(&node.place, &[node.place.public], 4, stage.seed, &stage.home)?;
    crew.work(Duration::from_secs(2))?;
    let mut probe = Probe::new(&node.place, node.place.public, 20_000)?;
    let script = stage.home.join("seed.py").display().to_string();
    std::fs::write(&script, SEED)?;
    let database = node.place.database().display().to_string();
    let each = stage.rounds(5_000, 250_000).to_string();
    let began = Instant::now();
    system("python3", &[&script, &database, &each])?;
    let left = || -> io::Result<u64> {
        let said = system("python3", &[&script, &database, "0"])?;
        String::from_utf8_lossy(&said.stdout).trim().parse().map_err(Error::other)
    };
    let rows = left()?;
    outcome.note(format!("{rows} ended rows written in {} s", began.elapsed().as_secs()));
    // It starts with them, as after a long time away.
    node.kill()?;
    node.start()?;
    let base = measure(node.place.public, Duration::from_secs(5));
    let (swept, mut log, mut slow, mut killed) = (Instant::now(), 0, Vec::new(), false);
    let mut during = base;
    while left()? > 0 {
        if swept.elapsed() > Duration::from_mins(30) {
            outcome.demand(false, || "not done in 30 minutes".to_owned());
            break;
        }
        outcome.rounds += 1;
        during = measure(node.place.public, Duration::from_secs(2));
        for _ in 0..100 {
            slow.push(probe.write().took);
            thread::sleep(Duration::from_millis(5));
        }
        let wal = format!("{database}-wal");
        log = log.max(std::fs::metadata(wal).map_or(0, |meta| meta.len()));
        if !killed && swept.elapsed() > Duration::from_secs(70) {
            killed = true;
            node.kill()?;
            node.start()?;
        }
    }
    slow.sort();
    let p99 = slow.get(slow.len() * 99 / 100).copied().unwrap_or_default();
    let took = swept.elapsed();
    outcome.recoveries.push(took);
    outcome.note(format!(
        "swept in {} s{}; reads before: {base}; meanwhile: {during}; writes p99 {} ms; log of writes at most {} MB",
        took.as_secs(),
        if killed { ", killed once in between" } else { "" },
        p99.as_millis(),
        log >> 20
    ));
    outcome.in_time("a write at p99", p99, stage.limit(Duration::from_millis(50)));
    if stage.full {
        outcome.in_time("a read at p99", during.p99, base.p99.mul_f64(1.5).max(Duration::from_millis(5)));
    }
    outcome.demand(log < 256 << 20, || format!("the log of writes reached {} MB", log >> 20));
    crew.judge(Depth::All);
    crew.judge_log(&node.place)?;
    outcome.take(&mut crew);
    Ok(outcome)
}
