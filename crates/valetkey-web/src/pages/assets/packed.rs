//! One static file: its path, its bytes, and the same compressed once for all who take it so.

use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;

/// One file, as it is served.
#[derive(Debug, Clone)]
pub struct Asset {
    /// `/assets/style-0123456789abcdef.css`, `/assets/console-0123456789abcdef/main.js`
    pub path: String,
    /// The path before and after the content's name.
    around: [String; 2],
    pub content_type: &'static str,
    pub bytes: &'static [u8],
    /// RFC 1952; empty where that would be no smaller.
    pub gzip: Vec<u8>,
}

impl Asset {
    pub(super) fn new(stem: &str, extension: &str, content_type: &'static str, bytes: &'static [u8]) -> Self {
        let name = format!("{:016x}", fnv1a(bytes.iter().copied()));
        let around = [format!("/assets/{stem}-"), format!(".{extension}")];
        Self::made(&name, around, content_type, bytes)
    }

    /// A file of a folder whose name ends in sixteen digits of its own.
    pub(super) fn within(
        folder: &str,
        stem: &str,
        extension: &str,
        content_type: &'static str,
        bytes: &'static [u8],
    ) -> Self {
        let (before, name) = folder.split_at(folder.len().saturating_sub(16));
        let around = [format!("/assets/{before}"), format!("/{stem}.{extension}")];
        Self::made(name, around, content_type, bytes)
    }

    fn made(name: &str, around: [String; 2], content_type: &'static str, bytes: &'static [u8]) -> Self {
        let path = format!("{}{name}{}", around[0], around[1]);
        Self { path, around, content_type, bytes, gzip: gzip(bytes).unwrap_or_default() }
    }

    pub(super) fn is_version_of(&self, path: &str) -> bool {
        path.strip_prefix(&self.around[0])
            .and_then(|rest| rest.strip_suffix(&self.around[1]))
            .is_some_and(|hash| hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
    }
}

fn gzip(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok().filter(|packed| packed.len() < bytes.len())
}

/// FNV-1a, 64 bits: tells one build's file from another's; it guards nothing.
pub(super) fn fnv1a(bytes: impl IntoIterator<Item = u8>) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.into_iter().fold(0xcbf2_9ce4_8422_2325, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fnv1a_agrees_with_its_published_value() {
        assert_eq!(fnv1a(*b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn what_is_no_smaller_compressed_is_not_compressed() {
        assert_eq!(gzip(b"x"), None);
        assert!(gzip(&[b'x'; 1000]).is_some_and(|packed| packed.len() < 100));
    }
}
