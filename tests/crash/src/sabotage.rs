//! Falsehoods on purpose, one per rule: a judge that never says no proves nothing.

use std::io::Write;
use std::time::Duration;

use crate::ledger::{Access, Code, Life, Loose, Rule, Unanswered};
use crate::server::Server;
use crate::wire::{App, Reply};
use crate::worker::Worker;

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
    UncleanAnswer,
    LateStart,
    Panic,
    LoggedToken,
}

impl Sabotage {
    pub const ALL: [Self; 12] = [
        Self::HiddenRevocation,
        Self::InventedRevocation,
        Self::FreshCodeCalledRedeemed,
        Self::ForgedSuccessor,
        Self::UnsafeRetry,
        Self::SpentCodeCalledFresh,
        Self::LostCookie,
        Self::InventedClient,
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
            Self::UncleanAnswer => Rule::CleanAnswers,
            Self::LateStart => Rule::ReadyInTime,
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
            Self::UncleanAnswer => "a token of the service app called by a wrong path",
            Self::LateStart => "a start-up held back by 2 s",
            Self::Panic => "a panic line in the log",
            Self::LoggedToken => "an issued token in the log",
        }
    }

    /// Between the kill and the judgement, on the first worker.
    pub fn falsify(self, worker: &mut Worker) {
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
            Self::InventedClient | Self::LateStart | Self::Panic | Self::LoggedToken => {}
        }
    }

    /// Between the kill and the restart.
    pub fn delay(self) -> Duration {
        if self == Self::LateStart { Duration::from_millis(2100) } else { Duration::ZERO }
    }

    pub fn invented_client(self) -> Option<App> {
        (self == Self::InventedClient).then(|| App {
            id: "app_never".into(),
            secret: Some("never".into()),
            redirect: String::new(),
        })
    }

    /// Before the log is read.
    pub fn taint(self, server: &Server, worker: &Worker) -> std::io::Result<()> {
        let line = match self {
            Self::Panic => "thread 'tokio-rt-worker' panicked at somewhere.rs:1:1:".to_owned(),
            Self::LoggedToken => worker
                .loose
                .first()
                .map_or_else(String::new, |Loose { access: Access { token, .. }, .. }| token.clone()),
            _ => return Ok(()),
        };
        writeln!(std::fs::OpenOptions::new().append(true).open(server.place.log())?, "{line}")
    }
}
