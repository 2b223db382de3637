//! Codes: asked for, redeemed, raced for, replayed.

use std::ops::ControlFlow::{self, Continue};
use std::time::{Duration, Instant};

use serde_json::Value;
use valetkey_person::Answer;

use crate::load::ledger::{Code, Grant, Life, Rule, Unanswered};
use crate::load::wire::{self, App, Reply};
use crate::load::worker::{Worker, short};

/// A code older than this may expire before its request is read (60 s by contract).
pub const CODE_LIVES: Duration = Duration::from_secs(45);

impl Worker {
    pub fn authorize(&mut self) -> ControlFlow<()> {
        let app = self.chance.below(self.apps.code.len());
        // Now and then in a new browser, so that passwords are typed; and now and then consent is asked afresh.
        if self.chance.below(250) == 0 {
            self.person.cookies.clear();
            self.at_home = None;
        }
        let prompt = self.chance.percent(8).then_some("consent");
        match self.new_code(app, prompt) {
            Ok(true) if self.chance.percent(85) => self.redeem_some(),
            Err(error) => {
                let what = if prompt.is_some() { "consent" } else { "authorize" };
                self.unexpected(what, &error)
            }
            Ok(_) => Continue(()),
        }
    }

    /// Asks for a code; `Ok(true)` when the ledger has it.
    pub fn new_code(&mut self, app: usize, prompt: Option<&str>) -> Result<bool, Reply> {
        let target = wire::authorization(&self.apps.code[app], prompt);
        self.journal.write(self.id, '>', &target);
        match self.person.authorize(&target) {
            Ok(answer) => {
                if let Some(code) = answer.get("code") {
                    self.journal.write(self.id, '<', &format!("code {code}"));
                    self.codes.push(Code { app, value: code.into(), at: Instant::now(), unanswered: false });
                    self.at_home = Some(app);
                    self.acknowledged(if prompt == Some("consent") { "consent" } else { "code" });
                    return Ok(true);
                }
                if answer.get("error") == Some("temporarily_unavailable") {
                    return Err(Reply::Busy);
                }
                match answer {
                    Answer::Stuck(429 | 503, _) => Err(Reply::Busy),
                    Answer::Stuck(status, text) => Err(Reply::Unclean(format!("{status} {}", words(&text)))),
                    Answer::Sent(parameters) => Err(Reply::Unclean(format!("{parameters:?}"))),
                }
            }
            Err(error) => Err(Reply::Lost(error)),
        }
    }

    /// Redeems the newest code.
    pub fn redeem_some(&mut self) -> ControlFlow<()> {
        let Some(mut code) = self.codes.pop() else { return Continue(()) };
        if code.at.elapsed() > CODE_LIVES || code.unanswered {
            return Continue(());
        }
        let reply = self.redeem(&code);
        if let Reply::Done(body) = &reply
            && self.adopt(&code, body)
        {
            self.acknowledged("redeem");
            return Continue(());
        }
        code.unanswered = matches!(reply, Reply::Lost(_) | Reply::Busy);
        if !matches!(reply, Reply::Denied(_)) {
            self.codes.push(code);
        }
        self.unexpected("redeem", &reply)
    }

    pub fn redeem(&mut self, code: &Code) -> Reply {
        let app = self.apps.code[code.app].clone();
        self.call("/oauth/token", &app, &redemption(&app, code))
    }

    /// Enters what a redeemed code gave; false when the answer lacks a token.
    pub fn adopt(&mut self, code: &Code, body: &Value) -> bool {
        let (Some(access), Some(refresh)) = (wire::access(body), wire::refresh(body)) else { return false };
        let grant = Grant {
            code: code.clone(),
            access: vec![access],
            refresh: vec![refresh],
            refreshed: Instant::now(),
            life: Life::Live,
            unanswered: None,
            round: self.round,
        };
        self.live.push(self.grants.len());
        self.grants.push(grant);
        true
    }

    /// One code on two connections at once: one wins, and the loser's replay takes the winner's grant with it.
    pub fn race_redemption(&mut self) -> ControlFlow<()> {
        let Some(code) = self.codes.pop() else { return Continue(()) };
        if code.at.elapsed() > CODE_LIVES || code.unanswered {
            return Continue(());
        }
        let app = self.apps.code[code.app].clone();
        let replies = self.race(&app, &redemption(&app, &code));
        let mut won = 0;
        for reply in &replies {
            if let Reply::Done(body) = reply {
                won += usize::from(self.adopt(&code, body));
            }
        }
        let lost = replies.iter().any(|reply| matches!(reply, Reply::Lost(_) | Reply::Busy));
        let denied = replies
            .iter()
            .filter(|reply| matches!(reply, Reply::Denied(code) if code == "invalid_grant"))
            .count();
        match (won, denied) {
            (2, _) => {
                self.breach(Rule::CodeOnce, format!("{} was redeemed twice at once", short(&code.value)));
            }
            (0, 2) => self.breach(Rule::CodeOnce, format!("{} had no winner among two", short(&code.value))),
            (1, _) => {
                let index = self.live.pop().unwrap_or_default();
                self.grants[index].life = if denied == 1 { Life::Dead } else { Life::Live };
                self.grants[index].unanswered = lost.then_some(Unanswered::Replay);
                if denied + usize::from(lost) == 0 {
                    self.live.push(index);
                }
                self.acknowledged("race for a code");
            }
            _ => self.codes.push(Code { unanswered: true, ..code }),
        }
        let unanswered = replies.iter().find(|reply| !matches!(reply, Reply::Done(_) | Reply::Denied(_)));
        unanswered.map_or(Continue(()), |reply| self.unexpected("race for a code", reply))
    }

    pub fn replay_some(&mut self) -> ControlFlow<()> {
        let Some(index) = self.take() else { return Continue(()) };
        if self.grants[index].code.at.elapsed() > CODE_LIVES {
            self.live.push(index);
            return Continue(());
        }
        self.replay(index)
    }

    /// Redeems the code of a grant a second time: refused, and the grant is dead.
    pub fn replay(&mut self, index: usize) -> ControlFlow<()> {
        let code = self.grants[index].code.clone();
        let reply = self.redeem(&code);
        self.spent(index, &reply, Unanswered::Replay, Rule::CodeOnce, &code.value)
    }
}

fn redemption<'a>(app: &'a App, code: &'a Code) -> [(&'a str, &'a str); 4] {
    [
        ("grant_type", "authorization_code"),
        ("code", &code.value),
        ("redirect_uri", &app.redirect),
        ("code_verifier", wire::VERIFIER),
    ]
}

/// The text of a page without its tags, cut short.
fn words(html: &str) -> String {
    let mut plain = String::new();
    let mut inside = false;
    for c in html.chars() {
        match c {
            '<' => inside = true,
            '>' => inside = false,
            _ if !inside => plain.push(c),
            _ => {}
        }
    }
    plain.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(200).collect()
}
