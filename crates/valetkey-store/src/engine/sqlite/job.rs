//! A verb that waits for the writer, with its caller.

use super::fault::Refusal;
use super::tx::{SqliteTx, complete};
use crate::engine::Verb;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use tokio::sync::oneshot;
use valetkey_core::error::{Fault, FaultKind};

/// How a verb ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ran {
    /// With an outcome, to be committed.
    Done,
    /// With a fault, before it changed anything.
    FailedClean,
    /// With a fault, after it may have changed something: it must be undone.
    FailedDirty,
}

/// A verb of whatever type.
pub(super) trait Job: Send {
    /// Runs the verb and keeps its outcome. May be called again after a rollback.
    fn run(&mut self, tx: &mut SqliteTx<'_>) -> Ran;
    /// The outcome is durable, or never was more than a fault: tell the caller.
    fn answer(self: Box<Self>);
    /// Nothing was committed: tell the caller, whatever the verb said.
    fn refuse(self: Box<Self>, why: &Refusal);
}

impl fmt::Debug for dyn Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Job")
    }
}

/// A verb, its outcome once it ran, and who waits for it.
pub(super) struct Waiting<V: Verb> {
    verb: V,
    outcome: Option<Result<V::Out, Fault>>,
    caller: oneshot::Sender<Result<V::Out, Fault>>,
}

impl<V: Verb> Waiting<V> {
    pub(super) fn new(verb: V, caller: oneshot::Sender<Result<V::Out, Fault>>) -> Self {
        Self { verb, outcome: None, caller }
    }
}

impl<V: Verb> Job for Waiting<V> {
    fn run(&mut self, tx: &mut SqliteTx<'_>) -> Ran {
        let before = tx.connection().total_changes();
        // A panic is a bug, but not a reason to stop writing for everybody else.
        let outcome = catch_unwind(AssertUnwindSafe(|| complete(&self.verb, tx)))
            .unwrap_or_else(|_| Err(Fault::bare(FaultKind::Internal, "a verb panicked")));
        let failed = outcome.is_err();
        self.outcome = Some(outcome);
        match failed {
            false => Ran::Done,
            // A statement that fails undoes itself; only those before it could have left something.
            true if tx.connection().total_changes() == before => Ran::FailedClean,
            true => Ran::FailedDirty,
        }
    }

    fn answer(self: Box<Self>) {
        let outcome =
            self.outcome.unwrap_or_else(|| Err(Fault::bare(FaultKind::Internal, "a verb never ran")));
        // The caller may have gone; the outcome stands all the same.
        let _ = self.caller.send(outcome);
    }

    fn refuse(self: Box<Self>, why: &Refusal) {
        let _ = self.caller.send(Err(why.fault()));
    }
}
