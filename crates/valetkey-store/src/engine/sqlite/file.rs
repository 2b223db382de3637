//! Whether the files that the connection holds are still the ones at their paths.

use crate::open::beside;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Remembers which files the writer has open. A database that was deleted or replaced under a running server would
/// go on taking writes that vanish with the process; so the writer looks before each batch (two `stat` calls).
#[derive(Debug)]
pub(super) struct Files {
    database: (PathBuf, u64, u64),
    /// Known once the first transaction has made it.
    log: (PathBuf, Option<(u64, u64)>),
}

impl Files {
    /// Notes the files of a connection just opened.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let meta = std::fs::metadata(path)?;
        Ok(Self { database: (path.to_owned(), meta.dev(), meta.ino()), log: (beside(path, "-wal"), None) })
    }

    /// Says what is wrong, if anything is.
    pub(super) fn check(&mut self) -> Result<(), &'static str> {
        let (path, dev, ino) = &self.database;
        let meta = std::fs::metadata(path).map_err(|_| "the database file is gone")?;
        if (meta.dev(), meta.ino()) != (*dev, *ino) {
            return Err("the database file was replaced");
        }
        if meta.len() == 0 {
            return Err("the database file was emptied");
        }
        let (path, known) = &mut self.log;
        let now = std::fs::metadata(path).ok().map(|meta| (meta.dev(), meta.ino()));
        if known.is_some() && *known != now {
            return Err("the database's -wal file was removed or replaced");
        }
        *known = now;
        Ok(())
    }

    /// The connection is about to close, and the log may go with it.
    pub(super) fn forget_log(&mut self) {
        self.log.1 = None;
    }
}
