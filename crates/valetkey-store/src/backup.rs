//! Backup and restore: every row in one file that either engine takes. A restore begins a new epoch
//! ([ADR 0030](../../../docs/adr/0030-a-restore-begins-a-new-epoch.md)).

mod cells;
mod fate;
mod file;

pub(crate) use fate::{Fate, TABLES, fate};

use crate::engine::{Cell, postgres, sqlite};
use crate::error::BackupError;
use crate::migrate::{Applied, Migration, known, pending};
use crate::open::{Options, PostgresOptions};
pub(crate) use file::{Reader, Writer};
use std::path::Path;
use valetkey_core::audit::Record;
use valetkey_core::backup::{About, BackupKey};
use valetkey_core::seal::{SealNonce, SealingKey};

/// Where a store is.
#[derive(Debug, Clone)]
pub enum Place {
    File(Options),
    Server(PostgresOptions),
}

/// How many rows each table has in a backup, and what it says of itself.
#[derive(Debug)]
pub struct Report {
    pub about: About,
    pub rows: Vec<(String, u64)>,
}

/// A table and its columns, in the order in which their values follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) columns: Vec<String>,
}

/// Rows of a table.
pub(crate) type Portion = (Table, Vec<Vec<Cell>>);

/// What a backup begins with. Its `schema` is found out.
#[derive(Debug)]
pub struct Head<'m> {
    pub about: About,
    pub key: BackupKey,
    pub master: &'m SealingKey,
    pub nonce: SealNonce,
}

/// Writes the whole store into a file, as it is at one moment; servers go on meanwhile. The file is there whole, for its
/// owner alone, or not at all.
pub async fn backup(from: &Place, to: &Path, force: bool, head: Head<'_>) -> Result<Report, BackupError> {
    let writer = Writer::create(to, force)?;
    match from {
        Place::File(options) => sqlite::backup::backup(options, writer, head),
        Place::Server(options) => postgres::backup::backup(options, writer, head).await,
    }
}

/// Puts a store back to what a file says, all of it or nothing: an empty one, or with `force` any. Nothing that was handed
/// out before is good afterwards; `record` tells of it in the trail.
pub async fn restore(
    file: &Path,
    into: &Place,
    force: bool,
    master: &SealingKey,
    mut record: Record,
) -> Result<Report, BackupError> {
    // Read to its end first: nothing is touched for a file that does not hold.
    let reader = Reader::open(file, master)?;
    let found = reader.about.schema;
    let known = known(crate::migrate::SQLITE);
    if found > known {
        return Err(BackupError::NewerSchema { path: file.to_owned(), found, known });
    }
    reader.check()?;
    let reader = Reader::open(file, master)?;
    record.object = Some(reader.about.id.to_string());
    match into {
        Place::File(options) => sqlite::backup::restore(options, reader, force, &record),
        Place::Server(options) => postgres::backup::restore(options, reader, force, &record).await,
    }
}

/// What this store's history allows: only a version that knows all of it can tell what belongs into a backup.
pub(crate) fn schema(done: &[Applied], steps: &[Migration], at: &Path) -> Result<i64, BackupError> {
    pending(done, steps).map_err(|refused| refused.at(at))?;
    let found = done.last().map_or(0, |step| step.version);
    if found > known(steps) {
        let known = known(steps);
        return Err(BackupError::NewerStore { at: at.to_owned(), found, known });
    }
    Ok(found)
}

/// The steps that made the schema of a backup, and those that came later.
pub(crate) fn split(steps: &[Migration], schema: i64) -> (&[Migration], &[Migration]) {
    let made = steps.iter().take_while(|step| step.version <= schema).count();
    steps.split_at(made)
}

/// The rows of a backup, checked against a schema.
pub(crate) struct Rows<'r> {
    reader: &'r mut Reader,
    pub(crate) counts: Vec<(String, u64)>,
}

impl<'r> Rows<'r> {
    pub(crate) fn new(reader: &'r mut Reader) -> Self {
        Self { reader, counts: Vec::new() }
    }

    /// The next rows with their table; `None` at the end of a file that holds.
    pub(crate) fn next(&mut self, tables: &[Table]) -> Result<Option<Portion>, BackupError> {
        let Some((table, rows)) = self.reader.next()? else { return Ok(None) };
        let own = tables.iter().find(|own| own.name == table.name);
        if own.is_none_or(|own| !is_same(own, &table)) || fate(&table.name) != Some(Fate::Kept) {
            return Err(self.reader.damaged("it has a table that no backup of its schema has"));
        }
        if self.counts.last().is_none_or(|(name, _)| *name != table.name) {
            self.counts.push((table.name.clone(), 0));
        }
        if let Some((_, count)) = self.counts.last_mut() {
            *count += rows.len() as u64;
        }
        Ok(Some((table, rows)))
    }
}

fn is_same(own: &Table, found: &Table) -> bool {
    own.columns.len() == found.columns.len() && own.columns.iter().all(|name| found.columns.contains(name))
}
