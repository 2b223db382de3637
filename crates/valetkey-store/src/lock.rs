//! One server per database file: an exclusive lock that the kernel drops with the process, however it ends.

use crate::error::OpenError;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The name of the lock's file, beside the database.
pub const LOCK_FILE: &str = "valetkey.lock";

/// Held by `serve` and `dev` for as long as they run. Management commands do not take it: they share the database
/// with a running server.
#[derive(Debug)]
pub struct ServerLock {
    path: PathBuf,
    _file: File,
}

/// Whether a process holds the lock of that file.
pub(crate) fn is_held(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

impl ServerLock {
    /// Takes the lock of a data directory, making the directory (0700) and the file (0600) where they are missing.
    /// Fails with [`OpenError::InUse`] while another process holds it. A file left by a dead process is no hindrance.
    pub fn acquire(directory: &Path) -> Result<Self, OpenError> {
        let path = directory.join(LOCK_FILE);
        let failed = |source| OpenError::File { path: path.clone(), error: source };
        crate::open::make_directory(directory).map_err(failed)?;
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).read(true).write(true).mode(0o600);
        let mut file = options.open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = std::fs::read_to_string(&path).unwrap_or_default();
                return Err(OpenError::InUse { path, holder: holder.trim().to_owned() });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        // For people only: the lock is the kernel's, not the number's.
        file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(failed)?;
        Ok(Self { path, _file: file })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}
