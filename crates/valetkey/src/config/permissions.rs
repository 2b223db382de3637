//! Files that hold secrets must not be open to every account of the machine.

use std::fs::Metadata;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Everyone else's permission bits.
const OTHERS: u32 = 0o007;

/// Whether any account of the machine can read, write or enter it.
pub(crate) fn open_to_others(metadata: &Metadata) -> bool {
    metadata.permissions().mode() & OTHERS != 0
}

/// Refuses a file that any account of the machine can read or write. Its group may read it: that is how secrets are
/// mounted into containers.
pub(crate) fn check_private(path: &Path) -> Result<(), String> {
    let metadata =
        std::fs::metadata(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    if metadata.is_file() && open_to_others(&metadata) {
        return Err(format!(
            "{0} holds secrets and is open to everyone: run `chmod 600 {0}`",
            path.display()
        ));
    }
    Ok(())
}
