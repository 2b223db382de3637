//! Users, clients and workers, made once; their work while something happens to the server; and the judgement.

use std::collections::BTreeMap;
use std::io::{self, Error};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use valetkey_person::Person;

use crate::load::chance::Chance;
use crate::load::judge::Depth;
use crate::load::ledger::{Breach, Journal, Rule};
use crate::load::log;
use crate::load::manager::Made;
use crate::load::sky::Sky;
use crate::load::wire::{App, Reply, Wire};
use crate::load::worker::{Apps, Worker};
use crate::world::node::Place;

/// Few, because a password costs 16 ms to check; workers share them.
const USERS: usize = 4;

/// Everybody who asks the server for something, and what they know of it.
#[derive(Debug)]
pub struct Crew {
    pub sky: Sky,
    pub chance: Chance,
    pub journal: Arc<Journal>,
    pub workers: Vec<Worker>,
    pub passwords: Vec<String>,
    /// Made by management commands beside the load, each acknowledged by exit 0.
    pub made: Vec<Made>,
    pub breaches: Vec<Breach>,
    pub round: u32,
    issuer: String,
}

impl Crew {
    /// Makes the users and the clients, and `count` workers with a browser each, spread over `doors`: the addresses where
    /// the nodes are reached. The ledger is written in `home`.
    pub fn hire(
        place: &Place,
        doors: &[SocketAddr],
        count: usize,
        seed: u64,
        home: &Path,
    ) -> io::Result<Self> {
        let mut chance = Chance::new(seed, 0);
        let mut passwords = Vec::new();
        for user in 0..USERS {
            let password = format!("tin-{:016x}-harbour", chance.next());
            let words = ["user", "create", "--username", &format!("user{user}"), "--password-stdin"];
            place.manage(&words, &format!("{password}\n")).map_err(Error::other)?;
            passwords.push(password);
        }
        let apps = Arc::new(apps(place)?);
        let (sky, journal) = (Sky::default(), Arc::new(Journal::create(&home.join("ledger.txt"))?));
        let hire = |id: usize| {
            let (near, far) = (doors[id % doors.len()], doors[(id + 1) % doors.len()]);
            let username = format!("user{}", id % USERS);
            Worker {
                id,
                apps: Arc::clone(&apps),
                person: Person::new(&place.issuer, near, &username, &passwords[id % USERS]),
                wire: Wire::new(near, &place.issuer),
                spare: Wire::new(far, &place.issuer),
                chance: Chance::new(seed, id as u64 + 1),
                journal: Arc::clone(&journal),
                sky: sky.clone(),
                username,
                subject: None,
                round: 0,
                codes: Vec::new(),
                grants: Vec::new(),
                live: Vec::new(),
                loose: Vec::new(),
                counts: BTreeMap::new(),
                breaches: Vec::new(),
                at_home: None,
            }
        };
        let workers = (0..count).map(hire).collect();
        let issuer = place.issuer.clone();
        Ok(Self {
            sky,
            chance,
            journal,
            workers,
            passwords,
            made: Vec::new(),
            breaches: Vec::new(),
            round: 0,
            issuer,
        })
    }

    /// Lets everybody work while `during` runs. It decides what they may expect by the sky.
    pub fn load<T>(&mut self, during: impl FnOnce(&Sky) -> io::Result<T>) -> io::Result<T> {
        self.round += 1;
        let (sky, round) = (self.sky.clone(), self.round);
        sky.begin();
        let done = thread::scope(|scope| {
            for worker in &mut self.workers {
                worker.round = round;
                scope.spawn(|| worker.work());
            }
            let done = during(&sky);
            sky.end();
            done
        });
        self.workers.iter_mut().for_each(Worker::hang_up);
        done
    }

    /// Lets everybody work for this long, in fair weather.
    pub fn work(&mut self, span: Duration) -> io::Result<()> {
        self.load(|_| {
            thread::sleep(span);
            Ok(())
        })
    }

    /// Checks what was acknowledged. The server must be well.
    pub fn judge(&mut self, depth: Depth) {
        self.sky.begin();
        thread::scope(|scope| {
            for worker in &mut self.workers {
                scope.spawn(move || worker.judge(depth));
            }
        });
        self.workers.iter_mut().for_each(Worker::hang_up);
        self.journal.flush();
    }

    /// The other node answers each worker from now on.
    pub fn change_sides(&mut self) {
        self.workers.iter_mut().for_each(Worker::change_sides);
    }

    /// From now on everybody asks at these doors.
    pub fn gather(&mut self, doors: &[SocketAddr]) {
        for worker in &mut self.workers {
            let (near, far) = (doors[worker.id % doors.len()], doors[(worker.id + 1) % doors.len()]);
            worker.wire = Wire::new(near, &self.issuer);
            worker.spare = Wire::new(far, &self.issuer);
            worker.person.go_to(near);
        }
    }

    /// What management commands made: clients that get tokens, and clients that get none any more.
    pub fn judge_made(&mut self, door: SocketAddr, depth: Depth) {
        let skip = if depth == Depth::All { 0 } else { self.made.len().saturating_sub(20) };
        let mut wire = Wire::new(door, &self.issuer);
        for made in &self.made[skip..] {
            let reply = wire.call("/oauth/token", &made.app, &[("grant_type", "client_credentials")]);
            let (rule, right) = if made.disabled {
                (Rule::SwitchedOff, matches!(reply, Reply::Denied(_)))
            } else {
                (Rule::ClientExists, matches!(reply, Reply::Done(_)))
            };
            if !right {
                self.breaches.push(Breach::new(rule, self.round, format!("{}: {reply:?}", made.app.id)));
            }
        }
    }

    /// Each client that was made has its entry in the audit trail.
    pub fn judge_audit(&mut self, place: &Place) {
        let trail = place.manage(&["audit", "tail", "-n", "100000"], "");
        let trail = trail.map_or_else(|error| error, |trail| trail.to_string());
        for made in &self.made {
            if trail.contains(&made.app.id) {
                continue;
            }
            // The tail has an end, and a long run writes more than that: then it is asked for by name.
            let own = place.manage(&["audit", "tail", "-n", "100", "--client", &made.app.id], "");
            let own = own.map_or_else(|error| error, |own| own.to_string());
            if !own.contains("client_created") {
                let detail =
                    format!("nothing of the making of {}: {}", made.app.id, own.get(..200).unwrap_or(&own));
                self.breaches.push(Breach::new(Rule::AuditHolds, self.round, detail));
            }
        }
    }

    /// Reads a server's log: no panic, no secret.
    pub fn judge_log(&mut self, place: &Place) -> io::Result<()> {
        let log = String::from_utf8_lossy(&std::fs::read(place.log())?).into_owned();
        for line in log::panics(&log) {
            self.breaches.push(Breach::new(Rule::NoPanic, self.round, line));
        }
        let leaks: Vec<String> = log::leaks(&log, self.secrets()).into_iter().map(str::to_owned).collect();
        for leak in leaks {
            let detail = format!("{}…", leak.get(..10).unwrap_or(&leak));
            self.breaches.push(Breach::new(Rule::NoSecretInLog, self.round, detail));
        }
        Ok(())
    }

    fn secrets(&self) -> Vec<&str> {
        let mut secrets: Vec<&str> = self.passwords.iter().map(String::as_str).collect();
        secrets.extend(self.made.iter().filter_map(|made| made.app.secret.as_deref()));
        for worker in &self.workers {
            let apps = worker.apps.code.iter().chain([&worker.apps.service, &worker.apps.observer]);
            secrets.extend(apps.filter_map(|app| app.secret.as_deref()));
            let codes = worker.codes.iter().chain(worker.grants.iter().map(|grant| &grant.code));
            secrets.extend(codes.map(|code| code.value.as_str()));
            secrets.extend(worker.grants.iter().flat_map(|grant| &grant.refresh).map(String::as_str));
            let access = worker.grants.iter().flat_map(|grant| &grant.access);
            let access = access.chain(worker.loose.iter().map(|loose| &loose.access));
            secrets.extend(access.map(|access| access.token.as_str()));
            secrets.extend(worker.person.cookies.iter().map(|(_, value)| value.as_str()));
        }
        secrets
    }

    /// How much was acknowledged, by kind.
    pub fn counts(&self) -> BTreeMap<&'static str, u64> {
        let mut counts = BTreeMap::new();
        counts.insert("made by CLI", u64::try_from(self.made.len()).unwrap_or(u64::MAX));
        for (kind, count) in self.workers.iter().flat_map(|worker| &worker.counts) {
            *counts.entry(*kind).or_default() += count;
        }
        counts
    }

    /// Takes all breaches out.
    pub fn take_breaches(&mut self) -> Vec<Breach> {
        let mut breaches = std::mem::take(&mut self.breaches);
        for worker in &mut self.workers {
            breaches.append(&mut worker.breaches);
        }
        breaches.sort_by_key(|breach| (breach.round, breach.rule));
        breaches
    }
}

fn apps(place: &Place) -> io::Result<Apps> {
    let web = ["--scope", "read offline_access", "--redirect-uri", "https://app.example/callback"];
    Ok(Apps {
        code: vec![
            place.register("Load web", &web)?,
            place.register("Load post", &[&web[..], &["--auth-method", "client_secret_post"]].concat())?,
        ],
        service: place.register("Load service", &["--scope", "read", "--grant", "client_credentials"])?,
        observer: place.register("Load observer", &["--introspect", "--grant", "client_credentials"])?,
    })
}

impl Place {
    /// Registers an application with `client create`.
    pub fn register(&self, name: &str, more: &[&str]) -> io::Result<App> {
        let made =
            self.manage(&[&["client", "create", "--name", name], more].concat(), "").map_err(Error::other)?;
        App::read(&made).ok_or_else(|| Error::other(format!("client create gave no client_id: {made}")))
    }
}
