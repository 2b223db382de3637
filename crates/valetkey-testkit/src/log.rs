//! Everything the process logs, at the most talkative level, so that each test can look for its own secrets in it.

use std::collections::HashSet;
use std::io::{self, Write};
use std::sync::{Mutex, Once, PoisonError};
use tracing_subscriber::filter::LevelFilter;

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static INSTALL: Once = Once::new();

struct Tee;

impl Write for Tee {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// From now on, everything is kept. Returns how much was before: what a test that begins now need not look at.
pub(crate) fn install() -> usize {
    INSTALL.call_once(|| {
        let subscriber =
            tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE).with_ansi(false).with_writer(|| Tee);
        subscriber.init();
    });
    LOG.lock().unwrap_or_else(PoisonError::into_inner).len()
}

/// How much of a secret is looked for: its end, since artefacts of one kind begin alike.
const WINDOW: usize = 16;

/// How many secrets stand in the log after `from`. An empty log would prove nothing, so that counts as a failure too.
pub(crate) fn leaked(from: usize, secrets: &[String]) -> Vec<String> {
    let log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(log.len() > from, "the log is not being captured");
    let ends: HashSet<u128> = secrets.iter().filter_map(|secret| end(secret.as_bytes())).collect();
    let mut window = 0_u128;
    let mut found = HashSet::new();
    for byte in &log[from..] {
        window = window << 8 | u128::from(*byte);
        if ends.contains(&window) {
            found.insert(window);
        }
    }
    let stands = |secret: &&String| end(secret.as_bytes()).is_some_and(|end| found.contains(&end));
    secrets.iter().filter(stands).cloned().collect()
}

fn end(secret: &[u8]) -> Option<u128> {
    let end = secret.len().checked_sub(WINDOW).and_then(|at| secret.get(at..))?;
    Some(end.iter().fold(0, |sum, byte| sum << 8 | u128::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logged_secret_is_found() {
        let from = install();
        Tee.write_all(b"token=vk_at_planted-in-the-log;").expect("written");
        let secrets = ["vk_at_planted-in-the-log", "vk_at_kept-out-of-the-log"].map(str::to_owned);
        assert_eq!(leaked(from, &secrets), ["vk_at_planted-in-the-log"]);
    }
}
