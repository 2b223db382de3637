//! R04 — the answer to a refresh is lost on its way, after the commit.

use std::io::{self, Error};
use std::thread;
use std::time::{Duration, Instant};

use crate::fault::{Fault, Outcome, Stage};
use crate::load::crew::Crew;
use crate::load::ledger::Rule;
use crate::load::wire::{Reply, Wire, refresh};
use crate::load::worker::short;
use crate::world::node::{Node, Place};
use crate::world::proxy::{Proxy, Way};

pub const FAULT: Fault = Fault {
    id: "R04",
    name: "the reply to a refresh is lost after the commit",
    pass: "within the retry window the same token gets one and the same successor, however often; after it the grant is dead",
    smoke: true,
    run,
};

/// By contract 10 s.
const WINDOW: Duration = Duration::from_secs(10);

/// A grant whose refresh was answered into the void.
struct Lost {
    old: String,
    app: usize,
    at: Instant,
    successor: Option<String>,
}

fn run(stage: &Stage) -> io::Result<Outcome> {
    let mut outcome = Outcome::new();
    let node = Node::started(Place::new(&stage.bin, &stage.home, "node")?)?;
    let proxy = Proxy::start(node.place.public)?;
    let mut crew = Crew::hire(&node.place, &[node.place.public], stage.workers, stage.seed, &stage.home)?;
    let wanted = usize::try_from(stage.rounds(60, 500)).unwrap_or(60);
    // In portions that fit into the window.
    while usize::try_from(outcome.rounds).unwrap_or(0) < wanted {
        let portion = (wanted - usize::try_from(outcome.rounds).unwrap_or(0)).min(250);
        let mut lost = lose(&mut crew, &proxy, &node, portion)?;
        outcome.rounds += u32::try_from(lost.len()).unwrap_or(0);
        repeat(&mut crew, &mut lost, &node, &mut outcome);
        let newest = lost.iter().map(|one| one.at).max().unwrap_or_else(Instant::now);
        thread::sleep(
            stage
                .pick(WINDOW + Duration::from_secs(1), Duration::from_mins(1))
                .saturating_sub(newest.elapsed()),
        );
        too_late(&crew, &lost, &node, &mut outcome);
    }
    crew.judge_log(&node.place)?;
    outcome.take(&mut crew);
    Ok(outcome)
}

/// Makes grants and loses the answer to a refresh of each.
fn lose(crew: &mut Crew, proxy: &Proxy, node: &Node, count: usize) -> io::Result<Vec<Lost>> {
    let worker = &mut crew.workers[0];
    // The server has closed what was idle since the last portion.
    worker.hang_up();
    let mut tokens = Vec::new();
    for _ in 0..count {
        let app = worker.chance.below(worker.apps.code.len());
        worker.new_code(app, None).map_err(|reply| Error::other(format!("{reply:?}")))?;
        let code = worker.codes.pop().ok_or_else(|| Error::other("no code"))?;
        let Reply::Done(body) = worker.redeem(&code) else {
            return Err(Error::other("a code was not redeemed"));
        };
        tokens.push((refresh(&body).unwrap_or_default(), app));
    }
    proxy.set(Way::DropsReplies);
    let mut lost = Vec::new();
    for (old, app) in tokens {
        let at = Instant::now();
        let mut wire = Wire::new(proxy.address, &node.place.issuer);
        let reply = wire.call("/oauth/token", &worker.apps.code[app], &fields(&old));
        if !matches!(reply, Reply::Lost(_)) {
            return Err(Error::other(format!("the reply was not lost: {reply:?}")));
        }
        lost.push(Lost { old, app, at, successor: None });
    }
    proxy.set(Way::Carries);
    Ok(lost)
}

fn fields(token: &str) -> [(&str, &str); 2] {
    [("grant_type", "refresh_token"), ("refresh_token", token)]
}

/// Within the window: twice the same question, one answer.
fn repeat(crew: &mut Crew, lost: &mut [Lost], node: &Node, outcome: &mut Outcome) {
    let mut wire = Wire::new(node.place.public, &node.place.issuer);
    for one in lost {
        if one.at.elapsed() + Duration::from_secs(1) > WINDOW {
            outcome.note("a repeat came too late for the window; this machine was busy");
            continue;
        }
        let app = &crew.workers[0].apps.code[one.app];
        let answers = [0, 1].map(|_| match wire.call("/oauth/token", app, &fields(&one.old)) {
            Reply::Done(body) => refresh(&body).ok_or_else(|| "no refresh token".to_owned()),
            other => Err(format!("{other:?}")),
        });
        match answers {
            [Ok(first), Ok(second)] if first == second => {
                outcome.acknowledged += 2;
                one.successor = Some(first);
            }
            other => outcome.breach(Rule::OneSuccessor, format!("{} repeated: {other:?}", short(&one.old))),
        }
    }
}

/// After the window: reuse, which takes the grant along.
fn too_late(crew: &Crew, lost: &[Lost], node: &Node, outcome: &mut Outcome) {
    let mut wire = Wire::new(node.place.public, &node.place.issuer);
    for one in lost {
        let Some(successor) = &one.successor else { continue };
        for token in [&one.old, successor] {
            let reply = wire.call("/oauth/token", &crew.workers[0].apps.code[one.app], &fields(token));
            if matches!(&reply, Reply::Denied(code) if code == "invalid_grant") {
                outcome.acknowledged += 1;
            } else {
                outcome
                    .breach(Rule::RevocationHolds, format!("{} after the window: {reply:?}", short(token)));
            }
        }
    }
}
