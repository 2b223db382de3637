//! Backup of a file by one long read, beside which everybody goes on writing; restore into a new file that takes the place
//! of the old one in the end.

use super::tx::{SqliteTx, complete};
use super::{connection, migrate};
use crate::backup::{Fate, Head, Reader, Report, Rows, Table, Writer, fate, schema, split};
use crate::engine::Cell;
use crate::error::{BackupError, OpenError};
use crate::lock::ServerLock;
use crate::migrate::SQLITE;
use crate::open::{self, Options, beside};
use crate::transfer::{cell, check_not_moved, tables};
use crate::verbs::epoch::{NewEpoch, feed_from};
use rusqlite::types::ToSql;
use rusqlite::{Connection, OpenFlags, params_from_iter};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use valetkey_core::audit::Record;
use valetkey_core::store::ChangeKind;

/// A database, its log of writes and the index of that.
const FILES: [&str; 3] = ["", "-wal", "-shm"];

/// Where a restore builds, and what it leaves of what was there.
const NEW: &str = ".restoring";
const OLD: &str = ".before-restore";

fn refused(path: &Path) -> impl Fn(rusqlite::Error) -> BackupError {
    move |error| BackupError::Database { at: path.to_owned(), why: error.to_string() }
}

pub(crate) fn backup(
    options: &Options,
    mut writer: Writer,
    mut head: Head<'_>,
) -> Result<Report, BackupError> {
    let path = &options.path;
    let failed = refused(path);
    connection::check_library()?;
    open::prepare(options)?;
    let source = connection::reader(path).map_err(&failed)?;
    connection::check_identity(&source, options)?;
    check_not_moved(&source, options)?;
    source.execute_batch("BEGIN").map_err(&failed)?;
    head.about.schema = schema(&migrate::applied(&source).map_err(&failed)?, SQLITE, path)?;
    writer.begin(&head)?;
    for table in tables(&source).map_err(&failed)?.iter().filter(|t| fate(&t.name) == Some(Fate::Kept)) {
        send(&source, table, &mut writer, path)?;
    }
    Ok(Report { about: head.about, rows: writer.finish()? })
}

fn send(source: &Connection, table: &Table, writer: &mut Writer, path: &Path) -> Result<(), BackupError> {
    let failed = refused(path);
    writer.table(table)?;
    let sql = format!("SELECT {} FROM {}", table.columns.join(", "), table.name);
    let mut statement = source.prepare(&sql).map_err(&failed)?;
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next().map_err(&failed)? {
        let cells = (0..table.columns.len()).map(|n| Ok(cell(row.get_ref(n)?)));
        writer.row(&cells.collect::<rusqlite::Result<Vec<Cell>>>().map_err(&failed)?)?;
    }
    Ok(())
}

pub(crate) fn restore(
    options: &Options,
    mut reader: Reader,
    force: bool,
    record: &Record,
) -> Result<Report, BackupError> {
    let path = &options.path;
    connection::check_library()?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let _lock = ServerLock::acquire(directory.unwrap_or(Path::new(".")))?;
    if !force && std::fs::metadata(path).is_ok_and(|meta| meta.len() > 0) {
        return Err(BackupError::NotEmpty { at: path.clone() });
    }
    let failed = |source| BackupError::Open(OpenError::File { path: path.clone(), error: source });
    let new = beside(path, NEW);
    // Of a restore that was killed.
    remove(&new).map_err(failed)?;
    let mut made = OpenOptions::new();
    made.write(true).create_new(true).mode(0o600).open(&new).map_err(failed)?;
    let built = build(&new, &mut reader, record);
    match built {
        Ok(rows) => {
            install(&new, path).map_err(failed)?;
            Ok(Report { about: reader.about, rows })
        }
        Err(error) => {
            remove(&new).ok();
            Err(error)
        }
    }
}

/// Fills a file that nobody else knows: without a journal, since it is thrown away if anything fails.
fn build(new: &Path, reader: &mut Reader, record: &Record) -> Result<Vec<(String, u64)>, BackupError> {
    let failed = refused(new);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut database = Connection::open_with_flags(new, flags).map_err(&failed)?;
    let begin = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF;
                 PRAGMA trusted_schema = OFF; PRAGMA cache_size = -65536; BEGIN";
    database.execute_batch(begin).map_err(&failed)?;
    let (made, later) = split(SQLITE, reader.about.schema);
    migrate::apply(&database, made).map_err(&failed)?;
    let tables = tables(&database).map_err(&failed)?;
    for table in &tables {
        // What a step put there stands in the backup as well, if it stood there still.
        database.execute_batch(&format!("DELETE FROM {}", table.name)).map_err(&failed)?;
    }
    let mut rows = Rows::new(reader);
    while let Some((table, cells)) = rows.next(&tables)? {
        insert(&database, &table, &cells).map_err(&failed)?;
    }
    let counts = rows.counts;
    migrate::apply(&database, later).map_err(&failed)?;
    let sql = "INSERT INTO changes (seq, at, kind, key) VALUES (?1, ?2, ?3, x'')";
    database.execute(sql, (feed_from(record), record.at.0, ChangeKind::Settings as i64)).map_err(&failed)?;
    let epoch = complete(&NewEpoch { record }, &mut SqliteTx::new(&mut database));
    epoch.map_err(|fault| BackupError::Database { at: new.to_owned(), why: fault.to_string() })?;
    let orphans: i64 = database
        .query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get(0))
        .map_err(&failed)?;
    if orphans > 0 {
        return Err(reader.damaged("rows of it belong to others that it has not"));
    }
    database.execute_batch("COMMIT; PRAGMA journal_mode = WAL").map_err(&failed)?;
    database.close().map_err(|(_, error)| failed(error))?;
    let synced = File::open(new).and_then(|file| file.sync_all());
    synced.map_err(|source| BackupError::Open(OpenError::File { path: new.to_owned(), error: source }))?;
    Ok(counts)
}

fn insert(database: &Connection, table: &Table, rows: &[Vec<Cell>]) -> rusqlite::Result<()> {
    let places = vec!["?"; table.columns.len()].join(", ");
    let sql = format!("INSERT INTO {} ({}) VALUES ({places})", table.name, table.columns.join(", "));
    let mut statement = database.prepare_cached(&sql)?;
    for row in rows {
        statement.execute(params_from_iter(row.iter().map(as_sql)))?;
    }
    Ok(())
}

fn as_sql(cell: &Cell) -> &dyn ToSql {
    match cell {
        Cell::Null => &None::<i64>,
        Cell::Int(number) => number,
        Cell::Text(text) => text,
        Cell::Blob(bytes) => bytes,
    }
}

/// The new file takes the old one's place. Whenever it is interrupted, there is the old database or none, which is told,
/// or the new one.
fn install(new: &Path, path: &Path) -> io::Result<()> {
    let old = beside(path, OLD);
    if path.exists() {
        for suffix in FILES {
            remove(&beside(&old, suffix))?;
        }
    }
    for suffix in FILES {
        match std::fs::rename(beside(path, suffix), beside(&old, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    std::fs::rename(new, path)?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}

fn remove(path: &Path) -> io::Result<()> {
    for suffix in FILES {
        match std::fs::remove_file(beside(path, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
