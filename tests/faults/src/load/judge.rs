//! After a restart: what was acknowledged must still be true, what was not may be either but a retry is safe.
//! Everything is asked through the public endpoints.

use std::time::{Duration, Instant};

use crate::load::code::CODE_LIVES;
use crate::load::ledger::{Code, Life, Rule, Unanswered};
use crate::load::wire::{self, Reply};
use crate::load::worker::{Worker, short};

/// The retry window is 10 s by contract; what is asked later than this is no fair question.
const RETRY_WINDOW: Duration = Duration::from_secs(7);

/// How much is asked of what earlier rounds left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Everything of this round and a sample of the past.
    Sample,
    /// Everything.
    All,
}

impl Worker {
    pub fn judge(&mut self, depth: Depth) {
        self.settle_codes();
        self.settle_grants();
        self.settle_loose();
        self.judge_successors();
        self.judge_codes();
        self.judge_session();
        self.judge_grants(depth);
        self.judge_loose(depth);
        self.judge_replays(depth);
        self.live = (0..self.grants.len()).filter(|index| self.is_usable(*index)).collect();
    }

    fn is_usable(&self, index: usize) -> bool {
        self.grants[index].life == Life::Live && self.grants[index].unanswered.is_none()
    }

    /// A redemption without reply: the retry succeeds, or finds the code spent.
    fn settle_codes(&mut self) {
        let (unanswered, rest) =
            std::mem::take(&mut self.codes).into_iter().partition(|code| code.unanswered);
        self.codes = rest;
        let unanswered: Vec<Code> = unanswered;
        for code in unanswered.iter().filter(|code| code.at.elapsed() < CODE_LIVES) {
            match self.redeem(code) {
                Reply::Done(body) => _ = self.adopt(code, &body),
                Reply::Denied(error) if error == "invalid_grant" => {}
                other => {
                    self.breach(Rule::RetryIsSafe, format!("redeem {} again: {other:?}", short(&code.value)));
                }
            }
        }
    }

    fn settle_grants(&mut self) {
        for index in 0..self.grants.len() {
            let Some(unanswered) = self.grants[index].unanswered.take() else { continue };
            match unanswered {
                Unanswered::Refresh(generation, sent) => self.settle_refresh(index, generation, sent),
                Unanswered::Revoke => {
                    let token = self.grants[index].refresh.last().cloned().unwrap_or_default();
                    let reply = self.revoke_grant(index, &token);
                    if !matches!(reply, Reply::Done(_)) {
                        self.breach(Rule::RetryIsSafe, format!("revoke {} again: {reply:?}", short(&token)));
                    }
                }
                Unanswered::Replay if self.grants[index].code.at.elapsed() < CODE_LIVES => {
                    _ = self.replay(index);
                }
                // An expired code proves nothing either way, so the grant is taken out of the judge's sight by revoking it.
                Unanswered::Replay => {
                    let token = self.grants[index].refresh.last().cloned().unwrap_or_default();
                    self.revoke_grant(index, &token);
                }
                Unanswered::Reuse => _ = self.reuse(index),
            }
        }
    }

    /// The same refresh token twice more: both give one and the same successor.
    fn settle_refresh(&mut self, index: usize, generation: usize, sent: Instant) {
        let token = self.grants[index].refresh[generation].clone();
        for _ in 0..2 {
            let reply = self.ask_refresh(index, &token);
            if matches!(reply, Reply::Done(_)) {
                _ = self.refreshed(index, &token, sent, &reply);
            } else if sent.elapsed() < RETRY_WINDOW {
                self.breach(Rule::RetryIsSafe, format!("refresh with {} again: {reply:?}", short(&token)));
                self.grants[index].life = Life::Dead;
                return;
            } else {
                // Past the window a repeat is reuse; the grant is dead by rule.
                self.grants[index].life = Life::Dead;
                return;
            }
        }
    }

    fn settle_loose(&mut self) {
        for index in 0..self.loose.len() {
            if self.loose[index].unanswered {
                _ = self.revoke_loose(index);
                if self.loose[index].life != Life::Dead {
                    self.breach(Rule::RetryIsSafe, "a revocation could not be repeated");
                }
            }
        }
    }

    /// The last acknowledged refreshes, asked again: each must give the successor it gave before.
    fn judge_successors(&mut self) {
        let recent = |index: &usize| {
            let grant = &self.grants[*index];
            self.is_usable(*index) && grant.refresh.len() > 1 && grant.refreshed.elapsed() < RETRY_WINDOW
        };
        let mut asked: Vec<usize> = (0..self.grants.len()).filter(recent).collect();
        asked.sort_by_key(|index| std::cmp::Reverse(self.grants[*index].refreshed));
        asked.truncate(40);
        for index in asked {
            let grant = &self.grants[index];
            if grant.refreshed.elapsed() > RETRY_WINDOW {
                continue;
            }
            let (old, known) = (
                grant.refresh[grant.refresh.len() - 2].clone(),
                grant.refresh.last().cloned().unwrap_or_default(),
            );
            match self.ask_refresh(index, &old) {
                Reply::Done(body) => {
                    let successor = wire::refresh(&body).unwrap_or_default();
                    if successor != known {
                        self.breach(
                            Rule::OneSuccessor,
                            format!("{} gave {}, now {}", short(&old), short(&known), short(&successor)),
                        );
                    }
                    self.grants[index].access.extend(wire::access(&body));
                }
                other => {
                    self.breach(
                        Rule::OneSuccessor,
                        format!("{} gave {}, now {other:?}", short(&old), short(&known)),
                    );
                    self.grants[index].life = Life::Dead;
                }
            }
        }
    }

    /// Codes that were sent to the application and not yet redeemed: half are redeemed now.
    fn judge_codes(&mut self) {
        self.codes.retain(|code| code.at.elapsed() < CODE_LIVES);
        let keep = self.codes.len() / 2;
        for code in self.codes.split_off(keep) {
            match self.redeem(&code) {
                Reply::Done(body) => _ = self.adopt(&code, &body),
                other => self.breach(Rule::CodeHolds, format!("{}: {other:?}", short(&code.value))),
            }
        }
    }

    /// The browser is still signed in and the consent still remembered.
    fn judge_session(&mut self) {
        let Some(app) = self.at_home else { return };
        if let Err(reply) = self.new_code(app, Some("none")) {
            self.breach(Rule::SessionHolds, format!("prompt=none: {reply:?}"));
        }
    }

    fn judge_grants(&mut self, depth: Depth) {
        for index in 0..self.grants.len() {
            let recent = self.grants[index].round == self.round || depth == Depth::All;
            if !recent && self.chance.below(self.grants.len()) > 200 {
                continue;
            }
            if self.grants[index].life == Life::Dead {
                self.judge_dead_grant(index);
            } else if self.is_usable(index) {
                self.judge_live_grant(index);
            }
        }
    }

    fn judge_dead_grant(&mut self, index: usize) {
        let tokens: Vec<String> = self.grants[index]
            .access
            .iter()
            .map(|access| access.token.clone())
            .chain(self.grants[index].refresh.clone())
            .collect();
        for token in tokens {
            self.expect(&token, false);
        }
        if self.chance.percent(10) {
            let newest = self.grants[index].refresh.last().cloned().unwrap_or_default();
            let reply = self.ask_refresh(index, &newest);
            if !matches!(&reply, Reply::Denied(code) if code == "invalid_grant") {
                self.breach(
                    Rule::RevocationHolds,
                    format!("refresh with the dead {}: {reply:?}", short(&newest)),
                );
            }
        }
    }

    fn judge_live_grant(&mut self, index: usize) {
        let grant = &self.grants[index];
        let access =
            grant.access.last().filter(|access| access.is_fresh()).map(|access| access.token.clone());
        let refresh = grant.refresh.last().cloned();
        for token in access.into_iter().chain(refresh.clone()) {
            self.expect(&token, true);
        }
        if self.chance.percent(6) {
            let newest = refresh.unwrap_or_default();
            let reply = self.ask_refresh(index, &newest);
            _ = self.refreshed(index, &newest, Instant::now(), &reply);
        }
    }

    fn judge_loose(&mut self, depth: Depth) {
        for index in 0..self.loose.len() {
            let loose = &self.loose[index];
            let recent = loose.round == self.round || depth == Depth::All;
            let (token, dead, fresh) =
                (loose.access.token.clone(), loose.life == Life::Dead, loose.access.is_fresh());
            if (dead || fresh) && (recent || self.chance.below(self.loose.len()) < 200) {
                self.expect(&token, !dead);
            }
        }
    }

    fn expect(&mut self, token: &str, active: bool) {
        match self.is_active(token) {
            Ok(said) if said == active => {}
            Ok(_) if active => self.breach(Rule::TokenActive, format!("{} is inactive", short(token))),
            Ok(_) => self.breach(Rule::RevocationHolds, format!("{} is active", short(token))),
            Err(reply) => self.breach(Rule::CleanAnswers, format!("introspect {}: {reply:?}", short(token))),
        }
    }

    /// Redeemed codes once more. This kills their grants, so it comes last, and spares most until the end.
    fn judge_replays(&mut self, depth: Depth) {
        let share = if depth == Depth::All { 100 } else { 3 };
        let young =
            |index: &usize| self.is_usable(*index) && self.grants[*index].code.at.elapsed() < CODE_LIVES;
        let mut asked: Vec<usize> = (0..self.grants.len()).filter(young).collect();
        asked.retain(|_| self.chance.percent(share));
        let until = Instant::now() + Duration::from_secs(10);
        for index in asked {
            if Instant::now() > until {
                return;
            }
            _ = self.replay(index);
            if self.grants[index].life == Life::Dead {
                self.judge_dead_grant(index);
            }
        }
    }
}
