//! Users, clients and workers, made once before the first round.

use std::collections::BTreeMap;
use std::io::{self, Error};
use std::sync::Arc;

use valetkey_person::Person;

use crate::campaign::{Campaign, Plan};
use crate::chance::Chance;
use crate::ledger::Journal;
use crate::wire::{App, Wire};
use crate::worker::{Apps, Worker};

/// Few, because a password costs 16 ms to check; workers share them.
const USERS: usize = 4;

impl Campaign {
    /// Makes the users and the clients, and one worker with a browser per thread.
    pub fn hire(&mut self, plan: &Plan, journal: &Arc<Journal>) -> io::Result<Vec<Worker>> {
        for user in 0..USERS {
            let password = format!("tin-{:016x}-harbour", self.chance.next());
            let name = format!("user{user}");
            self.server
                .place
                .manage(
                    &["user", "create", "--username", &name, "--password-stdin"],
                    &format!("{password}\n"),
                )
                .map_err(Error::other)?;
            self.passwords.push(password);
        }
        let web = ["--scope", "read offline_access", "--redirect-uri", "https://app.example/callback"];
        let apps = Arc::new(Apps {
            code: vec![
                self.register("Crash web", &web)?,
                self.register("Crash post", &[&web[..], &["--auth-method", "client_secret_post"]].concat())?,
            ],
            service: self.register("Crash service", &["--scope", "read", "--grant", "client_credentials"])?,
            observer: self.register("Crash observer", &["--introspect", "--grant", "client_credentials"])?,
        });
        let (issuer, public) = (self.server.place.issuer.clone(), self.server.place.public);
        let hire = |id: usize| Worker {
            id,
            apps: Arc::clone(&apps),
            person: Person::new(&issuer, public, &format!("user{}", id % USERS), &self.passwords[id % USERS]),
            wire: Wire::new(public, &issuer),
            spare: Wire::new(public, &issuer),
            chance: Chance::new(plan.seed, id as u64 + 1),
            journal: Arc::clone(journal),
            killed: Arc::clone(&self.killed),
            round: 0,
            codes: Vec::new(),
            grants: Vec::new(),
            live: Vec::new(),
            loose: Vec::new(),
            counts: BTreeMap::new(),
            breaches: Vec::new(),
            at_home: None,
        };
        Ok((0..plan.workers).map(hire).collect())
    }

    fn register(&self, name: &str, more: &[&str]) -> io::Result<App> {
        let made = self
            .server
            .place
            .manage(&[&["client", "create", "--name", name], more].concat(), "")
            .map_err(Error::other)?;
        let text = |member: &str| made[member].as_str().map(str::to_owned);
        let id = text("client_id")
            .ok_or_else(|| Error::other(format!("client create gave no client_id: {made}")))?;
        Ok(App { id, secret: text("client_secret"), redirect: "https://app.example/callback".into() })
    }
}
