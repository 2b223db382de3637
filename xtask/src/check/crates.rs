//! Which crate may use which: read from the manifests, where the compiler enforces it.

use super::source;
use crate::rules::{CRATES, Crate, WIRE};
use crate::tree::{File, Problem, Tree};
use toml::{Table, Value};

/// Dependencies that the rules do not allow, and files that know too many crates.
pub(crate) fn broken(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for file in tree.files.iter().filter(|file| file.path.ends_with("/Cargo.toml")) {
        match file.text.parse::<Table>() {
            Ok(manifest) => problems.extend(manifest_problems(file, &manifest)),
            Err(error) => problems.push(Problem::new(&file.path, 0, error.message())),
        }
    }
    problems.extend(tree.rust().filter_map(names_both));
    problems
}

/// A manifest without a package only gathers others.
fn manifest_problems(file: &File, manifest: &Table) -> Vec<Problem> {
    let Some(package) = manifest.get("package") else { return Vec::new() };
    let name = package.get("name").and_then(Value::as_str);
    let Some(rule) = CRATES.iter().find(|rule| Some(rule.name) == name) else {
        return vec![Problem::new(&file.path, 0, "is a crate without a row in xtask/src/rules.rs")];
    };
    let mut problems = Vec::new();
    for (table, in_tests) in tables(manifest) {
        for dependency in table.keys() {
            if let Some(what) = refusal(rule, dependency, in_tests) {
                problems.push(Problem::new(&file.path, line_of(&file.text, dependency), what));
            }
        }
    }
    problems
}

/// Every dependency table of a manifest, those for one platform included; `true` for what only tests see.
fn tables(manifest: &Table) -> Vec<(&Table, bool)> {
    const KINDS: [(&str, bool); 3] =
        [("dependencies", false), ("build-dependencies", false), ("dev-dependencies", true)];
    let platforms = manifest.get("target").and_then(Value::as_table);
    let parts = platforms.into_iter().flat_map(Table::values).filter_map(Value::as_table);
    parts
        .chain([manifest])
        .flat_map(|part| KINDS.map(|(kind, in_tests)| (part.get(kind).and_then(Value::as_table), in_tests)))
        .filter_map(|(table, in_tests)| table.map(|table| (table, in_tests)))
        .collect()
}

fn refusal(rule: &Crate, dependency: &str, in_tests: bool) -> Option<String> {
    let ours = CRATES.iter().any(|krate| krate.name == dependency);
    let allowed = rule.may.contains(&dependency) || (in_tests && rule.tests_may.contains(&dependency));
    if ours && !allowed {
        let means = if in_tests { " even in its tests" } else { "" };
        return Some(format!("{} may not depend on {dependency}{means}", rule.name));
    }
    (!in_tests && rule.never.contains(&dependency))
        .then(|| format!("{} promises to live without {dependency}", rule.name))
}

fn line_of(text: &str, dependency: &str) -> usize {
    let starts =
        |line: &str| line.strip_prefix(dependency).is_some_and(|rest| rest.starts_with(['.', ' ', '=']));
    text.lines().position(starts).map_or(0, |index| index + 1)
}

/// Only the wiring knows both how requests arrive and where things are stored.
fn names_both(file: &File) -> Option<Problem> {
    file.module_in("valetkey")?;
    if file.path == WIRE {
        return None;
    }
    let paths = source(file, &[]).ok()?.paths;
    let first = |krate: &str| paths.iter().find(|path| path.names[0] == krate).map(|path| path.line);
    let line = first("valetkey_web").and(first("valetkey_store"))?;
    Some(Problem::new(
        &file.path,
        line,
        format!("names both valetkey_web and valetkey_store; only {WIRE} may"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::tree;

    fn manifest(name: &str, rest: &str) -> Vec<String> {
        let text = format!("[package]\nname = \"{name}\"\n{rest}");
        broken(&tree(&[("crates/x/Cargo.toml", &text)])).into_iter().map(|problem| problem.what).collect()
    }

    #[test]
    fn dependencies_point_downward_only() {
        for (name, rest, want) in [
            ("valetkey-web", "[dependencies]\nvaletkey-core.workspace = true", None),
            (
                "valetkey-web",
                "[dependencies]\nvaletkey-store.workspace = true",
                Some("may not depend on valetkey-store"),
            ),
            (
                "valetkey-core",
                "[dependencies]\nvaletkey-web = { path = \"\" }",
                Some("may not depend on valetkey-web"),
            ),
            (
                "valetkey",
                "[dependencies]\nvaletkey-testkit = \"1\"",
                Some("may not depend on valetkey-testkit"),
            ),
            ("valetkey", "[dev-dependencies]\nvaletkey-testkit = \"1\"", None),
            (
                "valetkey-guard",
                "[dependencies]\nvaletkey-core.workspace = true",
                Some("may not depend on valetkey-core"),
            ),
            (
                "valetkey-guard",
                "[dev-dependencies]\nvaletkey-testkit.workspace = true",
                Some("even in its tests"),
            ),
            ("xtask", "[dev-dependencies]\nvaletkey-core = \"1\"", Some("even in its tests")),
            (
                "valetkey-store",
                "[target.'cfg(unix)'.dependencies]\nvaletkey-web = \"1\"",
                Some("may not depend"),
            ),
        ] {
            let got = manifest(name, rest);
            match want {
                None => assert!(got.is_empty(), "{name}: {got:?}"),
                Some(want) => assert!(got.len() == 1 && got[0].contains(want), "{name}: {got:?}"),
            }
        }
    }

    #[test]
    fn core_lives_without_a_runtime_but_its_tests_need_not() {
        assert_eq!(manifest("valetkey-core", "[dependencies]\ntokio = \"1\"").len(), 1);
        assert!(manifest("valetkey-core", "[dev-dependencies]\ntokio = \"1\"").is_empty());
    }

    #[test]
    fn a_crate_without_a_row_is_refused() {
        assert_eq!(manifest("valetkey-extra", ""), ["is a crate without a row in xtask/src/rules.rs"]);
    }

    #[test]
    fn a_problem_names_its_line() {
        let text = "[package]\nname = \"xtask\"\n[dependencies]\ntokio-util = \"1\"\ntokio = \"1\"";
        assert_eq!(broken(&tree(&[("xtask/Cargo.toml", text)]))[0].line, 5);
    }

    #[test]
    fn only_the_wiring_knows_web_and_store() {
        let text = "use valetkey_store::Store;\nuse valetkey_web::Router;";
        assert_eq!(broken(&tree(&[("crates/valetkey/src/cli/serve.rs", text)])).len(), 1);
        assert!(broken(&tree(&[(WIRE, text)])).is_empty());
        assert!(broken(&tree(&[("crates/valetkey/tests/all.rs", text)])).is_empty());
    }
}
