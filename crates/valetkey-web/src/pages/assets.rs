//! The static files of the pages: in the binary, under paths that name their content.

mod bundle;
mod packed;

pub use packed::Asset;

use packed::fnv1a;
use std::sync::LazyLock;

/// For a path that names its content: a year, never asked again.
pub const IMMUTABLE: &str = "public, max-age=31536000, immutable";
/// For an older path of the same file, as a page of another version of this server may ask for it.
pub const REVALIDATE: &str = "no-cache";

const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";

/// Every static file that any page may have.
#[derive(Debug, Clone)]
pub struct Assets {
    pub style: Asset,
    pub icon: Asset,
    pub submit: Asset,
    /// Of the page that applications frame to ask whether a session is still the same.
    pub check_session: Asset,
    pub console: Console,
}

/// The console's style and scripts, in one folder that names the content of all, so that one imports the other by its
/// plain name.
#[derive(Debug, Clone)]
pub struct Console {
    pub style: Asset,
    /// Takes an answer out of the address bar; needs nothing else, so that it can run first.
    pub take: Asset,
    /// Everything else: many modules to read, one to load.
    pub main: Asset,
}

/// The files of this build.
pub static ASSETS: LazyLock<Assets> = LazyLock::new(|| Assets {
    style: Asset::new("style", "css", CSS, include_bytes!("assets/style.css")),
    icon: Asset::new("favicon", "svg", "image/svg+xml", include_bytes!("assets/favicon.svg")),
    submit: Asset::new("submit", "js", JS, include_bytes!("assets/submit.js")),
    check_session: Asset::new("check-session", "js", JS, include_bytes!("assets/check_session.js")),
    console: Console::new(),
});

macro_rules! modules {
    ($($name:literal)*) => {
        [$(include_str!(concat!("assets/console/", $name, ".js"))),*]
    };
}

/// The console's modules, each after those that it needs.
const MODULES: [&str; 18] = modules![
    "text" "dom" "proof" "jwt" "apis" "words" "wire" "pane" "data" "ask" "came" "exchange" "look" "call" "renew" "failures"
    "setup" "main"
];

impl Console {
    fn new() -> Self {
        let style = include_bytes!("assets/console/console.css").as_slice();
        let take = include_bytes!("assets/console/take.js").as_slice();
        let main = bundle::of(&MODULES);
        let folder = format!("console-{:016x}", fnv1a([style, take, main].into_iter().flatten().copied()));
        Self {
            style: Asset::within(&folder, "console", "css", CSS, style),
            take: Asset::within(&folder, "take", "js", JS, take),
            main: Asset::within(&folder, "main", "js", JS, main),
        }
    }

    pub fn all(&self) -> [&Asset; 3] {
        [&self.style, &self.take, &self.main]
    }
}

impl Assets {
    /// Of every page but the console.
    pub fn all(&self) -> [&Asset; 4] {
        [&self.style, &self.icon, &self.submit, &self.check_session]
    }
}

/// The file at a request's path, with its `Cache-Control`.
pub fn find(path: &str) -> Option<(&'static Asset, &'static str)> {
    let mut every = ASSETS.all().into_iter().chain(ASSETS.console.all());
    let asset = every.find(|asset| asset.is_version_of(path))?;
    Some((asset, if asset.path == path { IMMUTABLE } else { REVALIDATE }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_by_its_hashed_path_and_kept_for_ever() {
        for asset in ASSETS.all().into_iter().chain(ASSETS.console.all()) {
            let (found, cache) = find(&asset.path).unwrap();
            assert_eq!((found.bytes, cache), (asset.bytes, IMMUTABLE), "{}", asset.path);
        }
    }

    #[test]
    fn an_older_path_of_a_file_is_answered_but_not_kept() {
        let (found, cache) = find("/assets/style-0123456789abcdef.css").unwrap();
        assert_eq!((found.path.as_str(), cache), (ASSETS.style.path.as_str(), REVALIDATE));
        let (found, cache) = find("/assets/console-0123456789abcdef/main.js").unwrap();
        assert_eq!((found.path.as_str(), cache), (ASSETS.console.main.path.as_str(), REVALIDATE));
    }

    #[test]
    fn other_paths_are_no_files() {
        for path in [
            "/assets/",
            "/assets/style.css",
            "/assets/style-0123.css",
            "/assets/../style-0123456789abcdef.css",
            "/assets/console-0123456789abcdef/nothing.js",
            "/assets/console-0123456789abcdef/",
            "/assets/console/main.js",
            "/assets/main-0123456789abcdef.js",
            "/",
        ] {
            assert!(find(path).is_none(), "{path}");
        }
    }
}
