//! Brings a file's schema up to date: all missing steps in one transaction, after a copy of what was there. Whenever the
//! process is killed, the file has the old schema or the new one, and never anything between.

use super::connection;
use crate::lock::{LOCK_FILE, is_held};
use crate::migrate::{Applied, Migration, Refused, checksum, pending};
use crate::open::beside;
use rusqlite::{Connection, TransactionBehavior};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

const HISTORY: &str = "CREATE TABLE IF NOT EXISTS schema_history (
    version INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum INTEGER NOT NULL, valetkey TEXT NOT NULL,
    compatible_from INTEGER) STRICT";

/// What the copy's name ends with, before the number of the step that it was made for.
const COPY: &str = ".before-schema-";

/// Applies what is missing of `steps`; takes no write lock where nothing is. Two processes may call it at once. `ours`: the
/// caller is the one server that may run on the file.
pub(super) fn run(
    connection: &mut Connection,
    path: &Path,
    steps: &[Migration],
    ours: bool,
) -> Result<(), Refused> {
    if pending(&applied(connection)?, steps)?.is_empty() {
        return Ok(());
    }
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been faster.
    let done = applied(&tx)?;
    let missing = pending(&done, steps)?;
    let Some(last) = missing.last() else { return Ok(()) };
    let before = done.last().map(|step| step.version);
    if let Some(before) = before {
        if !ours
            && let Some(step) = missing.iter().find(|step| step.compatible_from > before)
            && is_held(&path.with_file_name(LOCK_FILE))
        {
            return Err(Refused::Behind { version: step.version });
        }
        // Nobody else writes meanwhile: the copy is what this step finds.
        copy(path, last.version)?;
    }
    apply(&tx, missing)?;
    tx.commit()?;
    Ok(())
}

/// Steps and their history, in the transaction that is open.
pub(crate) fn apply(connection: &Connection, steps: &[Migration]) -> rusqlite::Result<()> {
    connection.execute_batch(HISTORY)?;
    if !has_compatible_from(connection)? {
        connection.execute_batch("ALTER TABLE schema_history ADD COLUMN compatible_from INTEGER")?;
    }
    for step in steps {
        connection.execute_batch(step.sql)?;
        connection.execute(
            "INSERT INTO schema_history (version, name, checksum, valetkey, compatible_from)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            (step.version, step.name, checksum(step.sql), env!("CARGO_PKG_VERSION"), step.compatible_from),
        )?;
    }
    Ok(())
}

/// The history of a database; empty where there is none.
pub(crate) fn applied(connection: &Connection) -> rusqlite::Result<Vec<Applied>> {
    if !connection.table_exists(None, "schema_history")? {
        return Ok(Vec::new());
    }
    // Before there was such a column, nothing that came later left room for anybody.
    let from =
        if has_compatible_from(connection)? { "coalesce(compatible_from, version)" } else { "version" };
    let sql = format!("SELECT version, checksum, {from} FROM schema_history ORDER BY version");
    let mut statement = connection.prepare(&sql)?;
    let rows = statement.query_map([], |row| {
        Ok(Applied { version: row.get(0)?, checksum: row.get(1)?, compatible_from: row.get(2)? })
    })?;
    rows.collect()
}

fn has_compatible_from(connection: &Connection) -> rusqlite::Result<bool> {
    connection.column_exists(None, "schema_history", "compatible_from")
}

/// Copies the database beside itself, whole and private, or not at all. Older copies of the kind go.
fn copy(path: &Path, version: i64) -> Result<(), Refused> {
    let to = beside(path, &format!("{COPY}{version}"));
    let partial = beside(&to, ".partial");
    let failed = |source| Refused::Copy { to: to.clone(), source };
    // Of a process that was killed over it.
    remove(&partial).map_err(failed)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600).open(&partial).map_err(failed)?;
    let made = copy_into(path, &partial);
    if let Err(error) = made.and_then(|()| kept(&partial, &to).map_err(failed)) {
        remove(&partial).ok();
        return Err(error);
    }
    for older in copies(path).into_iter().filter(|older| older.file_name() != to.file_name()) {
        remove(&older).ok();
    }
    Ok(())
}

fn copy_into(path: &Path, partial: &Path) -> Result<(), Refused> {
    let text = partial.to_str().ok_or_else(|| Refused::Copy {
        to: partial.to_owned(),
        source: io::Error::other("its path is no UTF-8"),
    })?;
    let reader = connection::reader(path)?;
    // It opened the file for reading alone; what is written is another file.
    reader.execute_batch("PRAGMA query_only = OFF")?;
    reader.execute("VACUUM INTO ?1", [text])?;
    Ok(())
}

/// On the disk, under its name.
fn kept(partial: &Path, to: &Path) -> io::Result<()> {
    File::open(partial)?.sync_all()?;
    std::fs::rename(partial, to)?;
    File::open(to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")))?
        .sync_all()
}

/// The copies that stand beside a database.
fn copies(path: &Path) -> Vec<PathBuf> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return Vec::new() };
    let begin = format!("{name}{COPY}");
    let files = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let is_copy = |file: &std::fs::DirEntry| {
        file.file_name().to_str().is_some_and(|name| {
            name.strip_prefix(&begin)
                .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
        })
    };
    files.filter(is_copy).map(|file| file.path()).collect()
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
