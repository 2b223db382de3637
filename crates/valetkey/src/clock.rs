//! The machine's clock and entropy, behind the core's ports. Nothing else in Valetkey reads either.

use std::cell::RefCell;
use std::time::{SystemTime, UNIX_EPOCH};
use valetkey_core::outbound::{Clock, Entropy};
use zeroize::{Zeroize as _, Zeroizing};

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
///
/// A draw costs the same however little is drawn: the generator asks the processor for fresh entropy each time, which takes
/// longer than sealing a token. So what is short, as ids and nonces are, is taken from a stock of this thread that one draw
/// fills; keys and secrets are drawn when they are wanted.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct OsEntropy;

/// The longest that is taken from stock.
const SHORT: usize = 24;
const FULL: usize = 512;

thread_local! {
    static STOCK: RefCell<Stock> = RefCell::new(Stock { bytes: Zeroizing::new([0; FULL]), left: 0 });
}

impl Entropy for OsEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        let taken = bytes.len() <= SHORT && STOCK.try_with(|stock| stock.borrow_mut().take(bytes)).is_ok();
        if !taken {
            draw(bytes);
        }
    }
}

/// Bytes that were drawn and not given out yet. What is given out is wiped here.
struct Stock {
    bytes: Zeroizing<[u8; FULL]>,
    left: usize,
}

impl Stock {
    fn take(&mut self, wanted: &mut [u8]) {
        if self.left < wanted.len() {
            draw(&mut self.bytes[..]);
            self.left = FULL;
        }
        let from = self.left - wanted.len();
        let given = &mut self.bytes[from..self.left];
        wanted.copy_from_slice(given);
        given.zeroize();
        self.left = from;
    }
}

fn draw(bytes: &mut [u8]) {
    #[expect(clippy::disallowed_methods, reason = "the one place where entropy is drawn")]
    let drawn = aws_lc_rs::rand::fill(bytes);
    #[expect(
        clippy::expect_used,
        reason = "without entropy nothing may be issued; the kernel's never fails after boot"
    )]
    drawn.expect("the system's entropy");
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn what_is_taken_from_stock_is_given_out_once_and_wiped() {
        let mut stock = Stock { bytes: Zeroizing::new([0; FULL]), left: 0 };
        let mut seen = BTreeSet::new();
        for round in 0..2000_usize {
            let mut bytes = [0; SHORT];
            stock.take(&mut bytes);
            assert!(seen.insert(bytes), "round {round}");
            assert!(stock.bytes[stock.left..].iter().all(|byte| *byte == 0), "round {round}");
        }
    }

    #[test]
    fn threads_and_lengths_never_share_a_byte() {
        let draws = || {
            let eights = (0..500).flat_map(|round: usize| {
                let mut bytes = vec![0; 8 + 8 * (round % 5)];
                OsEntropy.fill(&mut bytes);
                bytes.chunks_exact(8).map(<[u8]>::to_vec).collect::<Vec<_>>()
            });
            eights.collect::<Vec<_>>()
        };
        let other = std::thread::spawn(draws);
        let mut all = draws();
        all.extend(other.join().expect("no panic"));
        let count = all.len();
        assert_eq!(all.into_iter().collect::<BTreeSet<_>>().len(), count);
    }
}
