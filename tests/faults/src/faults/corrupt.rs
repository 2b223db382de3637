//! R08 — the database file is damaged, at rest and under a running server.

use std::fs::{self, OpenOptions};
use std::io::{self, Error};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

use crate::fault::{Fault, Outcome, Stage};
use crate::load::chance::Chance;
use crate::load::crew::Crew;
use crate::load::ledger::{Life, Rule};
use crate::load::wire::{Reply, Wire};
use crate::load::worker::short;
use crate::world::node::{Node, Place};

pub const FAULT: Fault = Fault {
    id: "R08",
    name: "bits flipped, pages overwritten, files cut, emptied, deleted: at rest and live",
    pass: "refused at the start or answered with 503; never an empty database in its place nor a set-up link; no panic; nothing \
           dead is called active",
    smoke: false,
    run,
};

/// What is done to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Damage {
    Flip,
    Overwrite,
    Cut,
    Empty,
    Delete,
    EmptyLog,
    DeleteLog,
    FlipLog,
}

const ALL: [Damage; 8] = [
    Damage::Flip,
    Damage::Overwrite,
    Damage::Cut,
    Damage::Empty,
    Damage::Delete,
    Damage::EmptyLog,
    Damage::DeleteLog,
    Damage::FlipLog,
];

#[derive(Debug, Default)]
struct Seen {
    refused: u32,
    served: u32,
    clean: u32,
    /// Live tokens and clients that the damaged store no longer knows.
    forgotten: u32,
}

fn run(stage: &Stage) -> io::Result<Outcome> {
    let mut outcome = Outcome::new();
    let mut node = Node::started(Place::new(&stage.bin, &stage.home, "node")?)?;
    let mut crew = Crew::hire(&node.place, &[node.place.public], stage.workers, stage.seed, &stage.home)?;
    crew.work(Duration::from_secs(2))?;
    // From the first administrator on, no set-up link is given.
    let words = ["user", "create", "--username", "root", "--admin", "--password-stdin"];
    node.place.manage(&words, "a long password for the administrator\n").map_err(Error::other)?;
    // Killed, so that much of what was acknowledged stands in the log of writes alone.
    node.kill()?;
    let whole = stage.home.join("whole");
    copy(&node.place.data, &whole)?;
    let mut chance = Chance::new(stage.seed, 77);
    let mut tally: Vec<(String, Seen)> = Vec::new();
    for live in [false, true] {
        for damage in ALL {
            let mut seen = Seen::default();
            for _ in 0..stage.rounds(1, 20) {
                outcome.rounds += 1;
                fs::remove_dir_all(&node.place.data)?;
                copy(&whole, &node.place.data)?;
                if live {
                    node.start()?;
                    spoil(&node.place, damage, &mut chance)?;
                    look(&mut node, &crew, damage, &mut seen, &mut outcome);
                } else {
                    spoil(&node.place, damage, &mut chance)?;
                    start(&mut node, &crew, damage, &mut seen, &mut outcome)?;
                }
                node.kill()?;
            }
            tally.push((format!("{damage:?} {}", if live { "live" } else { "at rest" }), seen));
        }
    }
    for (name, seen) in tally {
        let Seen { refused, served, clean, forgotten } = seen;
        outcome.note(format!(
            "{name}: {refused} refused at the start, {served} served ({clean} questions answered 503, {forgotten} live things unknown)"
        ));
    }
    crew.judge_log(&node.place)?;
    outcome.take(&mut crew);
    Ok(outcome)
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    fs::set_permissions(to, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

fn spoil(place: &Place, damage: Damage, chance: &mut Chance) -> io::Result<()> {
    let database = place.database();
    let log = place.data.join("valetkey.db-wal");
    let path = if matches!(damage, Damage::EmptyLog | Damage::DeleteLog | Damage::FlipLog) {
        &log
    } else {
        &database
    };
    match damage {
        Damage::Delete | Damage::DeleteLog => return fs::remove_file(path).or(Ok(())),
        _ if !path.exists() => return Ok(()),
        _ => {}
    }
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    let length = file.metadata()?.len();
    match damage {
        Damage::Empty | Damage::EmptyLog => file.set_len(0),
        Damage::Cut => file.set_len(chance.between(1, length.max(2))),
        Damage::Flip | Damage::FlipLog if length > 0 => {
            let (at, mut byte) = (chance.between(0, length), [0]);
            file.read_exact_at(&mut byte, at)?;
            byte[0] ^= 1 << chance.below(8);
            file.write_all_at(&byte, at)
        }
        Damage::Overwrite => {
            let page = chance.between(0, length / 4096) * 4096;
            let noise: Vec<u8> = (0..4096).map(|_| u8::try_from(chance.below(256)).unwrap_or(0)).collect();
            file.write_all_at(&noise, page)
        }
        _ => Ok(()),
    }
}

fn start(
    node: &mut Node,
    crew: &Crew,
    damage: Damage,
    seen: &mut Seen,
    outcome: &mut Outcome,
) -> io::Result<()> {
    let printed = fs::read_to_string(node.place.stdout()).unwrap_or_default().len();
    let status = node.try_start(Duration::from_secs(10))?;
    let words = fs::read_to_string(node.place.stdout()).unwrap_or_default();
    let words = words.get(printed..).unwrap_or_default();
    outcome.demand(!words.contains("/setup"), || format!("{damage:?}: a set-up link was given"));
    match status {
        Some(status) => {
            seen.refused += 1;
            let last = node.place.last_words();
            outcome
                .demand(!status.success() && !last.is_empty(), || format!("{damage:?}: {status} and {last}"));
            outcome.acknowledged += 1;
        }
        None => look(node, crew, damage, seen, outcome),
    }
    Ok(())
}

/// Asks about what the ledger knows. Nothing dead may live; everything else may be refused with 503.
fn look(node: &mut Node, crew: &Crew, damage: Damage, seen: &mut Seen, outcome: &mut Outcome) {
    seen.served += 1;
    let mut wire = Wire::new(node.place.public, &node.place.issuer);
    for worker in &crew.workers {
        let settled = || worker.grants.iter().filter(|grant| grant.unanswered.is_none());
        let dead = settled().filter(|grant| grant.life == Life::Dead).take(15);
        let live = settled().filter(|grant| grant.life == Life::Live).take(10);
        for grant in dead.chain(live) {
            let token = grant.refresh.last().cloned().unwrap_or_default();
            let app = &worker.apps.code[grant.code.app];
            let introspected = wire.call("/oauth/introspect", &worker.apps.observer, &[("token", &token)]);
            let fields = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
            let refreshed = wire.call("/oauth/token", app, &fields);
            let active = matches!(&introspected, Reply::Done(body) if body["active"] == true);
            let given = matches!(&refreshed, Reply::Done(_));
            if grant.life == Life::Dead && (active || given) {
                let detail = format!("{damage:?}: {} lives: {introspected:?} {refreshed:?}", short(&token));
                outcome.breach(Rule::RevocationHolds, detail);
            }
            seen.forgotten += u32::from(grant.life == Life::Live && matches!(&refreshed, Reply::Denied(_)));
            for reply in [introspected, refreshed] {
                match reply {
                    Reply::Busy => seen.clean += 1,
                    Reply::Done(_) | Reply::Denied(_) => outcome.acknowledged += 1,
                    other => outcome.breach(Rule::CleanAnswers, format!("{damage:?}: {other:?}")),
                }
            }
        }
    }
    let ended = node.ended().map_err(|error| Error::other(error).to_string());
    if let Ok(Some(status)) = ended {
        outcome.demand(!status.success(), || format!("{damage:?}: it ended as if all were well"));
    }
}
