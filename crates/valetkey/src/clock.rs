//! The machine's clock and entropy, behind the core's ports. Nothing else in Valetkey reads either.

use std::time::{SystemTime, UNIX_EPOCH};
use valetkey_core::outbound::{Clock, Entropy};

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> u64 {
        #[expect(clippy::disallowed_methods, reason = "the one place where the clock is read")]
        let now = SystemTime::now();
        now.duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

/// The operating system's entropy, by way of aws-lc's generator.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct OsEntropy;

impl Entropy for OsEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        #[expect(clippy::disallowed_methods, reason = "the one place where entropy is drawn")]
        let drawn = aws_lc_rs::rand::fill(bytes);
        #[expect(
            clippy::expect_used,
            reason = "without entropy nothing may be issued; the kernel's never fails after boot"
        )]
        drawn.expect("the system's entropy");
    }
}
