//! Connections and their settings.

use super::fault::kind;
use crate::error::OpenError;
use crate::open::Options;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Result, ffi};
use std::path::Path;
use std::time::Duration;
use valetkey_core::error::FaultKind;

/// Before 3.51.3 a checkpoint that races a write can lose it.
const OLDEST_LIBRARY: (i32, &str) = (3_051_003, "3.51.3");

/// "Vkey", in the header of every database of ours.
const APPLICATION_ID: i64 = 0x566b_6579;

/// How long a writer waits for another process to finish its transaction: this many times a millisecond. SQLite's own
/// handler looks ever more rarely, and beside a busy server a management command then waits up to a second for its turn.
/// Each look takes a little longer than its step: together they stay short of the two seconds within which a caller is
/// told that the database is away.
const BUSY_LOOKS: i32 = 1500;
const BUSY_STEP: Duration = Duration::from_millis(1);

/// Up to this many bytes a database is looked through when a server starts: some tenths of a second.
const LOOKED_THROUGH: i64 = 64 * 1024 * 1024;

/// Readers never wait for writers in WAL mode; only for the recovery after a crash.
const BUSY_READER: Duration = Duration::from_millis(500);

/// Refuses to run on an SQLite that can lose a write.
pub(super) fn check_library() -> Result<(), OpenError> {
    check_version(rusqlite::version_number(), rusqlite::version())
}

fn check_version(number: i32, name: &str) -> Result<(), OpenError> {
    let (oldest, wanted) = OLDEST_LIBRARY;
    if number < oldest {
        return Err(OpenError::LibraryTooOld { found: name.to_owned(), wanted });
    }
    Ok(())
}

/// Opens the connection that writes. The file must exist.
pub(super) fn writer(path: &Path) -> Result<Connection, OpenError> {
    let failed = |error| opening(path, error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    if connection.is_readonly("main").map_err(failed)? {
        return Err(OpenError::ReadOnly { path: path.to_owned() });
    }
    settle_writer(&mut connection).map_err(failed)?;
    Ok(connection)
}

fn settle_writer(connection: &mut Connection) -> Result<()> {
    connection.busy_handler(Some(wait_for_other))?;
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        let text = format!("write-ahead logging cannot be switched on (the journal stays in mode {mode})");
        return Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CANTOPEN), Some(text)));
    }
    // FULL: a commit is on the disk before it is answered. The writer checkpoints by itself, between batches.
    connection.execute_batch(
        "PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA cache_size = -8192;
         PRAGMA journal_size_limit = 16777216;
         PRAGMA wal_autocheckpoint = 0;",
    )?;
    settle(connection)
}

#[expect(
    clippy::disallowed_methods,
    reason = "nobody tells when another process lets the file go; on the writer's thread"
)]
fn wait_for_other(looks: i32) -> bool {
    std::thread::sleep(BUSY_STEP);
    looks < BUSY_LOOKS
}

/// Opens a connection that can only read.
pub(super) fn reader(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_READER)?;
    connection.execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -2048;")?;
    settle(&connection)?;
    Ok(connection)
}

fn settle(connection: &Connection) -> Result<()> {
    // Mapped memory would turn a file that shrinks under us into a SIGBUS.
    connection.execute_batch(
        "PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY; PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF;",
    )?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    // Plans must not look at bound values: with a partial index about, a join would be planned anew at every call,
    // which costs ten times its execution.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(())
}

/// Makes sure that the file is ours, or new: an empty schema where `options` say that there was one is a loss.
pub(super) fn check_identity(connection: &Connection, options: &Options) -> Result<(), OpenError> {
    let path = &options.path;
    let number =
        |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(|e| opening(path, e));
    let tables = number("SELECT count(*) FROM sqlite_schema")?;
    match number("PRAGMA application_id")? {
        APPLICATION_ID if tables > 0 => return Ok(()),
        0 if tables == 0 => {}
        _ => return Err(OpenError::Foreign { path: path.clone() }),
    }
    // A log may already be there from making this very file.
    if let Some(witness) = options.marker.as_ref().filter(|marker| marker.exists()) {
        let witness = witness.clone();
        return Err(OpenError::Lost { path: path.clone(), state: "empty", witness });
    }
    if options.create { Ok(()) } else { Err(OpenError::Missing { path: path.clone() }) }
}

/// Looks whether the pages hold together (`PRAGMA quick_check`), so that a server does not begin on a file that it would
/// stumble over. Only where that takes a moment: damage in a larger file shows when the page is read.
pub(super) fn check_pages(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let failed = |error| opening(path, error);
    let number = |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(failed);
    if number("PRAGMA page_count")?.saturating_mul(number("PRAGMA page_size")?) > LOOKED_THROUGH {
        return Ok(());
    }
    let said: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(failed)?;
    if said == "ok" {
        return Ok(());
    }
    // Lines of it begin with a heading.
    let detail = said.lines().last().unwrap_or_default().to_owned();
    Err(OpenError::Damaged { path: path.to_owned(), detail })
}

fn opening(path: &Path, source: rusqlite::Error) -> OpenError {
    let path = path.to_owned();
    let read_only = source.sqlite_error_code() == Some(rusqlite::ErrorCode::ReadOnly);
    match kind(&source) {
        FaultKind::Corrupt => OpenError::Damaged { path, detail: source.to_string() },
        _ if read_only => OpenError::ReadOnly { path },
        _ => OpenError::Sqlite { path, error: source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_that_can_lose_a_write_is_refused() {
        for (number, ok) in [(3_051_002, false), (3_051_003, true), (3_054_001, true), (3_046_000, false)] {
            assert_eq!(check_version(number, "x").is_ok(), ok, "{number}");
        }
        assert!(check_library().is_ok());
    }
}
