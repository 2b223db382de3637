//! R12 — the clock jumps forward and back, drifts, and differs between nodes.

use std::io::{self, Error};
use std::thread;
use std::time::Duration;

use crate::fault::{Fault, Outcome, Stage};
use crate::load::crew::Crew;
use crate::load::ledger::{Life, Rule};
use crate::load::wire::{Reply, Wire};
use crate::load::worker::short;
use crate::world::node::{Node, Place};
use crate::world::postgres::Postgres;
use crate::world::shim::Clock;

pub const JUMPS: Fault = Fault {
    id: "R12/jumps",
    name: "the clock jumps by ±1 day, +10 years for longer than a sweep takes to come, and back",
    pass: "V4: what was revoked or used up stays so, during and after; after the way back keys are as they were, people sign in, \
           and live grants refresh",
    smoke: false,
    run: jumps,
};
pub const APART: Fault = Fault {
    id: "R12/apart",
    name: "two nodes whose clocks are 10 minutes apart, and the database's between them",
    pass: "V4: what is revoked on one node is dead on the other within a second, and a used code or token stays used",
    smoke: false,
    run: apart,
};

/// The sweeper looks once a minute.
const SWEPT: Duration = Duration::from_secs(66);

const APART_BY: Duration = Duration::from_mins(10);
/// Named, and in seconds.
const JUMPED: &[(&str, i64)] =
    &[("+1 day", 86_400), ("-1 day", -86_400), ("+1 h", 3600), ("-1 h", -3600), ("+10 years", 3650 * 86_400)];

fn move_to(clock: &Clock, seconds: i64) -> io::Result<()> {
    let by = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 { clock.behind(by) } else { clock.ahead(by) }
}

fn jumps(stage: &Stage) -> io::Result<Outcome> {
    let mut outcome = Outcome::new();
    let mut place = Place::new(&stage.bin, &stage.home, "node")?;
    let clock = match Clock::wind(&mut place, &stage.home, "node") {
        Ok(clock) => clock,
        Err(error) => return Ok(Outcome::skipped(error.to_string())),
    };
    // Tokens that outlive the smaller jumps, so that only the memory of their revocation keeps them dead.
    place.set("VALETKEY__LIFETIMES__ACCESS_TOKEN", "1d");
    let mut node = Node::started(place)?;
    let rounds = if stage.full { JUMPED } else { &JUMPED[..1] };
    for (jump, seconds) in rounds {
        outcome.rounds += 1;
        let home = stage.home.join(format!("round{}", outcome.rounds));
        std::fs::create_dir_all(&home)?;
        let mut crew = hire(stage, &node, outcome.rounds, &home)?;
        crew.work(stage.pick(Duration::from_secs(3), Duration::from_secs(6)))?;
        let keys = node.get("/oauth/jwks")?.text();
        move_to(&clock, *seconds)?;
        // Long enough for a sweep by the wrong clock, and once more with a start under it.
        thread::sleep(SWEPT);
        dead_stay_dead(&mut crew, &node, jump, &mut outcome);
        node.kill()?;
        node.start()?;
        dead_stay_dead(&mut crew, &node, &format!("{jump}, after a start"), &mut outcome);
        clock.right()?;
        thread::sleep(Duration::from_millis(300));
        dead_stay_dead(&mut crew, &node, &format!("back from {jump}"), &mut outcome);
        node.kill()?;
        node.start()?;
        dead_stay_dead(&mut crew, &node, &format!("back from {jump}, after a start"), &mut outcome);
        outcome.demand(node.get("/oauth/jwks")?.text() == keys, || {
            format!("{jump}: the published keys changed")
        });
        life_goes_on(&mut crew, &node, jump, &mut outcome);
        crew.judge_log(&node.place)?;
        outcome.take(&mut crew);
    }
    Ok(outcome)
}

/// A crew with names of its own.
fn hire(stage: &Stage, node: &Node, round: u32, home: &std::path::Path) -> io::Result<Crew> {
    if round > 1 {
        for user in 0..4 {
            node.place.manage(&["user", "delete", &format!("user{user}")], "").map_err(Error::other)?;
        }
    }
    Crew::hire(&node.place, &[node.place.public], 4, stage.seed + u64::from(round), home)
}

/// Everything that the ledger knows as dead, by introspection and by use.
fn dead_stay_dead(crew: &mut Crew, node: &Node, when: &str, outcome: &mut Outcome) {
    let mut wire = Wire::new(node.place.public, &node.place.issuer);
    for worker in &crew.workers {
        let mut tokens: Vec<&str> = Vec::new();
        for grant in
            worker.grants.iter().filter(|grant| grant.life == Life::Dead && grant.unanswered.is_none())
        {
            tokens.extend(grant.access.iter().map(|access| access.token.as_str()));
            tokens.extend(grant.refresh.iter().map(String::as_str));
        }
        let loose = worker.loose.iter().filter(|loose| loose.life == Life::Dead && !loose.unanswered);
        tokens.extend(loose.map(|loose| loose.access.token.as_str()));
        for token in tokens {
            outcome.acknowledged += 1;
            match wire.call("/oauth/introspect", &worker.apps.observer, &[("token", token)]) {
                Reply::Done(body) if body["active"] == false => {}
                Reply::Done(_) => {
                    outcome.breach(Rule::RevocationHolds, format!("{when}: {} is active", short(token)));
                }
                other => outcome.breach(Rule::CleanAnswers, format!("{when}: {other:?}")),
            }
        }
        // A code that was redeemed gives nothing again.
        for grant in worker.grants.iter().filter(|grant| grant.life == Life::Dead).take(20) {
            let app = &worker.apps.code[grant.code.app];
            let fields = [
                ("grant_type", "authorization_code"),
                ("code", grant.code.value.as_str()),
                ("redirect_uri", app.redirect.as_str()),
                ("code_verifier", crate::load::wire::VERIFIER),
            ];
            if let Reply::Done(_) = wire.call("/oauth/token", app, &fields) {
                outcome.breach(
                    Rule::CodeOnce,
                    format!("{when}: {} was redeemed again", short(&grant.code.value)),
                );
            }
        }
    }
}

/// People sign in, live grants refresh, clients get tokens.
fn life_goes_on(crew: &mut Crew, node: &Node, jump: &str, outcome: &mut Outcome) {
    let mut wire = Wire::new(node.place.public, &node.place.issuer);
    for worker in &mut crew.workers {
        let live =
            worker.grants.iter().filter(|grant| grant.life == Life::Live && grant.unanswered.is_none());
        let (mut refreshed, mut refused) = (0, 0);
        for grant in live.take(50) {
            let token = grant.refresh.last().cloned().unwrap_or_default();
            let fields = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
            match wire.call("/oauth/token", &worker.apps.code[grant.code.app], &fields) {
                Reply::Done(_) => refreshed += 1,
                _ => refused += 1,
            }
        }
        outcome.acknowledged += refreshed;
        outcome.demand(refused == 0, || {
            format!("back from {jump}: {refused} live grants were refused, {refreshed} not")
        });
        worker.person.cookies.clear();
        worker.codes.clear();
        let signed_in = worker.new_code(0, None);
        outcome
            .demand(matches!(signed_in, Ok(true)), || format!("back from {jump}: no sign-in: {signed_in:?}"));
    }
}

fn apart(stage: &Stage) -> io::Result<Outcome> {
    let mut outcome = Outcome::new();
    let postgres = Postgres::new(&stage.home, "postgres")?;
    let mut ahead = Place::on_postgres(&stage.bin, &stage.home, "node1", &postgres.url())?;
    let mut behind = ahead.sibling("node2")?;
    let clocks = Clock::wind(&mut ahead, &stage.home, "node1")
        .and_then(|one| Ok((one, Clock::wind(&mut behind, &stage.home, "node2")?)));
    let (one, two) = match clocks {
        Ok(clocks) => clocks,
        Err(error) => return Ok(Outcome::skipped(error.to_string())),
    };
    one.ahead(APART_BY / 2)?;
    two.behind(APART_BY / 2)?;
    let nodes = [Node::started(ahead)?, Node::started(behind)?];
    for round in 0..stage.rounds(1, 4) {
        outcome.rounds += 1;
        // The crew stays with one node; the judge asks the other.
        let (home, other) = (&nodes[usize::from(round % 2 == 1)], &nodes[usize::from(round % 2 == 0)]);
        let directory = stage.home.join(format!("round{round}"));
        std::fs::create_dir_all(&directory)?;
        let mut crew = hire(stage, home, round + 1, &directory)?;
        thread::sleep(Duration::from_secs(1));
        crew.work(Duration::from_secs(3))?;
        thread::sleep(Duration::from_millis(1100));
        dead_stay_dead(&mut crew, other, "asked of the other node", &mut outcome);
        dead_stay_dead(&mut crew, home, "asked of its own node", &mut outcome);
        crew.judge_log(&home.place)?;
        outcome.take(&mut crew);
    }
    Ok(outcome)
}
