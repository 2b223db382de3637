//! Falsehoods on purpose, one per rule: a judge that never says no proves nothing.

use std::io::Write;
use std::time::Duration;

use crate::load::crew::Crew;
use crate::load::ledger::{Access, Code, Life, Loose, Rule, Unanswered};
use crate::load::manager::Made;
use crate::load::wire::{App, Reply};
use crate::load::worker::Worker;
use crate::world::node::Place;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sabotage {
    HiddenRevocation,
    InventedRevocation,
    FreshCodeCalledRedeemed,
    ForgedSuccessor,
    UnsafeRetry,
    SpentCodeCalledFresh,
    LostCookie,
    InventedClient,
    ClientCalledDisabled,
    ForeignToken,
    UncleanAnswer,
    LateStart,
    Panic,
    LoggedToken,
}

impl Sabotage {
    pub const ALL: [Self; 14] = [
        Self::HiddenRevocation,
        Self::InventedRevocation,
        Self::FreshCodeCalledRedeemed,
        Self::ForgedSuccessor,
        Self::UnsafeRetry,
        Self::SpentCodeCalledFresh,
        Self::LostCookie,
        Self::InventedClient,
        Self::ClientCalledDisabled,
        Self::ForeignToken,
        Self::UncleanAnswer,
        Self::LateStart,
        Self::Panic,
        Self::LoggedToken,
    ];

    pub fn rule(self) -> Rule {
        match self {
            Self::HiddenRevocation => Rule::TokenActive,
            Self::InventedRevocation => Rule::RevocationHolds,
            Self::FreshCodeCalledRedeemed => Rule::CodeOnce,
            Self::ForgedSuccessor => Rule::OneSuccessor,
            Self::UnsafeRetry => Rule::RetryIsSafe,
            Self::SpentCodeCalledFresh => Rule::CodeHolds,
            Self::LostCookie => Rule::SessionHolds,
            Self::InventedClient => Rule::ClientExists,
            Self::ClientCalledDisabled => Rule::SwitchedOff,
            Self::ForeignToken => Rule::OneUser,
            Self::UncleanAnswer => Rule::CleanAnswers,
            Self::LateStart => Rule::InTime,
            Self::Panic => Rule::NoPanic,
            Self::LoggedToken => Rule::NoSecretInLog,
        }
    }

    pub fn describe(self) -> &'static str {
        match self {
            Self::HiddenRevocation => "a grant revoked behind the ledger's back",
            Self::InventedRevocation => "a revocation in the ledger that was never sent",
            Self::FreshCodeCalledRedeemed => "a code entered as redeemed that was not",
            Self::ForgedSuccessor => "a successor in the ledger that was never given",
            Self::UnsafeRetry => "a refresh entered as unanswered on a revoked grant",
            Self::SpentCodeCalledFresh => "a redeemed code entered as fresh",
            Self::LostCookie => "the browser's cookies thrown away",
            Self::InventedClient => "a client in the ledger that was never made",
            Self::ClientCalledDisabled => "a client entered as switched off that was not",
            Self::ForeignToken => "another user's name on a worker's tokens",
            Self::UncleanAnswer => "a token of the service app called by a wrong path",
            Self::LateStart => "a start-up held back by 2 s",
            Self::Panic => "a panic line in the log",
            Self::LoggedToken => "an issued token in the log",
        }
    }

    /// Between the kill and the judgement.
    pub fn falsify(self, crew: &mut Crew) {
        // The server lives now, and must be seen to answer.
        crew.sky.begin();
        match self {
            Self::InventedClient => crew.made.push(invented()),
            Self::ClientCalledDisabled => {
                let app = crew.workers[0].apps.service.clone();
                crew.made.push(Made { app, disabled: true });
            }
            Self::ForeignToken => {
                crew.workers[0].subject = Some("somebody else".to_owned());
            }
            _ => self.falsify_worker(&mut crew.workers[0]),
        }
    }

    fn falsify_worker(self, worker: &mut Worker) {
        let usable = worker
            .grants
            .iter()
            .position(|g| g.life == Life::Live && g.unanswered.is_none() && g.refresh.len() > 1);
        let Some(index) = usable else { return };
        match self {
            Self::HiddenRevocation => {
                let token = worker.grants[index].refresh.last().cloned().unwrap_or_default();
                worker.revoke_grant(index, &token);
                worker.grants[index].life = Life::Live;
                worker.grants[index].refreshed -= Duration::from_mins(1);
            }
            Self::InventedRevocation => worker.grants[index].life = Life::Dead,
            Self::FreshCodeCalledRedeemed => {
                if let Ok(true) = worker.new_code(0, None)
                    && let Some(code) = worker.codes.pop()
                {
                    worker.grants[index].code = code.clone();
                    worker.grants[index].unanswered = Some(Unanswered::Replay);
                }
            }
            Self::ForgedSuccessor => {
                let grant = &mut worker.grants[index];
                grant.refreshed = std::time::Instant::now();
                let last = grant.refresh.len() - 1;
                let forged = grant.refresh[last].chars().rev().collect();
                grant.refresh[last] = forged;
            }
            Self::UnsafeRetry => {
                let generation = worker.grants[index].refresh.len() - 1;
                let token = worker.grants[index].refresh[generation].clone();
                worker.revoke_grant(index, &token);
                worker.grants[index].life = Life::Live;
                worker.grants[index].unanswered =
                    Some(Unanswered::Refresh(generation, std::time::Instant::now()));
            }
            Self::SpentCodeCalledFresh => {
                let code = worker.grants[index].code.clone();
                worker.codes.push(Code { at: std::time::Instant::now(), unanswered: false, ..code });
            }
            Self::LostCookie => worker.person.cookies.clear(),
            Self::UncleanAnswer => {
                let app = worker.apps.service.clone();
                let reply = worker.call("/oauth/no-such-endpoint", &app, &[]);
                if !matches!(reply, Reply::Done(_)) {
                    _ = worker.unexpected("a wrong path", &reply);
                }
            }
            _ => {}
        }
    }

    /// Between the kill and the restart.
    pub fn delay(self) -> Duration {
        if self == Self::LateStart { Duration::from_millis(2100) } else { Duration::ZERO }
    }

    /// Before the log is read.
    pub fn taint(self, place: &Place, crew: &Crew) -> std::io::Result<()> {
        let line = match self {
            Self::Panic => "thread 'tokio-rt-worker' panicked at somewhere.rs:1:1:".to_owned(),
            Self::LoggedToken => crew.workers[0]
                .loose
                .first()
                .map_or_else(String::new, |Loose { access: Access { token, .. }, .. }| token.clone()),
            _ => return Ok(()),
        };
        writeln!(std::fs::OpenOptions::new().append(true).open(place.log())?, "{line}")
    }
}

/// A client that was never made.
fn invented() -> Made {
    let app = App { id: "app_never".into(), secret: Some("never".into()), redirect: String::new() };
    Made { app, disabled: false }
}
