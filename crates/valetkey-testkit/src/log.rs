//! Everything the process logs, at the most talkative level, so that each test can look for its own secrets in it.

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

/// From now on, everything is kept.
pub(crate) fn install() {
    INSTALL.call_once(|| {
        let subscriber =
            tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE).with_ansi(false).with_writer(|| Tee);
        subscriber.init();
    });
}

/// The secrets among these that were logged. An empty log would prove nothing, so that counts as a failure too.
pub(crate) fn leaked(secrets: &[String]) -> Vec<String> {
    let log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(!log.is_empty(), "the log is not being captured");
    let text = String::from_utf8_lossy(&log);
    secrets.iter().filter(|secret| text.contains(secret.as_str())).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logged_secret_is_found() {
        install();
        Tee.write_all(b"token=vk_at_planted").expect("written");
        assert_eq!(leaked(&["vk_at_planted".to_owned(), "vk_at_kept".to_owned()]), ["vk_at_planted"]);
    }
}
