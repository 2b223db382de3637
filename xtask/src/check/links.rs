//! Documents name files that exist: their links, and in docs/architecture.md every path in backticks.

use crate::tree::{File, Problem, Tree};

/// How docs/architecture.md abbreviates the crates.
const SHORT: &[(&str, &str)] = &[
    ("core/", "crates/valetkey-core/src/"),
    ("store/", "crates/valetkey-store/src/"),
    ("web/", "crates/valetkey-web/src/"),
    ("crates/", "crates/"),
    ("xtask/", "xtask/"),
];

/// Links and paths that lead nowhere.
pub(crate) fn broken(tree: &Tree) -> Vec<Problem> {
    let documents = tree.files.iter().filter(|file| file.extension() == "md");
    documents.flat_map(|file| document_problems(tree, file)).collect()
}

fn document_problems(tree: &Tree, file: &File) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        let mut targets: Vec<String> = links(line).filter_map(|link| resolve(&file.path, link)).collect();
        if file.path == "docs/architecture.md" {
            targets.extend(quoted(line).filter_map(full_path));
        }
        let lost = targets.into_iter().filter(|target| !tree.has(target));
        problems.extend(
            lost.map(|target| Problem::new(&file.path, index + 1, format!("{target} does not exist"))),
        );
    }
    problems
}

/// The targets of `[words](target)` and `src="target"`.
fn links(line: &str) -> impl Iterator<Item = &str> {
    let after = |mark: &'static str, end: char| {
        line.match_indices(mark).filter_map(move |(at, _)| line[at + mark.len()..].split(end).next())
    };
    after("](", ')').chain(after("src=\"", '"')).chain(after("srcset=\"", '"'))
}

/// The path from the root of a link in a document; `None` for what is not a file of ours.
fn resolve(document: &str, link: &str) -> Option<String> {
    let path = link.split('#').next().unwrap_or_default();
    if path.is_empty() || path.contains("://") || path.starts_with("mailto:") {
        return None;
    }
    let mut parts: Vec<&str> = document.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            ".." => {
                parts.pop();
            }
            "." | "" => {}
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// `core/grant.rs` → `crates/valetkey-core/src/grant.rs`; `x.rs` stands for a file yet to be written.
fn full_path(short: &str) -> Option<String> {
    let (stem, ending) = short.rsplit_once('.').unwrap_or((short, ""));
    let is_path = matches!(ending, "rs" | "html") || short.ends_with('/');
    if !is_path || stem.ends_with("/x") || short.contains('…') {
        return None;
    }
    SHORT.iter().find_map(|(from, to)| Some(format!("{to}{}", short.strip_prefix(from)?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::tree;

    fn lost(path: &str, text: &str) -> Vec<String> {
        let files = [
            (path, text),
            ("docs/adr/0001-a.md", ""),
            ("crates/valetkey-core/src/grant.rs", ""),
            ("README.md", ""),
        ];
        broken(&tree(&files)).into_iter().map(|problem| problem.what).collect()
    }

    #[test]
    fn links_lead_somewhere() {
        for fine in
            ["[a](adr/0001-a.md)", "[a](../README.md#top)", "[a](https://x/y.md)", "[a](#here)", "[a](adr)"]
        {
            assert!(lost("docs/a.md", fine).is_empty(), "{fine}");
        }
        assert_eq!(lost("docs/a.md", "x [a](adr/0002-b.md)"), ["docs/adr/0002-b.md does not exist"]);
        assert_eq!(lost("a.md", "<img src=\"docs/images/a.png\">"), ["docs/images/a.png does not exist"]);
    }

    #[test]
    fn the_architecture_names_files_that_exist() {
        let page = "docs/architecture.md";
        assert!(
            lost(page, "`core/grant.rs` `core/grant/x.rs` `grant.rs` `GET /x` `core/store/…`").is_empty()
        );
        assert_eq!(lost(page, "`core/grants.rs` `f`"), ["crates/valetkey-core/src/grants.rs does not exist"]);
        assert!(lost("docs/a.md", "`core/grants.rs`").is_empty());
    }
}
