//! Which module of core may name which, and what core may not name at all.

use super::source;
use crate::rules::{CORE, CORE_NEVER, Floor, SHARED};
use crate::rust::Mention;
use crate::tree::{File, Problem, Tree};

/// Paths in core that go upward or sideways, and paths out of it that a port should stand for.
pub(crate) fn broken(tree: &Tree) -> Vec<Problem> {
    let files = tree.rust().filter_map(|file| file.module_in("valetkey-core").map(|module| (file, module)));
    files.flat_map(|(file, module)| file_problems(file, &module)).collect()
}

fn file_problems(file: &File, module: &[String]) -> Vec<Problem> {
    let source = match source(file, module) {
        Ok(source) => source,
        Err(problem) => return vec![problem],
    };
    let mut problems = Vec::new();
    if let Some(own) = module.first() {
        match floor_of(own) {
            None => problems.push(Problem::new(&file.path, 0, unplaced(own))),
            Some(floor) => problems.extend(source.paths.iter().filter_map(|path| {
                refusal(own, floor, path).map(|what| Problem::new(&file.path, path.line, what))
            })),
        }
    }
    problems.extend(source.paths.iter().filter_map(|path| {
        let reason = never(&path.text())?;
        Some(Problem::new(&file.path, path.line, format!("core may not name {}: {reason}", path.text())))
    }));
    problems
}

fn unplaced(module: &str) -> String {
    format!("module `{module}` has no floor in xtask/src/rules.rs")
}

/// The floor on which a module stands, and how high it is.
fn floor_of(module: &str) -> Option<(usize, &'static Floor)> {
    CORE.iter().enumerate().find(|(_, floor)| floor.modules.contains(&module))
}

fn refusal(own: &str, (height, floor): (usize, &Floor), path: &Mention) -> Option<String> {
    let text = path.text();
    let other = path.names.get(1).filter(|_| path.names[0] == "crate")?;
    if other == own || is_shared(&text) {
        return None;
    }
    let Some((other_height, other_floor)) = floor_of(other) else { return Some(unplaced(other)) };
    if other_height > height {
        return Some(format!("`{own}` ({}) may not name {text} ({})", floor.name, other_floor.name));
    }
    (other_height == height && floor.apart)
        .then(|| format!("`{own}` may not name {text}: {} stand apart", floor.name))
}

fn is_shared(path: &str) -> bool {
    SHARED.iter().any(|shared| is_within(path, shared))
}

fn never(path: &str) -> Option<&'static str> {
    CORE_NEVER.iter().find(|(refused, _)| is_within(path, refused)).map(|(_, reason)| *reason)
}

/// Whether `path` is `outer` or something inside it.
fn is_within(path: &str, outer: &str) -> bool {
    path.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::tree;

    fn problems(path: &str, text: &str) -> Vec<String> {
        let path = format!("crates/valetkey-core/src/{path}");
        broken(&tree(&[(&path, text)])).into_iter().map(|problem| problem.what).collect()
    }

    #[test]
    fn imports_point_downward() {
        for (path, text, fine) in [
            ("scope.rs", "use crate::error::Denial;", true),
            ("scope.rs", "use crate::client::Client;", false),
            ("client/redirect_uri.rs", "use crate::{ids::ClientId, store::Clients};", true),
            ("client/redirect_uri.rs", "use crate::{ids::ClientId, grant::dispatch};", false),
            ("client.rs", "use super::manage;\nfn f() { manage::x() } use super::manage::x;", false),
            ("grant/refresh_token.rs", "use crate::token::issue; use super::GrantType;", true),
            ("grant/refresh_token.rs", "fn f() { super::super::authorize::begin() }", false),
            ("authorize.rs", "use crate::interaction::next_step;", true),
        ] {
            assert_eq!(problems(path, text).is_empty(), fine, "{path}: {text}");
        }
    }

    #[test]
    fn flows_never_import_each_other() {
        let flows = CORE.iter().find(|floor| floor.apart).unwrap().modules;
        for own in flows {
            for other in flows.iter().filter(|other| *other != own) {
                let got = problems(&format!("{own}/x.rs"), &format!("use crate::{other}::y;"));
                assert_eq!(got.len(), 1, "{own} → {other}");
            }
        }
    }

    #[test]
    fn the_enum_of_grants_is_everybodys() {
        assert!(problems("endpoint/discovery.rs", "use crate::grant::GrantType;").is_empty());
        assert!(!problems("endpoint/discovery.rs", "use crate::grant::GrantTypes;").is_empty());
    }

    #[test]
    fn a_module_without_a_floor_is_refused_where_it_stands_and_where_it_is_named() {
        assert_eq!(problems("extra.rs", "").len(), 1);
        assert_eq!(problems("grant.rs", "use crate::extra::X;").len(), 1);
    }

    #[test]
    fn core_takes_no_clock_entropy_or_environment() {
        for (path, _) in CORE_NEVER {
            assert_eq!(problems("seal.rs", &format!("use {path}::x;")).len(), 1, "{path}");
        }
        assert!(problems("seal.rs", "use std::time::Duration; use std::environment::x;").is_empty());
    }

    #[test]
    fn what_is_not_rust_is_reported() {
        assert_eq!(problems("seal.rs", "fn f( {"), ["is not Rust from here on"]);
    }
}
