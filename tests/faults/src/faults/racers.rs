//! R03 — two racers on two nodes: one code, one refresh token, and what is taken back while it is used.

use std::io::{self, Error};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use crate::fault::{Fault, Outcome, Stage};
use crate::load::crew::Crew;
use crate::load::ledger::Rule;
use crate::load::wire::{App, Reply, VERIFIER, Wire, access, authorization, refresh};
use crate::load::worker::short;
use crate::world::node::{Node, Place};
use crate::world::postgres::Postgres;

pub const FAULT: Fault = Fault {
    id: "R03",
    name: "64 racers on two nodes for one code or refresh token; consent, session or user taken back meanwhile",
    pass: "a code has exactly one winner, the losers hear invalid_grant and its tokens die; a refresh token has one successor; \
           what was taken back gives nothing once the taking was acknowledged, on both nodes within a second; no 5xx",
    smoke: true,
    run,
};

const RACERS: usize = 64;
/// Until a change on one node holds on the other.
const HEARD: Duration = Duration::from_secs(1);

struct Track {
    nodes: [Node; 2],
    crew: Crew,
    wires: Vec<Wire>,
    outcome: Outcome,
}

fn run(stage: &Stage) -> io::Result<Outcome> {
    let postgres = Postgres::new(&stage.home, "postgres")?;
    let place = Place::on_postgres(&stage.bin, &stage.home, "node1", &postgres.url())?;
    let sibling = place.sibling("node2")?;
    let nodes = [Node::started(place)?, Node::started(sibling)?];
    let doors = [nodes[0].place.public, nodes[1].place.public];
    let crew = Crew::hire(&nodes[0].place, &doors, 2, stage.seed, &stage.home)?;
    let wires = (0..RACERS).map(|n| Wire::new(doors[n % 2], &nodes[0].place.issuer)).collect();
    let mut track = Track { nodes, crew, wires, outcome: Outcome::new() };
    // The second node hears of the clients.
    thread::sleep(HEARD);
    for _ in 0..stage.rounds(40, 500) {
        track.outcome.rounds += 1;
        track.code()?;
        track.refresh()?;
    }
    for _ in 0..stage.rounds(2, 15) {
        track.outcome.rounds += 3;
        track.consent()?;
        track.user()?;
        track.session()?;
    }
    for node in &track.nodes {
        track.crew.judge_log(&node.place)?;
    }
    track.outcome.take(&mut track.crew);
    Ok(track.outcome)
}

impl Track {
    /// All at once, half of them on each node.
    fn race(&mut self, app: &App, fields: &[(&str, &str)]) -> Vec<Reply> {
        let start = Barrier::new(RACERS);
        let replies = thread::scope(|scope| {
            let racers: Vec<_> = self
                .wires
                .iter_mut()
                .map(|wire| {
                    scope.spawn(|| {
                        start.wait();
                        wire.call("/oauth/token", app, fields)
                    })
                })
                .collect();
            racers.into_iter().filter_map(|racer| racer.join().ok()).collect::<Vec<_>>()
        });
        for reply in &replies {
            if !matches!(reply, Reply::Done(_) | Reply::Denied(_)) {
                self.outcome.breach(Rule::CleanAnswers, format!("a racer heard {reply:?}"));
            }
        }
        self.outcome.acknowledged += replies.len() as u64;
        replies
    }

    fn new_code(&mut self) -> io::Result<(String, App)> {
        let worker = &mut self.crew.workers[0];
        worker.new_code(0, None).map_err(|reply| Error::other(format!("no code: {reply:?}")))?;
        let code = worker.codes.pop().ok_or_else(|| Error::other("no code"))?;
        Ok((code.value, worker.apps.code[0].clone()))
    }

    fn code(&mut self) -> io::Result<()> {
        let (code, app) = self.new_code()?;
        let replies = self.race(&app, &redemption(&code, &app));
        let won: Vec<_> = replies.iter().filter_map(done).collect();
        let denied = replies.iter().filter(|reply| is_invalid_grant(reply)).count();
        if won.len() != 1 || denied != RACERS - 1 {
            let detail = format!("{} won and {denied} heard invalid_grant for {}", won.len(), short(&code));
            self.outcome.breach(Rule::CodeOnce, detail);
        }
        // Reuse of a code takes what it gave.
        let token = won.first().and_then(|body| refresh(body)).unwrap_or_default();
        let reply = self.wires[1].call("/oauth/token", &app, &refreshing(&token));
        if !is_invalid_grant(&reply) {
            self.outcome.breach(Rule::RevocationHolds, format!("the winner's grant lives on: {reply:?}"));
        }
        Ok(())
    }

    fn grant(&mut self) -> io::Result<(String, App)> {
        let (code, app) = self.new_code()?;
        let reply = self.wires[0].call("/oauth/token", &app, &redemption(&code, &app));
        let token = done(&reply).and_then(refresh);
        Ok((token.ok_or_else(|| Error::other(format!("no grant: {reply:?}")))?, app))
    }

    fn refresh(&mut self) -> io::Result<()> {
        let (token, app) = self.grant()?;
        let replies = self.race(&app, &refreshing(&token));
        let mut successors: Vec<_> = replies.iter().filter_map(done).filter_map(refresh).collect();
        let all = successors.len();
        successors.sort();
        successors.dedup();
        if successors.len() != 1 || all != RACERS {
            let detail =
                format!("{all} of {RACERS} got {} successors of {}", successors.len(), short(&token));
            self.outcome.breach(Rule::OneSuccessor, detail);
        }
        Ok(())
    }

    /// Refreshing on both nodes while a command takes the ground away: what came before may live, nothing after.
    fn under(&mut self, words: &[&str]) -> io::Result<()> {
        let (token, app) = self.grant()?;
        let over = AtomicBool::new(false);
        let place = &self.nodes[1].place;
        let (issued, acknowledged) = thread::scope(|scope| {
            let refreshers: Vec<_> = self.wires[..4]
                .iter_mut()
                .map(|wire| scope.spawn(|| refresh_until(wire, &app, &token, &over)))
                .collect();
            thread::sleep(Duration::from_millis(100));
            let done = place.manage(words, "");
            let acknowledged = Instant::now();
            thread::sleep(Duration::from_millis(200));
            over.store(true, SeqCst);
            let issued: Vec<_> = refreshers.into_iter().filter_map(|one| one.join().ok()).flatten().collect();
            done.map(|_| (issued, acknowledged)).map_err(Error::other)
        })?;
        for (sent, _) in issued.iter().filter(|(sent, _)| *sent > acknowledged) {
            let late = sent.duration_since(acknowledged).as_millis();
            self.outcome
                .breach(Rule::SwitchedOff, format!("{words:?}: a token {late} ms after it was acknowledged"));
        }
        self.outcome.acknowledged += issued.len() as u64 + 1;
        thread::sleep(HEARD.saturating_sub(acknowledged.elapsed()));
        let observer = self.crew.workers[0].apps.observer.clone();
        for (_, token) in &issued {
            for wire in &mut self.wires[..2] {
                let reply = wire.call("/oauth/introspect", &observer, &[("token", token)]);
                if done(&reply).is_none_or(|body| body["active"] != false) {
                    self.outcome.breach(
                        Rule::RevocationHolds,
                        format!("{words:?}: {} lives: {reply:?}", short(token)),
                    );
                }
            }
        }
        Ok(())
    }

    fn consent(&mut self) -> io::Result<()> {
        let (app, user) =
            (self.crew.workers[0].apps.code[0].id.clone(), self.crew.workers[0].username.clone());
        self.under(&["grant", "revoke", "--user", &user, "--client", &app])
    }

    fn user(&mut self) -> io::Result<()> {
        let user = self.crew.workers[0].username.clone();
        self.under(&["user", "disable", &user])?;
        self.nodes[0].place.manage(&["user", "enable", &user], "").map_err(Error::other)?;
        self.crew.workers[0].person.cookies.clear();
        Ok(())
    }

    /// Signing out beside authorization requests with that session: no code once it was acknowledged.
    fn session(&mut self) -> io::Result<()> {
        self.new_code()?;
        let (user, app) = (self.crew.workers[0].username.clone(), self.crew.workers[0].apps.code[0].clone());
        let place = self.nodes[1].place.clone();
        let target = authorization(&app, Some("none"));
        let over = AtomicBool::new(false);
        let person = &mut self.crew.workers[0].person;
        let (acknowledged, given) = thread::scope(|scope| {
            let asking = scope.spawn(|| {
                let mut given = Vec::new();
                while !over.load(SeqCst) {
                    let sent = Instant::now();
                    given.extend(
                        person
                            .authorize(&target)
                            .ok()
                            .filter(|answer| answer.get("code").is_some())
                            .map(|_| sent),
                    );
                }
                given
            });
            thread::sleep(Duration::from_millis(100));
            let done = place.manage(&["session", "revoke", "--user", &user], "");
            let acknowledged = Instant::now();
            thread::sleep(Duration::from_millis(200));
            over.store(true, SeqCst);
            let given = asking.join().unwrap_or_default();
            done.map(|_| (acknowledged, given)).map_err(Error::other)
        })?;
        self.outcome.acknowledged += given.len() as u64 + 1;
        if given.iter().any(|sent| *sent > acknowledged) {
            self.outcome.breach(Rule::RevocationHolds, "a code from a session whose end was acknowledged");
        }
        self.crew.workers[0].person.cookies.clear();
        Ok(())
    }
}

/// The tokens that came, each with the moment at which it was asked for.
fn refresh_until(wire: &mut Wire, app: &App, token: &str, over: &AtomicBool) -> Vec<(Instant, String)> {
    let (mut token, mut issued) = (token.to_owned(), Vec::new());
    while !over.load(SeqCst) {
        let sent = Instant::now();
        if let Reply::Done(body) = wire.call("/oauth/token", app, &refreshing(&token)) {
            issued.extend(access(&body).map(|access| (sent, access.token)));
            token = refresh(&body).unwrap_or(token);
        }
    }
    issued
}

fn redemption<'a>(code: &'a str, app: &'a App) -> [(&'a str, &'a str); 4] {
    [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", &app.redirect),
        ("code_verifier", VERIFIER),
    ]
}

fn refreshing(token: &str) -> [(&str, &str); 2] {
    [("grant_type", "refresh_token"), ("refresh_token", token)]
}

fn done(reply: &Reply) -> Option<&serde_json::Value> {
    if let Reply::Done(body) = reply { Some(body) } else { None }
}

fn is_invalid_grant(reply: &Reply) -> bool {
    matches!(reply, Reply::Denied(code) if code == "invalid_grant")
}
