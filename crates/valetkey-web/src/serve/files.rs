//! Room for file descriptors: the cap on connections is a promise only if the process may open that many.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Kept back for the store, the log, the management listener and whatever a request opens.
const RESERVE: u64 = 256;

/// Raises the soft limit on open files to the hard one and answers how many connections fit under it.
///
/// # Errors
/// The operating system refused; the old limit stays.
pub fn raise_open_files() -> io::Result<usize> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })?;
    }
    let files = limit.maximum.unwrap_or(u64::MAX);
    Ok(usize::try_from(files.saturating_sub(RESERVE)).unwrap_or(usize::MAX))
}
