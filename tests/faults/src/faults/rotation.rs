//! R18 — keys are rotated in traffic, on two nodes, with kill -9 in the middle.

use std::io::{self, Error};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::fault::{Fault, Outcome, Stage};
use crate::load::ledger::Rule;
use crate::load::wire::{App, Reply, Wire, access};
use crate::world::node::{Node, Place};
use crate::world::postgres::Postgres;
use crate::world::relying::RelyingParty;
use crate::world::shim::Clock;

pub const FAULT: Fault = Fault {
    id: "R18",
    name: "signing keys rotated every 2 s by a clock 20 times as fast, sealing keys by the real one; two nodes, kill -9",
    pass: "V7: every JWT verifies against keys held for exactly their max-age; sealed tokens of one node are read by the other; \
           no private key in the JWKS; one active key per algorithm",
    smoke: true,
    run,
};

const PACE: u32 = 20;
const ALGORITHMS: [&str; 3] = ["EdDSA", "ES256", "RS256"];

struct World {
    nodes: Vec<Node>,
    service: App,
    outcome: Outcome,
}

fn run(stage: &Stage) -> io::Result<Outcome> {
    let postgres = Postgres::new(&stage.home, "postgres")?;
    let mut first = Place::on_postgres(&stage.bin, &stage.home, "node1", &postgres.url())?;
    let clock = match Clock::wind(&mut first, &stage.home, "both") {
        Ok(clock) => clock,
        Err(error) => return Ok(Outcome::skipped(error.to_string())),
    };
    let second = first.sibling("node2")?;
    let nodes = vec![Node::started(first)?, Node::started(second)?];
    let place = &nodes[0].place;
    for algorithm in ALGORITHMS {
        let (id, resource) = (algorithm.to_lowercase(), format!("https://{algorithm}.example"));
        let words = [
            "api",
            "create",
            "--id",
            &id,
            "--name",
            algorithm,
            "--resource",
            &resource,
            "--token-format",
            "jwt",
        ];
        place.manage(&[&words[..], &["--signing-alg", algorithm]].concat(), "").map_err(Error::other)?;
    }
    let service = place.register("Service", &["--grant", "client_credentials", "--introspect"])?;
    thread::sleep(Duration::from_secs(1));
    let mut world = World { nodes, service, outcome: Outcome::new() };
    world.signing(&clock, stage)?;
    clock.right()?;
    // Back to the real time, with keys of its own: nothing of the fast time must remain.
    world.nodes.clear();
    drop(postgres);
    world.sealing(stage)?;
    Ok(world.outcome)
}

impl World {
    /// Threads that fetch tokens from any node and verify them as a relying party would.
    fn signing(&mut self, clock: &Clock, stage: &Stage) -> io::Result<()> {
        let over = AtomicBool::new(false);
        let (verified, faults) = (AtomicU64::new(0), Mutex::new(Vec::new()));
        let doors: Vec<_> = self.nodes.iter().map(|node| node.place.public).collect();
        let (issuer, service) = (self.nodes[0].place.issuer.clone(), self.service.clone());
        let span = stage.pick(Duration::from_secs(40), Duration::from_mins(2)).mul_f64(stage.scale);
        thread::scope(|scope| {
            scope.spawn(|| {
                let began = Instant::now();
                while !over.load(SeqCst) {
                    // A failure leaves the clock where it is for a moment.
                    let _ = clock.ahead(began.elapsed() * (PACE - 1));
                    thread::sleep(Duration::from_millis(10));
                }
            });
            for n in 0..6 {
                let (doors, over, verified, faults) = (&doors, &over, &verified, &faults);
                let (service, issuer) = (&service, &issuer);
                scope.spawn(move || {
                    // It reads its keys at one node and gets its tokens from both.
                    let mut party = RelyingParty::new(doors[n % 2], PACE);
                    let mut wires = [Wire::new(doors[0], issuer), Wire::new(doors[1], issuer)];
                    let resource = format!("https://{}.example", ALGORITHMS[n % 3]);
                    let fields = [("grant_type", "client_credentials"), ("resource", resource.as_str())];
                    for turn in 0.. {
                        if over.load(SeqCst) {
                            return;
                        }
                        let Reply::Done(body) = wires[turn % 2].call("/oauth/token", service, &fields) else {
                            // Killed just now.
                            thread::sleep(Duration::from_millis(20));
                            continue;
                        };
                        // Not what the processor can do is tried here.
                        thread::sleep(Duration::from_millis(5));
                        let jwt = access(&body).map(|access| access.token).unwrap_or_default();
                        match party.verify(&jwt) {
                            Ok(()) => _ = verified.fetch_add(1, SeqCst),
                            Err(why) => faults.lock().unwrap_or_else(PoisonError::into_inner).push(why),
                        }
                    }
                });
            }
            let rotated = self.rotate(span);
            over.store(true, SeqCst);
            rotated
        })?;
        for why in faults.into_inner().unwrap_or_default() {
            self.outcome.breach(Rule::JwtVerifies, why);
        }
        let verified = verified.load(SeqCst);
        self.outcome.acknowledged += verified;
        self.outcome.note(format!(
            "{verified} JWTs verified over {} s of the fast time",
            span.as_secs() * u64::from(PACE)
        ));
        Ok(())
    }

    /// Rotates, and kills a node after each fifth rotation.
    fn rotate(&mut self, span: Duration) -> io::Result<()> {
        let began = Instant::now();
        let mut turn = 0;
        while began.elapsed() < span {
            self.outcome.rounds += 1;
            let place = &self.nodes[turn % 2].place;
            rotate(place, ALGORITHMS[turn % 3])?;
            if turn % 5 == 4 {
                let node = &mut self.nodes[turn / 5 % 2];
                node.kill()?;
                let took = node.start()?;
                self.outcome.recoveries.push(took);
            }
            turn += 1;
            thread::sleep(Duration::from_secs(2));
        }
        let keys = self.nodes[0].place.manage(&["key", "list"], "").map_err(Error::other)?;
        for algorithm in ALGORITHMS {
            let active = |key: &&Value| key["algorithm"] == algorithm && key["state"] == "active";
            let count = keys.as_array().into_iter().flatten().filter(active).count();
            self.outcome.demand(count == 1, || format!("{count} active keys of {algorithm}"));
        }
        Ok(())
    }

    /// A sealed token of one node, read by the other at once, while the key it is sealed with changes.
    fn sealing(&mut self, stage: &Stage) -> io::Result<()> {
        let postgres = Postgres::new(&stage.home, "postgres2")?;
        let first = Place::on_postgres(&stage.bin, &stage.home, "node3", &postgres.url())?;
        let second = first.sibling("node4")?;
        let (one, two) = (Node::started(first)?, Node::started(second)?);
        let service = one.place.register("Service", &["--grant", "client_credentials", "--introspect"])?;
        thread::sleep(Duration::from_secs(1));
        let mut wires =
            [Wire::new(one.place.public, &one.place.issuer), Wire::new(two.place.public, &one.place.issuer)];
        let (began, mut rotated, mut read) = (Instant::now(), None, 0_u64);
        let span = stage.pick(Duration::from_secs(15), Duration::from_mins(1)).mul_f64(stage.scale);
        while began.elapsed() < span {
            if rotated.is_none_or(|at: Instant| at.elapsed() > Duration::from_secs(3)) {
                self.outcome.rounds += 1;
                rotate(&one.place, "sealing")?;
                rotated = Some(Instant::now());
            }
            let from = usize::from(read % 2 == 1);
            let reply = wires[from].call("/oauth/token", &service, &[("grant_type", "client_credentials")]);
            let Reply::Done(body) = &reply else {
                self.outcome.breach(Rule::CleanAnswers, format!("{reply:?}"));
                continue;
            };
            let token = access(body).map(|access| access.token).unwrap_or_default();
            let reply = wires[1 - from].call("/oauth/introspect", &service, &[("token", &token)]);
            if matches!(&reply, Reply::Done(body) if body["active"] == true) {
                read += 1;
            } else {
                self.outcome
                    .breach(Rule::TokenActive, format!("a token that was sealed a moment ago: {reply:?}"));
                read += 1;
            }
        }
        self.outcome.acknowledged += read;
        self.outcome.note(format!("{read} sealed tokens read by the other node at once"));
        Ok(())
    }
}

/// A command that found no time on a busy machine is given again, as a person would.
fn rotate(place: &Place, what: &str) -> io::Result<()> {
    let mut said = String::new();
    for _ in 0..5 {
        match place.manage(&["key", "rotate", what], "") {
            Ok(_) => return Ok(()),
            Err(error) => said = error,
        }
    }
    Err(Error::other(said))
}
