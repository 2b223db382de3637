//! R19 — backups under load, each restored beside the running server: what is known stays, what was handed out is dead.

use std::io::{self, Error};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use valetkey_person::Person;

use crate::fault::{Fault, Outcome, Stage};
use crate::load::crew::Crew;
use crate::load::judge::Depth;
use crate::load::ledger::{Breach, Life, Rule};
use crate::load::manager::{self, Made};
use crate::load::wire::{self, App, Reply, VERIFIER, Wire};
use crate::load::worker::{Worker, short};
use crate::pace::{Pace, measure};
use crate::world::node::{Node, Place};
use crate::world::postgres::Postgres;

const PASS: &str = "the load notices nothing (p99 no more than 1.5 times what it was); the restored server is ready within 60 s \
                    and knows every account, application and audit record of before; V4: no token, code or session of before \
                    is good there; another master key, a damaged file and a running server are refused";

pub const SQLITE: Fault = Fault {
    id: "R19/sqlite",
    name: "backups under load, each restored elsewhere, SQLite",
    pass: PASS,
    smoke: false,
    run: on_sqlite,
};
pub const POSTGRES: Fault = Fault {
    id: "R19/postgres",
    name: "backups under load, each restored elsewhere, PostgreSQL",
    pass: PASS,
    smoke: false,
    run: on_postgres,
};

const READY: Duration = Duration::from_mins(1);

fn on_sqlite(stage: &Stage) -> io::Result<Outcome> {
    let place = Place::new(&stage.bin, &stage.home, "node")?.with_master_key();
    campaign(stage, place, Place::sibling)
}

fn on_postgres(stage: &Stage) -> io::Result<Outcome> {
    let postgres = Postgres::new(&stage.home, "postgres")?;
    let place = Place::on_postgres(&stage.bin, &stage.home, "node", &postgres.url())?;
    campaign(stage, place, |place, name| {
        Ok(place.sibling(name)?.with("VALETKEY__DATABASE_URL", &postgres.database(name)?))
    })
}

/// `elsewhere` gives an empty place of the same installation.
fn campaign(
    stage: &Stage,
    place: Place,
    elsewhere: impl Fn(&Place, &str) -> io::Result<Place>,
) -> io::Result<Outcome> {
    let mut outcome = Outcome::new();
    let node = Node::started(place)?;
    let mut crew = Crew::hire(&node.place, &[node.place.public], 4, stage.seed, &stage.home)?;
    let mut paces = Vec::new();
    for round in 1..=stage.rounds(2, 15) {
        outcome.rounds = round;
        let file = stage.home.join(format!("{round}.backup"));
        let known = node.place.register("Known", &["--grant", "client_credentials"])?;
        crew.made.push(Made { app: known.clone(), disabled: false });
        let made = crew.made.len();
        paces.push(back_up(&mut crew, &node, &file, &mut outcome)?);
        crew.judge(Depth::Sample);
        crew.judge_made(node.place.public, Depth::Sample);
        let there = elsewhere(&node.place, &format!("restored{round}"))?;
        if round == 1 {
            refused(&there, &file, &mut outcome)?;
        }
        let began = Instant::now();
        there.manage(&["restore", &path(&file)], "").map_err(Error::other)?;
        let mut restored = Node::started(there)?;
        outcome.recovered(began.elapsed(), stage.limit(READY));
        let forced = restored.place.manage(&["restore", "--force", &path(&file)], "");
        outcome.demand(forced.is_err(), || "a restore under a running server was not refused".to_owned());
        judge(&mut crew, &restored.place, &known, made, &mut outcome)?;
        restored.kill()?;
        std::fs::remove_file(&file)?;
        // A file on another engine leaves no directory.
        let _ = std::fs::remove_dir_all(&restored.place.data);
    }
    crew.judge(Depth::All);
    crew.judge_audit(&node.place);
    crew.judge_log(&node.place)?;
    compare(&paces, stage, &mut outcome);
    outcome.take(&mut crew);
    Ok(outcome)
}

fn path(file: &Path) -> String {
    file.display().to_string()
}

/// One backup while everybody works; how fast others were answered before and meanwhile.
fn back_up(crew: &mut Crew, node: &Node, file: &Path, outcome: &mut Outcome) -> io::Result<[Pace; 2]> {
    let (place, door, round) = (&node.place, node.place.public, outcome.rounds);
    let (managed, said, paces) = crew.load(|sky| {
        thread::scope(|scope| {
            let manager = scope.spawn(|| manager::manage(place, round, sky));
            thread::sleep(Duration::from_millis(500));
            let before = measure(door, Duration::from_secs(2));
            let backup = scope.spawn(|| place.manage(&["backup", &path(file)], ""));
            let during = measure(door, Duration::from_secs(2));
            let said = backup.join().map_err(|_| Error::other("the thread of the backup panicked"));
            sky.end();
            let done = manager.join().map_err(|_| Error::other("the thread of the commands panicked"))?;
            Ok((done, said?, [before, during]))
        })
    })?;
    outcome.demand(said.is_ok(), || format!("the backup: {said:?}"));
    crew.made.extend(managed.made);
    let failed = managed.failed.iter().map(|detail| Breach::new(Rule::CleanAnswers, round, detail));
    crew.breaches.extend(failed);
    Ok(paces)
}

/// What no restore takes.
fn refused(there: &Place, file: &Path, outcome: &mut Outcome) -> io::Result<()> {
    let stranger = there.clone().with("VALETKEY__MASTER_KEY", "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=");
    let said = stranger.manage(&["restore", &path(file)], "");
    outcome.demand(said.is_err(), || "another master key was taken".to_owned());
    let mut bytes = std::fs::read(file)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let damaged = file.with_extension("damaged");
    for (what, bytes) in [("a flipped bit", &bytes[..]), ("half a file", &bytes[..middle])] {
        std::fs::write(&damaged, bytes)?;
        let said = there.manage(&["restore", &path(&damaged)], "");
        outcome.demand(said.is_err(), || format!("{what} was taken"));
    }
    std::fs::remove_file(damaged)
}

/// Asks the restored server about everything that came before it. `made`: how many clients a command had made by then.
fn judge(crew: &mut Crew, place: &Place, known: &App, made: usize, outcome: &mut Outcome) -> io::Result<()> {
    let later = crew.made.split_off(made);
    crew.judge_made(place.public, Depth::Sample);
    crew.made.extend(later);
    let trail = place.manage(&["audit", "tail", "-n", "100", "--client", &known.id], "");
    let trail = trail.map_err(Error::other)?.to_string();
    if !trail.contains("client_created") {
        outcome.breach(Rule::AuditHolds, format!("the making of {} is not in the restored trail", known.id));
    }
    for (worker, password) in crew.workers.iter().zip(&crew.passwords) {
        judge_worker(worker, password, place, outcome);
    }
    Ok(())
}

fn judge_worker(worker: &Worker, password: &str, place: &Place, outcome: &mut Outcome) {
    let mut wire = Wire::new(place.public, &place.issuer);
    let recent = worker.grants.iter().rev().take(60);
    let tokens = recent.clone().flat_map(|grant| grant.access.iter().map(|access| &access.token));
    let tokens = tokens.chain(worker.loose.iter().rev().take(60).map(|loose| &loose.access.token));
    for token in tokens.chain(recent.clone().flat_map(|grant| &grant.refresh)) {
        let reply = wire.call("/oauth/introspect", &worker.apps.observer, &[("token", token)]);
        dead(matches!(&reply, Reply::Done(body) if body["active"] == false), token, &reply, outcome);
    }
    for grant in recent.filter(|grant| grant.life == Life::Live) {
        let token = grant.refresh.last().map_or("", String::as_str);
        let fields = [("grant_type", "refresh_token"), ("refresh_token", token)];
        let reply = wire.call("/oauth/token", &worker.apps.code[grant.code.app], &fields);
        dead(is_invalid(&reply), token, &reply, outcome);
    }
    for code in &worker.codes {
        let reply = redeem(&mut wire, &worker.apps.code[code.app], &code.value);
        dead(is_invalid(&reply), &code.value, &reply, outcome);
    }
    let app = &worker.apps.code[0];
    let mut person = Person::new(&place.issuer, place.public, &worker.username, password);
    person.cookies.clone_from(&worker.person.cookies);
    let silent = person.authorize(&wire::authorization(app, Some("none")));
    if !silent.as_ref().is_ok_and(|answer| answer.get("error").is_some()) {
        outcome.breach(Rule::RevocationHolds, format!("a session of before the restore: {silent:?}"));
    }
    anew(person, &mut wire, worker, outcome);
}

/// The same person signs in again, and everything works as on the first day.
fn anew(mut person: Person, wire: &mut Wire, worker: &Worker, outcome: &mut Outcome) {
    person.cookies.clear();
    let app = &worker.apps.code[0];
    let answer = person.authorize(&wire::authorization(app, None));
    let code = answer.as_ref().ok().and_then(|answer| answer.get("code")).unwrap_or_default();
    let reply = redeem(wire, app, code);
    let refresh = if let Reply::Done(body) = &reply { wire::refresh(body) } else { None };
    let refresh = refresh.unwrap_or_default();
    let again =
        wire.call("/oauth/token", app, &[("grant_type", "refresh_token"), ("refresh_token", &refresh)]);
    if matches!(again, Reply::Done(_)) {
        outcome.acknowledged += 1;
    } else {
        let seen = format!("{} cannot sign in again: {reply:?}, {again:?}", worker.username);
        outcome.breach(Rule::SessionHolds, seen);
    }
}

fn redeem(wire: &mut Wire, app: &App, code: &str) -> Reply {
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", &app.redirect),
        ("code_verifier", VERIFIER),
    ];
    wire.call("/oauth/token", app, &fields)
}

fn is_invalid(reply: &Reply) -> bool {
    matches!(reply, Reply::Denied(code) if code == "invalid_grant")
}

fn dead(is_so: bool, what: &str, reply: &Reply, outcome: &mut Outcome) {
    if is_so {
        outcome.acknowledged += 1;
    } else {
        outcome.breach(Rule::RevocationHolds, format!("{} of before the restore: {reply:?}", short(what)));
    }
}

/// The median of all rounds, as one p99 under full load says little.
fn compare(paces: &[[Pace; 2]], stage: &Stage, outcome: &mut Outcome) {
    let median = |of: usize| {
        let mut all: Vec<Duration> = paces.iter().map(|pace| pace[of].p99).collect();
        all.sort();
        all.get(all.len() / 2).copied().unwrap_or_default()
    };
    let (before, during) = (median(0), median(1));
    outcome.note(format!(
        "p99 beside the load: {} µs, during a backup {} µs",
        before.as_micros(),
        during.as_micros()
    ));
    let failed: u64 = paces.iter().flatten().map(|pace| pace.failed).sum();
    outcome.demand(failed == 0, || format!("{failed} requests failed"));
    if stage.full {
        let limit = before.mul_f64(1.5).max(Duration::from_millis(5));
        outcome.in_time("p99 during a backup", during, limit);
    }
}
