//! Before SQLite touches a file: does it exist, may it be made, can it be what it should be?

use crate::error::OpenError;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// How to open a database.
#[derive(Debug, Clone)]
pub struct Options {
    pub path: PathBuf,
    /// Make the file, and its directory, where there is none: for `serve` and `dev`.
    pub create: bool,
    /// A file that is only ever written after the database (the master key). While it stands, a missing or empty
    /// database is a loss to be reported, never a first start: otherwise a deleted file would reopen the setup page.
    pub marker: Option<PathBuf>,
}

/// How to open a PostgreSQL database.
#[derive(Clone)]
pub struct PostgresOptions {
    /// `postgres://user:password@host:port,host:port/database?parameter=value`.
    pub url: String,
    /// Make the tables where there are none.
    pub create: bool,
    /// As for SQLite: while that file stands, an empty database is a loss.
    pub marker: Option<PathBuf>,
}

impl std::fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The address may hold a password.
        f.debug_struct("PostgresOptions").field("create", &self.create).finish_non_exhaustive()
    }
}

/// What stands at the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Nothing,
    EmptyFile,
    Database,
}

/// Makes sure that a file to open stands at `options.path`.
pub(crate) fn prepare(options: &Options) -> Result<(), OpenError> {
    let path = &options.path;
    let failed = |source| OpenError::File { path: path.clone(), error: source };
    let found = look(path).map_err(failed)?;
    if found == Found::Database {
        check_one_name(path)?;
        return check_header(path);
    }
    if let Some(witness) = witness(options) {
        let state = if found == Found::Nothing { "missing" } else { "empty" };
        return Err(OpenError::Lost { path: path.clone(), state, witness });
    }
    if !options.create {
        return Err(OpenError::Missing { path: path.clone() });
    }
    if found == Found::Nothing {
        path.parent().map_or(Ok(()), make_directory).map_err(failed)?;
        // Made here and not by SQLite, so that nobody else can ever read it; `-wal` and `-shm` take its mode.
        OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path).map_err(failed)?;
    }
    Ok(())
}

/// What shows that a database stood here before: the marker, or a log of writes.
pub(crate) fn witness(options: &Options) -> Option<PathBuf> {
    let log = beside(&options.path, "-wal");
    let logged = std::fs::metadata(&log).is_ok_and(|meta| meta.len() > 0);
    let marker = options.marker.as_ref().filter(|marker| marker.exists());
    marker.cloned().or_else(|| logged.then_some(log))
}

/// Makes a directory for its owner alone, unless it exists.
pub(crate) fn make_directory(directory: &Path) -> io::Result<()> {
    if directory.as_os_str().is_empty() || directory.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(directory)
}

/// The path with `suffix` appended to its last part.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn look(path: &Path) -> io::Result<Found> {
    match std::fs::metadata(path) {
        Ok(meta) if meta.len() > 0 => Ok(Found::Database),
        Ok(_) => Ok(Found::EmptyFile),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Found::Nothing),
        Err(error) => Err(error),
    }
}

/// A second name (a hard link) has a lock and a log of writes of its own, so two processes would write past each other.
fn check_one_name(path: &Path) -> Result<(), OpenError> {
    let names = std::fs::metadata(path).map_or(1, |meta| meta.nlink());
    if names > 1 { Err(OpenError::Linked { path: path.to_owned() }) } else { Ok(()) }
}

/// Reads the 100 bytes of the header (SQLite file format §1.3): cheap at any size, and it finds what is plainly not
/// a database or has lost its end. A server looks further inside (`check_pages`); else damage shows when the page is read.
fn check_header(path: &Path) -> Result<(), OpenError> {
    let failed = |source| OpenError::File { path: path.to_owned(), error: source };
    let mut header = Vec::with_capacity(100);
    let mut file = File::open(path).map_err(failed)?;
    file.by_ref().take(100).read_to_end(&mut header).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    if !header.starts_with(b"SQLite format 3\0") {
        return Err(OpenError::Foreign { path: path.to_owned() });
    }
    let damaged = |detail: String| Err(OpenError::Damaged { path: path.to_owned(), detail });
    let number = |at: usize| header.get(at..at + 4).and_then(|b| b.try_into().ok()).map(u32::from_be_bytes);
    let (Some(changes), Some(pages), Some(valid_for)) = (number(24), number(28), number(92)) else {
        return damaged("its header is cut off".to_owned());
    };
    let page = u64::from(u16::from_be_bytes([header[16], header[17]]));
    let page = if page == 1 { 65_536 } else { page };
    // While a log of writes waits, the last pages may stand there and nowhere else.
    let log = std::fs::metadata(beside(path, "-wal")).map_or(0, |meta| meta.len());
    if log == 0 && changes == valid_for && length < u64::from(pages) * page {
        return damaged(format!("{length} bytes are there of {}", u64::from(pages) * page));
    }
    Ok(())
}
