//! Small things that every fault needs.

use std::io::{self, Error};
use std::net::TcpListener;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU16, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

/// Below the range from which the kernel takes the local ports of connections, so that nobody takes a server's port
/// while the server is away.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// A port of this machine that nobody uses.
pub fn free_port() -> io::Result<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let width = PORTS.end - PORTS.start;
    // Each process begins elsewhere.
    let begin = u16::try_from(std::process::id().wrapping_mul(37) % u32::from(width)).unwrap_or(0);
    for _ in 0..width {
        let port = PORTS.start + (begin + NEXT.fetch_add(1, Relaxed)) % width;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    Err(Error::other("no port is free"))
}

/// Waits until something is so; says how long it took.
pub fn until(what: &str, patience: Duration, mut is_so: impl FnMut() -> bool) -> io::Result<Duration> {
    let began = Instant::now();
    while !is_so() {
        if began.elapsed() > patience {
            return Err(Error::other(format!("waited {} s in vain: {what}", patience.as_secs())));
        }
        thread::sleep(Duration::from_millis(5));
    }
    Ok(began.elapsed())
}

/// Runs a program of the system to its end.
pub fn run(program: &str, arguments: &[&str]) -> io::Result<Output> {
    let output = Command::new(program).args(arguments).output();
    let output = output.map_err(|error| Error::other(format!("{program}: {error}")))?;
    if output.status.success() {
        return Ok(output);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Error::other(format!("{program} {}: {}: {}", arguments.join(" "), output.status, said.trim())))
}

/// Whether this process may do as it likes.
pub fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}
