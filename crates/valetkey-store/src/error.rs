//! Why a database cannot be opened, in words for the person who starts the server. What an error says of its cause it says
//! itself: a cause that it named beside that (`source`) would be printed twice.

use std::io;
use std::path::PathBuf;

/// A refusal to open. Each names the file and what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the SQLite library is {found}; Valetkey needs {wanted} or newer (older ones can lose a write)")]
    LibraryTooOld { found: String, wanted: &'static str },

    #[error(
        "there is no database at {path}; start `valetkey serve` or `valetkey dev` to make one, or check --data-dir"
    )]
    Missing { path: PathBuf },

    #[error(
        "the database {path} is {state}, but {witness} shows that there was one: restore it from a backup. \
         To begin anew and lose every account, move {witness} away"
    )]
    Lost { path: PathBuf, state: &'static str, witness: PathBuf },

    #[error("{path} is not a Valetkey database")]
    Foreign { path: PathBuf },

    #[error("the database {path} is damaged ({detail}): restore it from a backup")]
    Damaged { path: PathBuf, detail: String },

    #[error(
        "the database {path} has a second name (a hard link), under which another process could write past this one: \
         remove that name, or use a copy"
    )]
    Linked { path: PathBuf },

    #[error(
        "the database {path} cannot be written to: check its permissions and that the disk is not read-only"
    )]
    ReadOnly { path: PathBuf },

    #[error(
        "the database {path} was made by a newer Valetkey (schema {found}, this one knows up to {known}): upgrade"
    )]
    Newer { path: PathBuf, found: i64, known: i64 },

    #[error(
        "migration {version} of the database {path} is not the one this Valetkey has: use the version that made it"
    )]
    Altered { path: PathBuf, version: i64 },

    #[error(
        "migration {version} of the database {path} takes away what a server of an older version still needs, and one runs: \
         replace or stop it first"
    )]
    Behind { path: PathBuf, version: i64 },

    #[error(
        "the database {path} cannot be copied to {to} before its schema is changed ({error}): nothing was changed"
    )]
    NotCopied { path: PathBuf, to: PathBuf, error: io::Error },

    #[error("another Valetkey server uses this data directory ({path}{}): stop it, or choose another --data-dir",
        if holder.is_empty() { String::new() } else { format!(", process {holder}") })]
    InUse { path: PathBuf, holder: String },

    #[error("cannot use {path}: {error}")]
    File { path: PathBuf, error: io::Error },

    #[error("the database {path} was moved to {into}: set database_url to it")]
    Moved { path: PathBuf, into: String },

    #[error("database_url: {why}")]
    Address { why: String },

    #[error("cannot open the database {at}: {why}")]
    Unreachable { at: String, why: String },

    #[error("the database {at} is empty; start `valetkey serve` to furnish it, or check database_url")]
    Empty { at: String },

    #[error("cannot open the database {path}: {error}")]
    Sqlite { path: PathBuf, error: rusqlite::Error },
}

/// Why a database could not be moved. Nothing of it was, then.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    #[error(transparent)]
    Open(#[from] OpenError),

    #[error("the database to move to is not empty: it has rows in {table}. Name an empty one")]
    NotEmpty { table: String },

    #[error("{table} has {here} rows here and {there} there: nothing was moved")]
    Differs { table: String, here: u64, there: u64 },

    #[error("the database to move to refused: {0}")]
    Target(String),

    #[error("the database to be moved cannot be read")]
    Source(#[from] rusqlite::Error),
}

/// Why there is no backup, or why none was restored. Then nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error(transparent)]
    Open(#[from] OpenError),

    #[error("{path} is there already: choose another name, or replace it with --force")]
    Exists { path: PathBuf },

    #[error("cannot use {path}: {error}")]
    File { path: PathBuf, error: io::Error },

    #[error("{path} is no backup made by `valetkey backup`")]
    NoBackup { path: PathBuf },

    #[error("{path} was made by a newer Valetkey (format {found}): upgrade")]
    NewerFormat { path: PathBuf, found: u32 },

    #[error("{path} was made by a newer Valetkey (schema {found}, this one knows up to {known}): upgrade")]
    NewerSchema { path: PathBuf, found: i64, known: i64 },

    #[error(
        "{path} was made under another master key: give the one that the server had when the backup was made"
    )]
    OtherKey { path: PathBuf },

    #[error("{path} is damaged ({detail}): take another backup")]
    Damaged { path: PathBuf, detail: &'static str },

    #[error(
        "the database {at} has the schema of a newer Valetkey ({found}, this one knows up to {known}): \
         only that version can back it up whole"
    )]
    NewerStore { at: PathBuf, found: i64, known: i64 },

    #[error("the database {at} is not empty: `--force` replaces what is in it")]
    NotEmpty { at: PathBuf },

    #[error(
        "a server runs on the database {at}: stop all of them first (one that was killed is forgotten after 15 seconds)"
    )]
    InUse { at: PathBuf },

    #[error("the database {at} refused: {why}")]
    Database { at: PathBuf, why: String },
}
