//! The server's log after the run: no panic, and nothing that was secret.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

/// How much of a secret must stand in the log to count as leaked, in bytes.
const WINDOW: usize = 16;

/// Multiplies instead of hashing well: the input is random or rare.
#[derive(Debug, Default)]
struct Quick(u64);

impl Hasher for Quick {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 29)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        }
    }

    fn write_u128(&mut self, value: u128) {
        let low = u64::try_from(value & u128::from(u64::MAX)).unwrap_or_default();
        let high = u64::try_from(value >> 64).unwrap_or_default();
        self.0 = low.wrapping_mul(0x9E37_79B9_7F4A_7C15)
            ^ high.rotate_left(31).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    }
}

type Windows<'a> = HashMap<u128, &'a str, BuildHasherDefault<Quick>>;

/// The lines of the log that tell of a panic.
pub fn panics(log: &str) -> Vec<&str> {
    log.lines().filter(|line| line.contains("panicked at")).collect()
}

/// The secrets of which at least 16 bytes in a row stand in the log, from their beginning, middle or end.
pub fn leaks<'a>(log: &str, secrets: impl IntoIterator<Item = &'a str>) -> HashSet<&'a str> {
    let mut windows: Windows<'a> = HashMap::default();
    for secret in secrets {
        let bytes = secret.as_bytes();
        // The sealed forms share their first characters (prefix, version, key id): those tell nothing.
        let skip = if secret.starts_with("vk_") { 24.min(bytes.len() / 3) } else { 0 };
        let body = &bytes[skip..];
        for start in [0, body.len() / 2, body.len().saturating_sub(WINDOW)] {
            if let Some(window) = body.get(start..start + WINDOW) {
                windows.insert(number(window), secret);
            }
        }
    }
    let found = log.as_bytes().windows(WINDOW).filter_map(|window| windows.get(&number(window)).copied());
    found.collect()
}

fn number(window: &[u8]) -> u128 {
    window.try_into().map_or(0, u128::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::{leaks, panics};

    #[test]
    fn a_whole_or_partial_secret_is_found_and_nothing_else() {
        let secrets =
            ["vk_at_AAAAAAAAAAAAAAAAAAAA0123456789abcdefghijklmnopqrst", "lamp-0123456789abcdef-orchard"];
        assert!(leaks("token=vk_at_AAAAAAAAAAAAAAAAAAAA… ok", secrets).is_empty());
        assert_eq!(leaks("x=abcdefghijklmnopqrst&", secrets).len(), 1);
        assert_eq!(leaks("password=lamp-0123456789abcdef-orchard", secrets).len(), 1);
    }

    #[test]
    fn a_panic_is_found() {
        assert_eq!(panics("fine\nthread 'main' panicked at src/main.rs:1:1:\n").len(), 1);
    }
}
