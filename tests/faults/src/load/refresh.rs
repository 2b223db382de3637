//! Refresh: once, repeated, raced, and with a token long spent.

use std::ops::ControlFlow::{self, Continue};
use std::time::Instant;

use crate::load::ledger::{Life, Rule, Unanswered};
use crate::load::wire::{self, Reply};
use crate::load::worker::{Worker, short};

impl Worker {
    pub fn refresh_some(&mut self) -> ControlFlow<()> {
        let Some(index) = self.take() else { return Continue(()) };
        let old = self.grants[index].refresh.last().cloned().unwrap_or_default();
        match self.chance.below(100) {
            0..=5 => self.race_refresh(index, &old),
            6..=13 => {
                self.refresh(index, &old)?;
                // The answer is taken for lost: the same token again must give the same successor.
                if self.live.last() == Some(&index) {
                    self.live.pop();
                    return self.refresh(index, &old);
                }
                Continue(())
            }
            _ => self.refresh(index, &old),
        }
    }

    pub fn ask_refresh(&mut self, index: usize, token: &str) -> Reply {
        let app = self.apps.code[self.grants[index].code.app].clone();
        self.call("/oauth/token", &app, &[("grant_type", "refresh_token"), ("refresh_token", token)])
    }

    pub fn refresh(&mut self, index: usize, token: &str) -> ControlFlow<()> {
        let sent = Instant::now();
        let reply = self.ask_refresh(index, token);
        self.refreshed(index, token, sent, &reply)
    }

    /// Enters the answer to a refresh with `token`, which is the newest generation or the one before.
    pub fn refreshed(&mut self, index: usize, token: &str, sent: Instant, reply: &Reply) -> ControlFlow<()> {
        if let Reply::Done(body) = reply
            && let (Some(access), Some(successor)) = (wire::access(body), wire::refresh(body))
        {
            let grant = &mut self.grants[index];
            let newest = grant.refresh.last().is_some_and(|last| last == token);
            let known = grant.refresh.last().cloned().unwrap_or_default();
            grant.access.push(access);
            if newest {
                grant.refresh.push(successor);
            } else if known != successor {
                self.breach(
                    Rule::OneSuccessor,
                    format!("{} has two: {} and {}", short(token), short(&known), short(&successor)),
                );
            }
            // A repeat does not begin the window anew.
            if newest {
                self.grants[index].refreshed = sent;
            }
            self.live.push(index);
            self.acknowledged("refresh");
            return Continue(());
        }
        match reply {
            // A 503 may hide a commit whose answer never came.
            Reply::Lost(_) | Reply::Busy => {
                let generation =
                    self.grants[index].refresh.iter().position(|each| each == token).unwrap_or_default();
                self.grants[index].unanswered = Some(Unanswered::Refresh(generation, sent));
            }
            Reply::Denied(code) => {
                self.breach(
                    Rule::TokenActive,
                    format!("refresh with the live {} refused as {code}", short(token)),
                );
                self.grants[index].life = Life::Dead;
                return Continue(());
            }
            _ => self.live.push(index),
        }
        self.unexpected("refresh", reply)
    }

    /// The same refresh token on two connections at once.
    pub fn race_refresh(&mut self, index: usize, token: &str) -> ControlFlow<()> {
        let sent = Instant::now();
        let app = self.apps.code[self.grants[index].code.app].clone();
        let [one, two] = self.race(&app, &[("grant_type", "refresh_token"), ("refresh_token", token)]);
        let first = self.refreshed(index, token, sent, &one);
        if self.live.last() == Some(&index) {
            self.live.pop();
        }
        if self.grants[index].life == Life::Dead {
            return Continue(());
        }
        let second = self.refreshed(index, token, sent, &two);
        // One answer of the two says all there is to know.
        self.live.retain(|each| *each != index);
        if matches!(one, Reply::Done(_)) || matches!(two, Reply::Done(_)) {
            self.grants[index].unanswered = None;
        }
        if self.grants[index].unanswered.is_none() && self.grants[index].life == Life::Live {
            self.live.push(index);
        }
        if first.is_break() { first } else { second }
    }

    pub fn reuse_some(&mut self) -> ControlFlow<()> {
        let Some(index) = self.take() else { return Continue(()) };
        let generations = self.grants[index].refresh.len();
        if generations < 3 {
            self.live.push(index);
            return Continue(());
        }
        self.reuse(index)
    }

    /// Presents a refresh token two generations old: refused, and the grant is dead.
    pub fn reuse(&mut self, index: usize) -> ControlFlow<()> {
        let refresh = &self.grants[index].refresh;
        let old = refresh[refresh.len().saturating_sub(3)].clone();
        let reply = self.ask_refresh(index, &old);
        self.spent(index, &reply, Unanswered::Reuse, Rule::OneSuccessor, &old)
    }
}
