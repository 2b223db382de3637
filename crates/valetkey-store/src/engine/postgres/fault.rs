//! What an error of PostgreSQL means to us.

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;
use valetkey_core::error::{Fault, FaultKind};

/// What may be done after an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// The database undid everything on account of others: the same again may succeed.
    Again,
    /// The connection is gone or leads to the wrong place.
    Lost,
    /// Neither.
    Refused,
}

/// The text of the fault by which a verb asks to be run once more: it met a row that was not there when it looked.
const OVERTAKEN: &str = "somebody else was faster";

/// Undoes a verb and runs it again, since what it read has changed meanwhile.
pub(crate) fn overtaken() -> Fault {
    Fault::bare(FaultKind::Unavailable, OVERTAKEN)
}

pub(super) fn is_overtaken(fault: &Fault) -> bool {
    fault.what == OVERTAKEN
}

/// Sorts an error.
pub(super) fn after(error: &Error) -> After {
    let Some(state) = error.code() else { return After::Lost };
    match *state {
        SqlState::T_R_SERIALIZATION_FAILURE
        | SqlState::T_R_DEADLOCK_DETECTED
        // Two wrote the same name at once: whoever comes second finds it taken when looking again.
        | SqlState::UNIQUE_VIOLATION => After::Again,
        _ if is_outage(state) => After::Lost,
        _ => After::Refused,
    }
}

/// The fault for an error, as the callers of the store see it.
pub(super) fn fault(error: &Error) -> Fault {
    match kind(error) {
        FaultKind::Unavailable => Fault::unavailable("the database cannot be reached now", Words::of(error)),
        FaultKind::Corrupt => Fault::corrupt("the database is damaged", Words::of(error)),
        FaultKind::Internal => Fault::internal("a statement failed", Words::of(error)),
    }
}

fn kind(error: &Error) -> FaultKind {
    let Some(state) = error.code() else {
        // Not the server's word: either the connection broke, or we sent what it does not take.
        return if error.is_closed() || is_io(error) { FaultKind::Unavailable } else { FaultKind::Internal };
    };
    match *state {
        SqlState::DATA_CORRUPTED | SqlState::INDEX_CORRUPTED => FaultKind::Corrupt,
        SqlState::QUERY_CANCELED
        | SqlState::LOCK_NOT_AVAILABLE
        | SqlState::T_R_SERIALIZATION_FAILURE
        | SqlState::T_R_DEADLOCK_DETECTED
        | SqlState::T_R_STATEMENT_COMPLETION_UNKNOWN => FaultKind::Unavailable,
        _ if is_outage(state) => FaultKind::Unavailable,
        _ => FaultKind::Internal,
    }
}

/// Connection trouble, no resources, a server that ends or may not be written to, a login that fails.
fn is_outage(state: &SqlState) -> bool {
    let code = state.code();
    *state == SqlState::READ_ONLY_SQL_TRANSACTION
        || *state == SqlState::INVALID_CATALOG_NAME
        || ["08", "28", "53", "58"].iter().any(|class| code.starts_with(class))
        || code.starts_with("57P")
        || *state == SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT
}

fn is_io(error: &Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        if inner.is::<std::io::Error>() {
            return true;
        }
        cause = inner.source();
    }
    false
}

/// The driver says little unless asked for the cause. Never with the `DETAIL` of the server: it repeats values.
#[derive(Debug)]
pub(super) struct Words(String);

impl Words {
    pub(super) fn of(error: &Error) -> Self {
        if let Some(own) = error.as_db_error() {
            return Self(format!("{} ({})", own.message(), own.code().code()));
        }
        let cause = std::error::Error::source(error).map(ToString::to_string);
        Self(cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}")))
    }
}

impl std::fmt::Display for Words {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Words {}
