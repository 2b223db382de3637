//! Tokens: issued to an application itself, asked about, revoked.

use std::ops::ControlFlow::{self, Continue};

use crate::load::ledger::{Life, Loose, Rule, Unanswered};
use crate::load::wire::{self, Reply};
use crate::load::worker::{Worker, short};

impl Worker {
    pub fn client_credentials(&mut self) -> ControlFlow<()> {
        let app = self.apps.service.clone();
        let reply =
            self.call("/oauth/token", &app, &[("grant_type", "client_credentials"), ("scope", "read")]);
        if let Reply::Done(body) = &reply
            && let Some(access) = wire::access(body)
        {
            self.loose.push(Loose { access, life: Life::Live, unanswered: false, round: self.round });
            self.acknowledged("client credentials");
            return Continue(());
        }
        self.unexpected("client credentials", &reply)
    }

    pub fn introspect_some(&mut self) -> ControlFlow<()> {
        let Some(index) = self.take() else { return Continue(()) };
        self.live.push(index);
        let Some(access) = self.grants[index].access.last().filter(|access| access.is_fresh()).cloned()
        else {
            return Continue(());
        };
        match self.is_active(&access.token) {
            Ok(true) => self.acknowledged("introspect"),
            Ok(false) => {
                self.breach(Rule::TokenActive, format!("under load: {} is inactive", short(&access.token)));
            }
            Err(reply) => return self.unexpected("introspect", &reply),
        }
        Continue(())
    }

    /// What introspection says.
    pub fn is_active(&mut self, token: &str) -> Result<bool, Reply> {
        let app = self.apps.observer.clone();
        let reply = self.call("/oauth/introspect", &app, &[("token", token)]);
        match &reply {
            Reply::Done(body) => {
                // An application's own tokens name nobody else.
                let about = body["sub"].as_str().filter(|subject| body["client_id"] != *subject);
                let (about, active) = (about.map(str::to_owned), body["active"].as_bool());
                self.recognise(about);
                active.ok_or(reply)
            }
            _ => Err(reply),
        }
    }

    /// All tokens of this worker's are about one person.
    fn recognise(&mut self, about: Option<String>) {
        let Some(about) = about else { return };
        let own = self.subject.get_or_insert_with(|| about.clone()).clone();
        if own != about {
            self.breach(Rule::OneUser, format!("a token of {own} is said to be of {about}"));
        }
    }

    pub fn revoke_some(&mut self) -> ControlFlow<()> {
        if self.chance.percent(30) && !self.loose.is_empty() {
            let index = self.chance.below(self.loose.len());
            return self.revoke_loose(index);
        }
        let Some(index) = self.take() else { return Continue(()) };
        let grant = &self.grants[index];
        let token = if self.chance.percent(50) {
            grant.refresh.last().cloned()
        } else {
            grant.access.last().map(|a| a.token.clone())
        };
        let reply = self.revoke_grant(index, &token.unwrap_or_default());
        if let Reply::Done(_) = reply {
            self.acknowledged("revoke");
            return Continue(());
        }
        if !matches!(reply, Reply::Lost(_) | Reply::Busy) {
            self.live.push(index);
        }
        self.unexpected("revoke", &reply)
    }

    pub fn revoke_grant(&mut self, index: usize, token: &str) -> Reply {
        let app = self.apps.code[self.grants[index].code.app].clone();
        let reply = self.call("/oauth/revoke", &app, &[("token", token)]);
        match reply {
            Reply::Done(_) => self.grants[index].life = Life::Dead,
            Reply::Lost(_) | Reply::Busy => self.grants[index].unanswered = Some(Unanswered::Revoke),
            _ => {}
        }
        reply
    }

    pub fn revoke_loose(&mut self, index: usize) -> ControlFlow<()> {
        let app = self.apps.service.clone();
        let token = self.loose[index].access.token.clone();
        self.loose[index].round = self.round;
        let reply = self.call("/oauth/revoke", &app, &[("token", &token)]);
        if let Reply::Done(_) = reply {
            self.loose[index].life = Life::Dead;
            self.loose[index].unanswered = false;
            self.acknowledged("revoke");
            return Continue(());
        }
        self.loose[index].unanswered |= matches!(reply, Reply::Lost(_) | Reply::Busy);
        self.unexpected("revoke", &reply)
    }
}
