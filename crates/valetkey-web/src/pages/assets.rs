//! The static files of the pages: in the binary, under paths that name their content.

use std::sync::LazyLock;

/// For a path that names its content: a year, never asked again.
pub const IMMUTABLE: &str = "public, max-age=31536000, immutable";
/// For an older path of the same file, as a page of another version of this server may ask for it.
pub const REVALIDATE: &str = "no-cache";

/// One file, as it is served.
#[derive(Debug, Clone)]
pub struct Asset {
    /// `/assets/style-0123456789abcdef.css`
    pub path: String,
    stem: &'static str,
    extension: &'static str,
    pub content_type: &'static str,
    pub bytes: &'static [u8],
}

/// Every static file.
#[derive(Debug, Clone)]
pub struct Assets {
    pub style: Asset,
    pub icon: Asset,
    pub submit: Asset,
}

/// The files of this build.
pub static ASSETS: LazyLock<Assets> = LazyLock::new(|| Assets {
    style: Asset::new("style", "css", "text/css; charset=utf-8", include_bytes!("assets/style.css")),
    icon: Asset::new("favicon", "svg", "image/svg+xml", include_bytes!("assets/favicon.svg")),
    submit: Asset::new("submit", "js", "text/javascript; charset=utf-8", include_bytes!("assets/submit.js")),
});

impl Asset {
    fn new(
        stem: &'static str,
        extension: &'static str,
        content_type: &'static str,
        bytes: &'static [u8],
    ) -> Self {
        let path = format!("/assets/{stem}-{:016x}.{extension}", fnv1a(bytes));
        Self { path, stem, extension, content_type, bytes }
    }

    fn is_version_of(&self, path: &str) -> bool {
        path.strip_prefix("/assets/")
            .and_then(|name| name.strip_prefix(self.stem))
            .and_then(|name| name.strip_prefix('-'))
            .and_then(|name| name.strip_suffix(self.extension))
            .and_then(|name| name.strip_suffix('.'))
            .is_some_and(|hash| hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
    }
}

impl Assets {
    pub fn all(&self) -> [&Asset; 3] {
        [&self.style, &self.icon, &self.submit]
    }
}

/// The file at a request's path, with its `Cache-Control`.
pub fn find(path: &str) -> Option<(&'static Asset, &'static str)> {
    let asset = ASSETS.all().into_iter().find(|asset| asset.is_version_of(path))?;
    Some((asset, if asset.path == path { IMMUTABLE } else { REVALIDATE }))
}

/// FNV-1a, 64 bits: tells one build's file from another's; it guards nothing.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_by_its_hashed_path_and_kept_for_ever() {
        for asset in ASSETS.all() {
            let (found, cache) = find(&asset.path).unwrap();
            assert_eq!((found.bytes, cache), (asset.bytes, IMMUTABLE), "{}", asset.path);
        }
    }

    #[test]
    fn an_older_path_of_a_file_is_answered_but_not_kept() {
        let (found, cache) = find("/assets/style-0123456789abcdef.css").unwrap();
        assert_eq!((found.path.as_str(), cache), (ASSETS.style.path.as_str(), REVALIDATE));
    }

    #[test]
    fn other_paths_are_no_files() {
        for path in [
            "/assets/",
            "/assets/style.css",
            "/assets/style-0123.css",
            "/assets/../style-0123456789abcdef.css",
            "/",
        ] {
            assert!(find(path).is_none(), "{path}");
        }
    }

    #[test]
    fn fnv1a_agrees_with_its_published_value() {
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }
}
