//! Rules of which there is one: who else names their parts is about to write a second.

use super::source;
use crate::rules::{PLACES, Place};
use crate::rust::Source;
use crate::tree::{File, Problem, Tree};

/// Names used outside the files that the table of places allows.
pub(crate) fn broken(tree: &Tree) -> Vec<Problem> {
    tree.rust().filter(|file| is_product(&file.path)).flat_map(file_problems).collect()
}

/// Shipped code: the crates' sources, without their test files.
fn is_product(path: &str) -> bool {
    let is_test = path.ends_with("/tests.rs")
        || path.contains("/tests/")
        || path.starts_with("crates/valetkey-testkit/");
    path.starts_with("crates/") && path.contains("/src/") && !is_test
}

fn file_problems(file: &File) -> Vec<Problem> {
    let Ok(source) = source(file, &[]) else { return Vec::new() };
    let strange = PLACES.iter().filter(|place| !place.only.iter().any(|start| file.path.starts_with(start)));
    strange.filter_map(|place| named_at(place, &source).map(|line| refused(file, place, line))).collect()
}

/// The first line outside the file's tests that names the place's thing.
fn named_at(place: &Place, source: &Source) -> Option<usize> {
    let lines: Vec<usize> = if let Some(method) = place.names.strip_prefix('.') {
        source.methods.iter().filter(|called| called.name == method).map(|called| called.line).collect()
    } else {
        let wanted: Vec<&str> = place.names.split("::").collect();
        let has = |names: &[String]| names.windows(wanted.len()).any(|run| run == wanted);
        source.paths.iter().filter(|path| has(&path.names)).map(|path| path.line).collect()
    };
    lines.into_iter().find(|line| !source.is_in_test_module(*line))
}

fn refused(file: &File, place: &Place, line: usize) -> Problem {
    let only = if place.only.is_empty() { "nobody".to_owned() } else { place.only.join(" and ") };
    Problem::new(&file.path, line, format!("names {}, which only {only} may: {}", place.names, place.why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::tree;

    #[test]
    fn every_place_is_held() {
        for place in PLACES {
            let text = match place.names.strip_prefix('.') {
                Some(method) => format!("fn f() {{ x.{method}(1) }}"),
                None => format!("use a::{}::b;", place.names),
            };
            let got = broken(&tree(&[("crates/valetkey-web/src/strange.rs", &text)]));
            assert_eq!(got.len(), 1, "{}", place.names);
            for only in place.only {
                let path = if only.contains('.') { (*only).to_owned() } else { format!("{only}/x.rs") };
                assert!(broken(&tree(&[(&path, &text)])).is_empty(), "{path}");
            }
        }
    }

    #[test]
    fn tests_and_the_testkit_may_say_anything() {
        for path in [
            "crates/valetkey/tests/a.rs",
            "crates/valetkey-testkit/src/a.rs",
            "crates/valetkey-web/src/a/tests.rs",
        ] {
            assert!(broken(&tree(&[(path, "use rusqlite::Connection;")])).is_empty(), "{path}");
        }
        let text = "#[cfg(test)]\nmod tests { use rusqlite::Connection; }";
        assert!(broken(&tree(&[("crates/valetkey-web/src/a.rs", text)])).is_empty());
    }

    #[test]
    fn a_longer_name_is_another_name() {
        assert!(
            broken(&tree(&[("crates/valetkey-web/src/a.rs", "use a::Kind::Codes; use b::HOSTS;")]))
                .is_empty()
        );
    }
}
