//! The rounds: load, kill, restart, judge; and at the end the log.

use std::collections::BTreeMap;
use std::io::{self, Error};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use crate::chance::Chance;
use crate::judge::Depth;
use crate::ledger::{Breach, Journal, Rule};
use crate::log;
use crate::sabotage::Sabotage;
use crate::server::{Place, Server};
use crate::wire::{App, Reply, Wire};
use crate::worker::Worker;

/// Recovery may take this long, from exec to ready.
const READY_LIMIT: Duration = Duration::from_secs(2);

#[derive(Debug, Clone)]
pub struct Plan {
    pub bin: PathBuf,
    pub rounds: u32,
    pub seed: u64,
    pub workers: usize,
    /// The longest life of a server before it is killed, in milliseconds.
    pub longest: u64,
    pub keep: bool,
    pub sabotage: Option<Sabotage>,
}

#[derive(Debug)]
pub struct Verdict {
    pub counts: BTreeMap<&'static str, u64>,
    pub breaches: Vec<Breach>,
    pub rounds: u32,
    pub early_kills: u32,
    pub slowest: Duration,
    pub median: Duration,
    pub slowest_command: Duration,
    pub took: Duration,
    pub kept: Option<PathBuf>,
}

/// The state of a run beside the workers'.
#[derive(Debug)]
pub struct Campaign {
    pub server: Server,
    pub chance: Chance,
    pub killed: Arc<AtomicBool>,
    pub passwords: Vec<String>,
    /// Clients that a management command made while the server was under load, and acknowledged by exit 0.
    made: Vec<App>,
    breaches: Vec<Breach>,
    recoveries: Vec<Duration>,
    early_kills: u32,
    slowest_command: Duration,
}

pub fn run(plan: &Plan) -> io::Result<Verdict> {
    let began = Instant::now();
    let home = std::env::temp_dir().join(format!("valetkey-crash-{}-{}", std::process::id(), plan.seed));
    let home =
        plan.sabotage.map_or_else(|| home.clone(), |sabotage| home.with_extension(format!("{sabotage:?}")));
    std::fs::create_dir_all(&home)?;
    let journal = Arc::new(Journal::create(&home.join("journal.txt"))?);
    let mut campaign = Campaign {
        server: Server::new(Place::new(&plan.bin, &home)?),
        chance: Chance::new(plan.seed, 0),
        killed: Arc::new(AtomicBool::new(false)),
        passwords: Vec::new(),
        made: Vec::new(),
        breaches: Vec::new(),
        recoveries: Vec::new(),
        early_kills: 0,
        slowest_command: Duration::ZERO,
    };
    campaign.start(0)?;
    let mut workers = campaign.hire(plan, &journal)?;
    for round in 1..=plan.rounds {
        campaign.load_and_kill(&mut workers, round, plan.longest)?;
        campaign.restart(round, plan.sabotage)?;
        let depth = if round == plan.rounds { Depth::All } else { Depth::Sample };
        campaign.judge(&mut workers, depth, plan.sabotage.filter(|_| round == plan.rounds));
        journal.flush();
        progress(round, plan, &workers, &campaign);
    }
    campaign.server.kill()?;
    if let Some(sabotage) = plan.sabotage {
        sabotage.taint(&campaign.server, &workers[0])?;
    }
    campaign.read_log(&workers, plan.rounds)?;
    let kept = conclude(plan, &home, &campaign, &workers)?;
    Ok(verdict(plan, campaign, workers, began.elapsed(), kept))
}

fn conclude(
    plan: &Plan,
    home: &PathBuf,
    campaign: &Campaign,
    workers: &[Worker],
) -> io::Result<Option<PathBuf>> {
    let clean = campaign.breaches.is_empty() && workers.iter().all(|worker| worker.breaches.is_empty());
    if (clean && !plan.keep) || plan.sabotage.is_some() {
        std::fs::remove_dir_all(home)?;
        return Ok(None);
    }
    Ok(Some(home.clone()))
}

fn verdict(
    plan: &Plan,
    campaign: Campaign,
    workers: Vec<Worker>,
    took: Duration,
    kept: Option<PathBuf>,
) -> Verdict {
    let mut counts =
        BTreeMap::from([("client made by CLI", u64::try_from(campaign.made.len()).unwrap_or(u64::MAX))]);
    let mut breaches = campaign.breaches;
    for worker in workers {
        for (kind, count) in worker.counts {
            *counts.entry(kind).or_default() += count;
        }
        breaches.extend(worker.breaches);
    }
    breaches.sort_by_key(|breach| (breach.round, breach.rule));
    let mut recoveries = campaign.recoveries;
    recoveries.sort();
    let slowest = recoveries.last().copied().unwrap_or_default();
    let median = recoveries.get(recoveries.len() / 2).copied().unwrap_or_default();
    Verdict {
        counts,
        breaches,
        rounds: plan.rounds,
        early_kills: campaign.early_kills,
        slowest,
        median,
        slowest_command: campaign.slowest_command,
        took,
        kept,
    }
}

fn progress(round: u32, plan: &Plan, workers: &[Worker], campaign: &Campaign) {
    if plan.sabotage.is_none() && (round.is_multiple_of(10) || round == plan.rounds) {
        let done: u64 = workers.iter().flat_map(|worker| worker.counts.values()).sum();
        let breaches =
            campaign.breaches.len() + workers.iter().map(|worker| worker.breaches.len()).sum::<usize>();
        println!("round {round}: {done} acknowledged, {breaches} breaches");
    }
}

/// What management commands did beside the load.
#[derive(Debug, Default)]
struct Managed {
    made: Vec<App>,
    failed: Vec<String>,
    slowest: Duration,
}

/// Makes clients until the server is gone. The commands open the store themselves, so each must end well even when the
/// server is killed meanwhile.
fn manage(place: &Place, round: u32, killed: &AtomicBool) -> Managed {
    let mut managed = Managed::default();
    let mut serial = 0;
    while !killed.load(SeqCst) {
        serial += 1;
        let name = format!("Made {round} {serial}");
        let words = ["client", "create", "--name", &name, "--scope", "read", "--grant", "client_credentials"];
        let began = Instant::now();
        match place.manage(&words, "") {
            Ok(client) => {
                let text = |member: &str| client[member].as_str().map(str::to_owned);
                let (id, secret) = (text("client_id").unwrap_or_default(), text("client_secret"));
                managed.made.push(App { id, secret, redirect: String::new() });
            }
            Err(error) => managed
                .failed
                .push(format!("a management command after {} ms: {error}", began.elapsed().as_millis())),
        }
        managed.slowest = managed.slowest.max(began.elapsed());
        // Few enough that the load stays the clients'.
        for _ in 0..20 {
            if !killed.load(SeqCst) {
                thread::sleep(Duration::from_millis(10));
            }
        }
    }
    managed
}

impl Campaign {
    fn start(&mut self, round: u32) -> io::Result<()> {
        let took = self.server.start()?;
        // The first start makes keys and the database; the limit is for recoveries.
        if round > 0 {
            self.recovered(round, took);
        }
        Ok(())
    }

    fn recovered(&mut self, round: u32, took: Duration) {
        self.recoveries.push(took);
        if took > READY_LIMIT {
            self.breaches.push(Breach {
                rule: Rule::ReadyInTime,
                round,
                detail: format!("{} ms", took.as_millis()),
            });
        }
    }

    fn load_and_kill(&mut self, workers: &mut [Worker], round: u32, longest: u64) -> io::Result<()> {
        self.killed.store(false, SeqCst);
        let life = Duration::from_millis(self.chance.between(200, longest));
        let killed = Arc::clone(&self.killed);
        let place = self.server.place.clone();
        let managed = thread::scope(|scope| {
            for worker in workers.iter_mut() {
                worker.round = round;
                scope.spawn(|| worker.work());
            }
            let manager = scope.spawn(|| manage(&place, round, &killed));
            thread::sleep(life);
            killed.store(true, SeqCst);
            let ended = self.server.kill();
            ended.map(|()| manager.join())
        })?;
        let managed = managed.map_err(|_| Error::other("the thread of the management commands panicked"))?;
        self.made.extend(managed.made);
        self.slowest_command = self.slowest_command.max(managed.slowest);
        let failed =
            managed.failed.into_iter().map(|detail| Breach { rule: Rule::CleanAnswers, round, detail });
        self.breaches.extend(failed);
        workers.iter_mut().for_each(Worker::hang_up);
        Ok(())
    }

    fn restart(&mut self, round: u32, sabotage: Option<Sabotage>) -> io::Result<()> {
        // One round in five is killed once more while it recovers.
        if self.chance.percent(20) {
            self.server.exec()?;
            thread::sleep(Duration::from_micros(self.chance.between(500, 60_000)));
            self.server.kill()?;
            self.early_kills += 1;
        }
        let held = sabotage.map_or(Duration::ZERO, Sabotage::delay);
        thread::sleep(held);
        let took = self.server.start()? + held;
        self.recovered(round, took);
        Ok(())
    }

    fn judge(&mut self, workers: &mut [Worker], depth: Depth, sabotage: Option<Sabotage>) {
        // The server lives now: a lost reply is a breach again.
        self.killed.store(false, SeqCst);
        if let Some(sabotage) = sabotage {
            sabotage.falsify(&mut workers[0]);
            self.made.extend(sabotage.invented_client());
        }
        thread::scope(|scope| {
            for worker in workers.iter_mut() {
                scope.spawn(move || worker.judge(depth));
            }
        });
        workers.iter_mut().for_each(Worker::hang_up);
        let round = workers.first().map_or(0, |worker| worker.round);
        let mut wire = Wire::new(self.server.place.public, &self.server.place.issuer);
        let skip = if depth == Depth::All { 0 } else { self.made.len().saturating_sub(20) };
        for app in &self.made[skip..] {
            let reply = wire.call("/oauth/token", app, &[("grant_type", "client_credentials")]);
            if !matches!(reply, Reply::Done(_)) {
                self.breaches.push(Breach {
                    rule: Rule::ClientExists,
                    round,
                    detail: format!("{}: {reply:?}", app.id),
                });
            }
        }
    }

    fn read_log(&mut self, workers: &[Worker], round: u32) -> io::Result<()> {
        let log = String::from_utf8_lossy(&std::fs::read(self.server.place.log())?).into_owned();
        for line in log::panics(&log) {
            self.breaches.push(Breach { rule: Rule::NoPanic, round, detail: line.into() });
        }
        let mut secrets: Vec<&str> = self.passwords.iter().map(String::as_str).collect();
        secrets.extend(self.made.iter().filter_map(|app| app.secret.as_deref()));
        for worker in workers {
            let apps = worker.apps.code.iter().chain([&worker.apps.service, &worker.apps.observer]);
            secrets.extend(apps.filter_map(|app| app.secret.as_deref()));
            secrets.extend(
                worker
                    .codes
                    .iter()
                    .chain(worker.grants.iter().map(|grant| &grant.code))
                    .map(|code| code.value.as_str()),
            );
            secrets.extend(worker.grants.iter().flat_map(|grant| &grant.refresh).map(String::as_str));
            let access = worker
                .grants
                .iter()
                .flat_map(|grant| &grant.access)
                .chain(worker.loose.iter().map(|loose| &loose.access));
            secrets.extend(access.map(|access| access.token.as_str()));
            secrets.extend(worker.person.cookies.iter().map(|(_, value)| value.as_str()));
        }
        for leak in log::leaks(&log, secrets) {
            let detail = format!("{}…", leak.get(..10).unwrap_or(leak));
            self.breaches.push(Breach { rule: Rule::NoSecretInLog, round, detail });
        }
        Ok(())
    }
}
