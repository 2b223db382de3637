//! The repository as the chores see it: text files by path, and what is wrong with them.

use anyhow::{Context as _, Result};
use std::fmt;
use std::fs;
use std::path::Path;

/// Directories that hold no source of ours.
const SKIPPED: &[&str] =
    &["target", ".git", "node_modules", ".venv", "venv", "__pycache__", "valetkey-dev", "valetkey-data"];

/// The endings of files worth reading; files without an ending are read in `scripts`, `tests` and `.ci`.
const READ: &[&str] = &["rs", "toml", "lock", "html", "js", "mjs", "css", "py", "sh", "md", "sql"];

/// A text file. The path is relative to the root, with `/` between its parts.
#[derive(Debug, Clone)]
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    pub(crate) fn extension(&self) -> &str {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        name.rsplit_once('.').map_or("", |(_, extension)| extension)
    }

    /// The module path of a file of the given crate: `["grant", "refresh_token"]`; `None` for other files.
    pub(crate) fn module_in(&self, krate: &str) -> Option<Vec<String>> {
        let inside = self.path.strip_prefix("crates/")?.strip_prefix(krate)?.strip_prefix("/src/")?;
        let mut module: Vec<String> = inside.strip_suffix(".rs")?.split('/').map(str::to_owned).collect();
        if matches!(module.last().map(String::as_str), Some("lib" | "main" | "mod")) {
            module.pop();
        }
        Some(module)
    }
}

/// All files read, sorted by path, and the paths of the others.
#[derive(Debug, Default, Clone)]
pub(crate) struct Tree {
    pub(crate) files: Vec<File>,
    pub(crate) unread: Vec<String>,
}

impl Tree {
    /// Reads the working tree below `root`.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let mut tree = Self::default();
        tree.descend(root, "")?;
        tree.files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(tree)
    }

    pub(crate) fn rust(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.extension() == "rs")
    }

    pub(crate) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// Whether a file or directory stands at `path`.
    pub(crate) fn has(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        let is_at =
            |own: &str| own.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        self.files.iter().any(|file| is_at(&file.path)) || self.unread.iter().any(|own| is_at(own))
    }

    fn descend(&mut self, dir: &Path, prefix: &str) -> Result<()> {
        let entries = fs::read_dir(dir).with_context(|| format!("reading {}", dir.display()))?;
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = format!("{prefix}{name}");
            let kind = entry.file_type()?;
            if kind.is_dir() && !SKIPPED.contains(&name.as_str()) {
                self.descend(&entry.path(), &format!("{path}/"))?;
            } else if kind.is_file() && is_read(&path) {
                let text = fs::read_to_string(entry.path()).with_context(|| format!("reading {path}"))?;
                self.files.push(File { path, text });
            } else if kind.is_file() {
                self.unread.push(path);
            }
        }
        Ok(())
    }
}

fn is_read(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    match name.rsplit_once('.') {
        Some((_, extension)) => READ.contains(&extension),
        None => ["scripts/", "tests/", ".ci/"].iter().any(|dir| path.starts_with(dir)),
    }
}

/// Something a rule refuses. Line 0 means the whole file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) path: String,
    pub(crate) line: usize,
    pub(crate) what: String,
}

impl Problem {
    pub(crate) fn new(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, what: what.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.what),
            line => write!(f, "{}:{line}: {}", self.path, self.what),
        }
    }
}

/// A tree for tests: pairs of path and text.
#[cfg(test)]
pub(crate) fn tree(files: &[(&str, &str)]) -> Tree {
    let files = files.iter().map(|(path, text)| File { path: (*path).to_owned(), text: (*text).to_owned() });
    Tree { files: files.collect(), unread: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_knows_its_module() {
        for (path, want) in [
            ("crates/valetkey-core/src/grant/refresh_token.rs", Some(vec!["grant", "refresh_token"])),
            ("crates/valetkey-core/src/grant.rs", Some(vec!["grant"])),
            ("crates/valetkey-core/src/lib.rs", Some(vec![])),
            ("crates/valetkey-core/tests/a.rs", None),
            ("crates/valetkey-core-more/src/a.rs", None),
        ] {
            let got = tree(&[(path, "")]).files[0].module_in("valetkey-core");
            assert_eq!(got, want.map(|parts| parts.into_iter().map(str::to_owned).collect()), "{path}");
        }
    }

    #[test]
    fn a_tree_has_its_files_and_the_directories_above_them() {
        let mut tree = tree(&[("a/b/c.rs", "")]);
        tree.unread.push("docs/images/login.png".to_owned());
        for path in ["a/b/c.rs", "a/b", "a/b/", "docs/images/login.png", "docs"] {
            assert!(tree.has(path), "{path}");
        }
        assert!(!tree.has("a/b/c") && !tree.has("b"));
    }

    #[test]
    fn scripts_without_an_ending_are_read_and_pictures_are_not() {
        assert!(is_read("scripts/test") && is_read("a/b.rs"));
        assert!(!is_read("docs/images/login.png") && !is_read("LICENSE-MIT"));
    }
}
