//! One client thread: mixed operations, each entered in the ledger when sent and again when its whole reply came.

use std::collections::BTreeMap;
use std::ops::ControlFlow::{self, Break, Continue};
use std::sync::Arc;
use std::time::Duration;

use valetkey_person::Person;

use crate::load::chance::Chance;
use crate::load::ledger::{Breach, Code, Grant, Journal, Life, Loose, Rule, Unanswered};
use crate::load::sky::Sky;
use crate::load::wire::{App, Reply, Wire};

/// After a reply that did not come: a worker that asks at once again would only count failures.
const PAUSE: Duration = Duration::from_millis(20);

/// Registered once, used by all.
#[derive(Debug)]
pub struct Apps {
    pub code: Vec<App>,
    pub service: App,
    pub observer: App,
}

#[derive(Debug)]
pub struct Worker {
    pub id: usize,
    pub apps: Arc<Apps>,
    pub person: Person,
    pub wire: Wire,
    pub spare: Wire,
    pub chance: Chance,
    pub journal: Arc<Journal>,
    pub sky: Sky,
    /// Who this worker's person is, as the first introspection said it.
    pub subject: Option<String>,
    pub username: String,
    pub round: u32,
    pub codes: Vec<Code>,
    pub grants: Vec<Grant>,
    /// The grants that may be used: live, and nothing unanswered.
    pub live: Vec<usize>,
    pub loose: Vec<Loose>,
    pub counts: BTreeMap<&'static str, u64>,
    pub breaches: Vec<Breach>,
    /// An app that was given a code in this browser, by its index: sign-in and consent are acknowledged, and
    /// `prompt=none` must pass. Nothing of it is left when the cookies are thrown away.
    pub at_home: Option<usize>,
}

impl Worker {
    /// Works until the load is over.
    pub fn work(&mut self) {
        while !self.sky.is_over() {
            // The design's mix; a code is asked for and mostly redeemed in one step.
            let step = match self.chance.below(100) {
                0..=36 => self.authorize(),
                37..=60 => self.refresh_some(),
                61..=75 => self.client_credentials(),
                76..=85 => self.introspect_some(),
                86..=90 => self.revoke_some(),
                91..=92 => self.replay_some(),
                93..=94 => self.reuse_some(),
                95..=96 => self.race_redemption(),
                _ => self.redeem_some(),
            };
            if step.is_break() {
                return;
            }
        }
    }

    /// The other of two nodes answers from now on.
    pub fn change_sides(&mut self) {
        std::mem::swap(&mut self.wire, &mut self.spare);
    }

    pub fn hang_up(&mut self) {
        self.wire.hang_up();
        self.spare.hang_up();
        self.person.hang_up();
    }

    pub fn breach(&mut self, rule: Rule, detail: impl Into<String>) {
        let detail = format!("worker {}: {}", self.id, detail.into());
        self.journal.write(self.id, '!', &format!("{rule}: {detail}"));
        self.breaches.push(Breach { rule, round: self.round, detail });
    }

    pub fn acknowledged(&mut self, kind: &'static str) {
        *self.counts.entry(kind).or_default() += 1;
    }

    /// One protocol request with both its journal entries.
    pub fn call(&mut self, path: &str, app: &App, fields: &[(&str, &str)]) -> Reply {
        let words: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        self.journal.write(self.id, '>', &format!("{path} {}", words.join(" ")));
        let reply = self.wire.call(path, app, fields);
        self.hear(&reply);
        reply
    }

    fn hear(&mut self, reply: &Reply) {
        let words = match reply {
            Reply::Done(body) => format!("done {body}"),
            Reply::Denied(code) => format!("denied {code}"),
            Reply::Busy => "busy".into(),
            Reply::Unclean(text) => format!("unclean {text}"),
            Reply::Lost(error) => format!("lost {error}"),
        };
        self.journal.write(self.id, '<', &words);
    }

    /// A reply that is neither success nor the expected refusal. Says whether the thread should stop.
    pub fn unexpected(&mut self, what: &str, reply: &Reply) -> ControlFlow<()> {
        match reply {
            Reply::Lost(_) if self.sky.is_over() && self.sky.is_stormy() => return Break(()),
            Reply::Lost(_) if self.sky.is_stormy() => {
                self.acknowledged("lost in the storm");
                std::thread::sleep(PAUSE);
            }
            Reply::Lost(error) => self.breach(
                Rule::CleanAnswers,
                format!("{what}: no whole reply while the server lived: {error}"),
            ),
            Reply::Unclean(text) => self.breach(Rule::CleanAnswers, format!("{what}: {text}")),
            Reply::Denied(code) => self.breach(Rule::CleanAnswers, format!("{what}: refused as {code}")),
            Reply::Done(body) => self
                .breach(Rule::CleanAnswers, format!("{what}: an answer without what it must hold: {body}")),
            Reply::Busy if self.sky.is_stormy() => {
                self.acknowledged("busy");
                std::thread::sleep(PAUSE);
            }
            Reply::Busy => {
                self.breach(Rule::CleanAnswers, format!("{what}: 503 or 429 though nothing is wrong"));
            }
        }
        Continue(())
    }

    /// Takes a usable grant out of the list; the caller puts it back.
    pub fn take(&mut self) -> Option<usize> {
        if self.live.is_empty() {
            return None;
        }
        let place = self.chance.below(self.live.len());
        let index = self.live.swap_remove(place);
        self.grants[index].round = self.round;
        Some(index)
    }

    pub fn race(&mut self, app: &App, fields: &[(&str, &str)]) -> [Reply; 2] {
        self.journal.write(
            self.id,
            '>',
            &format!("/oauth/token twice at once {}={}", fields[1].0, fields[1].1),
        );
        let began = self.wire.begin("/oauth/token", app, fields);
        let other = self.spare.call("/oauth/token", app, fields);
        let one = match began {
            Ok(()) => self.wire.finish(),
            Err(error) => Reply::Lost(error),
        };
        self.hear(&one);
        self.hear(&other);
        [one, other]
    }

    /// Enters the answer to something that was spent already.
    pub fn spent(
        &mut self,
        index: usize,
        reply: &Reply,
        kind: Unanswered,
        rule: Rule,
        what: &str,
    ) -> ControlFlow<()> {
        match reply {
            Reply::Denied(code) if code == "invalid_grant" => {
                self.grants[index].life = Life::Dead;
                self.grants[index].unanswered = None;
                self.acknowledged(if kind == Unanswered::Replay {
                    "replay refused"
                } else {
                    "reuse refused"
                });
                return Continue(());
            }
            Reply::Done(_) => self.breach(rule, format!("{} was spent, and was taken again", short(what))),
            Reply::Lost(_) | Reply::Busy => self.grants[index].unanswered = Some(kind),
            _ => self.live.push(index),
        }
        if matches!(reply, Reply::Done(_)) {
            Continue(())
        } else {
            self.unexpected("a spent code or token", reply)
        }
    }
}

/// Enough of a token to find it in the journal.
pub fn short(token: &str) -> &str {
    token.get(..26).unwrap_or(token)
}
