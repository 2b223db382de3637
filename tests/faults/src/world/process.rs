//! What a process uses, and signals to it.

use std::io;

use crate::world::chores::run;

/// What the kernel says of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Usage {
    /// Memory now, in KiB.
    pub rss: u64,
    /// The most it ever was, in KiB.
    pub peak: u64,
    /// Open files.
    pub files: usize,
}

/// What a process uses now; zeros when it is gone.
pub fn usage(pid: u32) -> Usage {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let number = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.split_whitespace().next()).and_then(|text| text.parse().ok()).unwrap_or(0)
    };
    let files = std::fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count);
    Usage { rss: number("VmRSS:"), peak: number("VmHWM:"), files }
}

/// Sends a signal by its name.
pub fn signal(pid: u32, name: &str) -> io::Result<()> {
    run("kill", &[&format!("-{name}"), &pid.to_string()]).map(|_| ())
}
