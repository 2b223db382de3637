//! R22 — a node stands still (SIGSTOP), in the middle of a transaction where it can be caught there, and goes on later.

use std::io::{self, Error};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::fault::{Fault, Outcome, Stage};
use crate::load::crew::Crew;
use crate::load::judge::Depth;
use crate::load::ledger::Rule;
use crate::load::wire::{App, Reply, VERIFIER, Wire, access, refresh};
use crate::load::worker::short;
use crate::probe::Probe;
use crate::world::chores::until;
use crate::world::node::{Node, Place};
use crate::world::postgres::Postgres;

pub const FAULT: Fault = Fault {
    id: "R22",
    name: "one of two nodes stands still for 30 s (SIGSTOP), caught in a transaction where possible, and goes on",
    pass: "the other node writes again within 5 s and rotates keys meanwhile; what the woken node does late gives nothing twice; \
           it never calls a token good that was taken back while it stood; ready within 5 s; V1 to V4",
    smoke: false,
    run,
};

/// Codes and refresh tokens whose use lies before the frozen node when it wakes.
const LATE: usize = 5;
const REVOKED: usize = 10;
const SPAN: Duration = Duration::from_secs(30);
const RECOVERY: Duration = Duration::from_secs(5);

struct World {
    postgres: Postgres,
    /// The first is frozen.
    nodes: [Node; 2],
    probe: Probe,
    outcome: Outcome,
    /// Enters a revocation that was never asked for.
    lies: bool,
}

/// Something that is asked of the frozen node, then of the other, which answers first.
struct Late {
    wire: Wire,
    fields: Vec<(&'static str, String)>,
    is_code: bool,
    /// The refresh token that the other node gave for it.
    given: Option<String>,
}

impl Late {
    fn fields(&self) -> Vec<(&str, &str)> {
        self.fields.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }

    fn spent(&self) -> &str {
        short(&self.fields[1].1)
    }
}

fn run(stage: &Stage) -> io::Result<Outcome> {
    play(stage, stage.rounds(1, 3), SPAN, false)
}

/// With a falsehood that must be found.
pub fn prove(stage: &Stage) -> io::Result<Outcome> {
    play(stage, 1, Duration::from_secs(2), true)
}

fn play(stage: &Stage, rounds: u32, span: Duration, lies: bool) -> io::Result<Outcome> {
    let postgres = Postgres::new(&stage.home, "postgres")?;
    let url = |name: &str| format!("{}?application_name={name}", postgres.url());
    let place = Place::on_postgres(&stage.bin, &stage.home, "node1", &url("node1"))?;
    let sibling = place.sibling("node2")?.with("VALETKEY__DATABASE_URL", &url("node2"));
    let nodes = [Node::started(place)?, Node::started(sibling)?];
    let doors = [nodes[0].place.public, nodes[1].place.public];
    let mut crew = Crew::hire(&nodes[0].place, &doors, stage.workers, stage.seed, &stage.home)?;
    let probe = Probe::new(&nodes[1].place, doors[1], 2000)?;
    let mut world = World { postgres, nodes, probe, outcome: Outcome::new(), lies };
    for _ in 0..rounds {
        world.outcome.rounds += 1;
        world.round(&mut crew, stage, span)?;
        crew.judge(Depth::Sample);
    }
    crew.judge(Depth::All);
    for node in &world.nodes {
        crew.judge_log(&node.place)?;
    }
    world.outcome.take(&mut crew);
    Ok(world.outcome)
}

impl World {
    fn round(&mut self, crew: &mut Crew, stage: &Stage, span: Duration) -> io::Result<()> {
        let mut late = self.late(crew)?;
        let tokens = self.tokens(crew)?;
        let apps = Arc::clone(&crew.workers[0].apps);
        let (observer, service, app) = (&apps.observer, &apps.service, &apps.code[0]);
        let (caught, began) = crew.load(|sky| {
            thread::sleep(Duration::from_millis(700));
            sky.storm();
            let caught = self.freeze()?;
            let began = Instant::now();
            let took = self.probe.until_well(&self.nodes[1], Duration::from_secs(30))?;
            self.outcome.recovered(took, stage.limit(RECOVERY));
            // Whoever waits for the frozen node asks once, and does not try again at the other: what lies before it when
            // it wakes would be a second use.
            Ok((caught, began))
        })?;
        self.outcome.note(if caught { "stopped in a transaction" } else { "stopped between transactions" });
        for one in &mut late {
            let fields: Vec<_> = one.fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            one.wire.begin("/oauth/token", app, &fields)?;
        }
        self.meanwhile(app, service, &mut late, &tokens);
        // The other node alone, in fair weather.
        crew.gather(&[self.nodes[1].place.public]);
        crew.work(span.saturating_sub(began.elapsed()).max(Duration::from_secs(1)))?;
        self.wake(observer, &tokens)?;
        self.answers(&mut late);
        let took = until("the woken node is ready", Duration::from_secs(30), || self.nodes[0].is_ready())?;
        self.outcome.recovered(took, stage.limit(RECOVERY));
        crew.gather(&[self.nodes[0].place.public, self.nodes[1].place.public]);
        crew.work(Duration::from_secs(1))
    }

    fn wire(&self, node: usize) -> Wire {
        Wire::new(self.nodes[node].place.public, &self.nodes[node].place.issuer)
    }

    /// Fresh codes, and refresh tokens of redeemed ones.
    fn late(&self, crew: &mut Crew) -> io::Result<Vec<Late>> {
        let mut all = Vec::new();
        for n in 0..2 * LATE {
            let worker = &mut crew.workers[0];
            worker.new_code(0, None).map_err(|reply| Error::other(format!("no code: {reply:?}")))?;
            let code = worker.codes.pop().ok_or_else(|| Error::other("no code"))?;
            let app = worker.apps.code[0].clone();
            let mut fields = vec![
                ("grant_type", "authorization_code".to_owned()),
                ("code", code.value),
                ("redirect_uri", app.redirect.clone()),
                ("code_verifier", VERIFIER.to_owned()),
            ];
            let is_code = n < LATE;
            let mut late = Late { wire: self.wire(0), fields: Vec::new(), is_code, given: None };
            if !is_code {
                let said: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
                let reply = self.wire(1).call("/oauth/token", &app, &said);
                let token = done(&reply).and_then(refresh);
                let token = token.ok_or_else(|| Error::other(format!("no grant: {reply:?}")))?;
                fields = vec![("grant_type", "refresh_token".to_owned()), ("refresh_token", token)];
            }
            late.fields = fields;
            all.push(late);
        }
        Ok(all)
    }

    /// Tokens that the node to be frozen knows as good.
    fn tokens(&self, crew: &Crew) -> io::Result<Vec<String>> {
        let apps = &crew.workers[0].apps;
        let (mut near, mut far, mut tokens) = (self.wire(0), self.wire(1), Vec::new());
        while tokens.len() < REVOKED {
            let reply = far.call("/oauth/token", &apps.service, &[("grant_type", "client_credentials")]);
            let token = done(&reply).and_then(access).map(|access| access.token);
            let token = token.ok_or_else(|| Error::other(format!("no token: {reply:?}")))?;
            let reply = near.call("/oauth/introspect", &apps.observer, &[("token", &token)]);
            if done(&reply).is_none_or(|body| body["active"] != true) {
                return Err(Error::other(format!("a fresh token is not good: {reply:?}")));
            }
            tokens.push(token);
        }
        Ok(tokens)
    }

    /// Stops the first node; whether a transaction of its was open then.
    fn freeze(&self) -> io::Result<bool> {
        let open = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'node1' AND state = 'idle in transaction'";
        for _ in 0..40 {
            self.nodes[0].signal("STOP")?;
            // Statements under way come to their end.
            thread::sleep(Duration::from_millis(60));
            if self.postgres.query(open)? != "0" {
                return Ok(true);
            }
            self.nodes[0].signal("CONT")?;
            thread::sleep(Duration::from_millis(40));
        }
        self.nodes[0].signal("STOP")?;
        Ok(false)
    }

    /// What the other node does while the first stands.
    fn meanwhile(&mut self, app: &App, service: &App, late: &mut [Late], tokens: &[String]) {
        let mut wire = self.wire(1);
        for one in late {
            let reply = wire.call("/oauth/token", app, &one.fields());
            one.given = done(&reply).and_then(refresh);
            let name = one.spent();
            self.outcome.demand(one.given.is_some(), || format!("{name} at the other node: {reply:?}"));
        }
        for token in &tokens[usize::from(self.lies)..] {
            let reply = wire.call("/oauth/revoke", service, &[("token", token)]);
            self.outcome.demand(done(&reply).is_some(), || format!("a revocation meanwhile: {reply:?}"));
        }
        let rotated = self.nodes[1].place.manage(&["key", "rotate"], "");
        self.outcome.demand(rotated.is_ok(), || format!("keys were not rotated meanwhile: {rotated:?}"));
        self.outcome.acknowledged += (2 * LATE + REVOKED) as u64;
    }

    /// It goes on, and is asked at once about what was taken back.
    fn wake(&mut self, observer: &App, tokens: &[String]) -> io::Result<()> {
        self.nodes[0].signal("CONT")?;
        let mut wire = self.wire(0);
        for _ in 0..20 {
            for token in tokens {
                let reply = wire.call("/oauth/introspect", observer, &[("token", token)]);
                match &reply {
                    Reply::Done(body) if body["active"] == false => {}
                    Reply::Busy => {}
                    Reply::Done(_) => {
                        let detail = format!("{} lives at the woken node", short(token));
                        self.outcome.breach(Rule::RevocationHolds, detail);
                    }
                    _ => self.outcome.breach(Rule::CleanAnswers, format!("the woken node: {reply:?}")),
                }
            }
        }
        Ok(())
    }

    /// What it answers to the questions that it found when it woke.
    fn answers(&mut self, late: &mut [Late]) {
        let (mut refused, mut same, mut lost) = (0, 0, 0);
        for one in late {
            let reply = one.wire.finish();
            let given = done(&reply).and_then(refresh);
            match (&reply, one.is_code) {
                (Reply::Done(_), true) => {
                    self.outcome.breach(Rule::CodeOnce, format!("{} was redeemed again, late", one.spent()));
                }
                (Reply::Done(_), false) if given != one.given => self
                    .outcome
                    .breach(Rule::OneSuccessor, format!("{} has another successor, late", one.spent())),
                (Reply::Done(_), false) => same += 1,
                (Reply::Denied(_) | Reply::Busy, _) => refused += 1,
                // It is closed if the server counts the time in which it stood.
                (Reply::Lost(_), _) => lost += 1,
                (Reply::Unclean(text), _) => {
                    self.outcome.breach(Rule::CleanAnswers, format!("a late answer: {text}"));
                }
            }
        }
        self.outcome
            .note(format!("late: {refused} refused, {same} given the same successor, {lost} hung up on"));
    }
}

fn done(reply: &Reply) -> Option<&Value> {
    match reply {
        Reply::Done(body) => Some(body),
        _ => None,
    }
}
