//! What an error of SQLite means to us.

use rusqlite::{Error, ErrorCode, ffi};
use std::sync::Arc;
use valetkey_core::error::{Fault, FaultKind};

/// Sorts an error: may a retry help, is the file broken, or are we?
pub(super) fn kind(error: &Error) -> FaultKind {
    // Our statements name tables that each database of ours has: such a file was emptied under us.
    if error.to_string().contains("no such table") {
        return FaultKind::Corrupt;
    }
    let Error::SqliteFailure(failure, _) = error else { return FaultKind::Internal };
    if matches!(failure.extended_code, ffi::SQLITE_IOERR_SHORT_READ | ffi::SQLITE_IOERR_CORRUPTFS) {
        return FaultKind::Corrupt;
    }
    match failure.code {
        // Triggers stand here only after the database was moved away: the same is true elsewhere.
        ErrorCode::ConstraintViolation if failure.extended_code == ffi::SQLITE_CONSTRAINT_TRIGGER => {
            FaultKind::Unavailable
        }
        ErrorCode::DatabaseBusy
        | ErrorCode::DatabaseLocked
        | ErrorCode::DiskFull
        | ErrorCode::SystemIoFailure
        | ErrorCode::ReadOnly
        | ErrorCode::CannotOpen
        | ErrorCode::OutOfMemory
        | ErrorCode::OperationInterrupted
        | ErrorCode::FileLockingProtocolFailed
        | ErrorCode::PermissionDenied => FaultKind::Unavailable,
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => FaultKind::Corrupt,
        _ => FaultKind::Internal,
    }
}

/// The fault for an error, as the callers of the store see it.
pub(super) fn fault(error: Error) -> Fault {
    match kind(&error) {
        FaultKind::Unavailable => Fault::unavailable("the database cannot be reached now", error),
        FaultKind::Corrupt => Fault::corrupt("the database file is damaged", error),
        FaultKind::Internal => Fault::internal("a statement failed", error),
    }
}

/// Why a transaction cannot go on.
#[derive(Debug, Clone)]
pub(super) struct Broken {
    pub(super) why: Refusal,
    /// The connection can no longer be trusted.
    pub(super) spoiled: bool,
}

impl From<&Error> for Broken {
    fn from(error: &Error) -> Self {
        let kind = kind(error);
        let what = match kind {
            FaultKind::Unavailable => "the database cannot be written to now",
            FaultKind::Corrupt => "the database file is damaged",
            FaultKind::Internal => "a transaction failed",
        };
        Self { why: Refusal { kind, what, detail: error.to_string().into() }, spoiled: spoils(error) }
    }
}

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        Self::from(&error)
    }
}

/// One reason for many callers.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub(super) kind: FaultKind,
    pub(super) what: &'static str,
    pub(super) detail: Arc<str>,
}

impl Refusal {
    pub(super) fn fault(&self) -> Fault {
        let detail = self.detail.to_string();
        match self.kind {
            FaultKind::Unavailable => Fault::unavailable(self.what, detail),
            FaultKind::Corrupt => Fault::corrupt(self.what, detail),
            FaultKind::Internal => Fault::internal(self.what, detail),
        }
    }
}

fn spoils(error: &Error) -> bool {
    let Error::SqliteFailure(failure, _) = error else { return false };
    matches!(
        failure.code,
        ErrorCode::SystemIoFailure
            | ErrorCode::DatabaseCorrupt
            | ErrorCode::NotADatabase
            | ErrorCode::CannotOpen
            | ErrorCode::ReadOnly
            | ErrorCode::OutOfMemory
            | ErrorCode::FileLockingProtocolFailed
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_emptied_under_us_is_damage_and_a_wrong_statement_is_our_bug() {
        let empty = rusqlite::Connection::open_in_memory().unwrap();
        for (sql, want) in
            [("SELECT id FROM clients", FaultKind::Corrupt), ("SELECT nothing", FaultKind::Internal)]
        {
            let error = empty.prepare(sql).map(|_| ()).unwrap_err();
            assert_eq!(kind(&error), want, "{error}");
        }
    }
}
