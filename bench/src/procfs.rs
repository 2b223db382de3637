//! What Linux tells about processes and the machine.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

/// Linux reports process times in hundredths of a second to user space, whatever the kernel's own tick.
const TICKS_PER_SECOND: u64 = 100;

/// User and system time of a process and all its threads, from /proc/PID/stat; in steps of 10 ms.
fn cpu_time(process: u32) -> Result<Duration> {
    let text = read(process, "stat")?;
    ticks(&text).map(|ticks| Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND)).context("/proc/PID/stat")
}

/// Watches how much processor time a server takes.
pub(crate) struct Watch {
    began: Instant,
    process: u32,
    before: Duration,
}

impl Watch {
    pub(crate) fn start(process: u32) -> Result<Self> {
        Ok(Self { began: Instant::now(), process, before: cpu_time(process)? })
    }

    /// The time it took, and that as a share of a core.
    pub(crate) fn stop(self) -> Result<(Duration, f64)> {
        let time = cpu_time(self.process)?.saturating_sub(self.before);
        Ok((time, time.div_duration_f64(self.began.elapsed())))
    }
}

fn ticks(stat: &str) -> Option<u64> {
    // The name, the second field, may hold spaces and parentheses.
    let mut after_name = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let user: u64 = after_name.next()?.parse().ok()?;
    let system: u64 = after_name.next()?.parse().ok()?;
    Some(user + system)
}

/// The resident set of a process, from /proc/PID/status.
pub(crate) fn resident_bytes(process: u32) -> Result<u64> {
    let text = read(process, "status")?;
    let kibibytes = field(&text, "VmRSS:").and_then(|value| value.split(' ').next()?.parse::<u64>().ok());
    kibibytes.map(|kibibytes| kibibytes * 1024).context("/proc/PID/status has no VmRSS")
}

fn read(process: u32, name: &str) -> Result<String> {
    let path = format!("/proc/{process}/{name}");
    fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}

/// The cores this process may run on, in order.
pub(crate) fn allowed_cores() -> Vec<usize> {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    field(&text, "Cpus_allowed_list:").map(core_list).unwrap_or_default()
}

fn core_list(text: &str) -> Vec<usize> {
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(first.trim().parse().ok()?..=last.trim().parse().ok()?)
    };
    text.split(',').filter_map(range).flatten().collect()
}

/// The processor's name.
pub(crate) fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = field(&text, "model name").map(|value| value.trim_start_matches(':').trim());
    name.unwrap_or("unknown processor").to_owned()
}

pub(crate) fn kernel() -> String {
    fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned()
}

/// The type of the file system a directory lies on: `ext4`, `tmpfs`, …
pub(crate) fn file_system(dir: &Path) -> String {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let dir = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
    let mut best = (0, "unknown");
    for line in mounts.lines() {
        let mut words = line.split(' ').skip(1);
        let (Some(point), Some(kind)) = (words.next(), words.next()) else { continue };
        if dir.starts_with(point) && point.len() >= best.0 {
            best = (point.len(), kind);
        }
    }
    best.1.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn process_times_are_read_behind_a_name_with_parentheses() {
        let stat = "77 (a) b) S 1 77 77 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 3 0 100 0 0";
        assert_eq!(ticks(stat), Some(300));
    }

    #[test]
    fn core_lists_hold_ranges_and_single_cores() {
        assert_eq!(core_list("0-2,5"), [0, 1, 2, 5]);
        assert_eq!(core_list("3"), [3]);
    }
}
