//! How a file opens, and how files and tests say which part of which standard they hold.

use super::source;
use crate::rules::SPEC_ROOMS;
use crate::specs::{cited_by_header, cited_by_test, claims_spec, misquoted};
use crate::tree::{File, Problem, Tree};

/// Files without an opening line, headers nobody can read, and tests of a standard that has no file.
pub(crate) fn broken(tree: &Tree) -> Vec<Problem> {
    tree.rust().flat_map(file_problems).collect()
}

fn file_problems(file: &File) -> Vec<Problem> {
    let mut problems = Vec::new();
    let opening = file.text.lines().next().unwrap_or_default();
    match opening.strip_prefix("//! ") {
        None => {
            problems.push(Problem::new(&file.path, 1, "opens without a `//!` line that says what it holds"));
        }
        Some(header) if claims_spec(header) => {
            problems.extend(cited_by_header(header).err().map(|what| Problem::new(&file.path, 1, what)));
        }
        Some(_) => {}
    }
    let quoted = misquoted(&file.text).into_iter().filter(|(line, _)| *line > 1);
    problems.extend(quoted.map(|(line, what)| Problem::new(&file.path, line, what)));
    let Ok(source) = source(file, &[]) else { return problems };
    let has_header = opening.strip_prefix("//! ").is_some_and(claims_spec);
    for test in source.tests {
        match cited_by_test(&test.name) {
            Some(Err(what)) => {
                problems.push(Problem::new(&file.path, test.line, format!("{}: {what}", test.name)));
            }
            Some(Ok(_)) if is_spec_room(file) && !has_header => {
                let what =
                    format!("{} tests a standard; open the file with `//! RFC NNNN §x — title`", test.name);
                problems.push(Problem::new(&file.path, test.line, what));
            }
            _ => {}
        }
    }
    problems
}

/// Whether the file stands in a folder of core whose files each hold a part of a standard.
fn is_spec_room(file: &File) -> bool {
    let module = file.module_in("valetkey-core").unwrap_or_default();
    module.len() > 1 && SPEC_ROOMS.contains(&module[0].as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::tree;

    fn problems(path: &str, text: &str) -> Vec<String> {
        broken(&tree(&[(path, text)])).into_iter().map(|problem| problem.what).collect()
    }

    #[test]
    fn every_file_opens_with_a_line_that_says_what_it_holds() {
        assert!(problems("a.rs", "//! Words.\n").is_empty());
        for text in ["", "use x;", "\n//! Words.", "// Words.", "//!"] {
            assert_eq!(problems("a.rs", text).len(), 1, "{text:?}");
        }
    }

    #[test]
    fn a_spec_header_is_well_formed() {
        assert!(
            problems("a.rs", "//! RFC 6749 §6 — the `refresh_token` grant; reuse per RFC 9700 §4.14.2\n")
                .is_empty()
        );
        for header in ["RFC 6749 §6", "RFC 6749 §6 - refresh", "RFC 6749 § — refresh", "RFC 6749 §6 — "]
        {
            assert_eq!(problems("a.rs", &format!("//! {header}\n")).len(), 1, "{header}");
        }
    }

    #[test]
    fn a_comment_cites_what_exists() {
        assert!(problems("a.rs", "//! Words.\nf(); // RFC 6749 §4.1.2: why\n").is_empty());
        for comment in ["RFC 1149 §1", "RFC 6749 §x"] {
            let text = format!("//! Words.\n// {comment}\n");
            let lines: Vec<usize> =
                broken(&tree(&[("a.rs", &text)])).iter().map(|problem| problem.line).collect();
            assert_eq!(lines, [2], "{comment}");
        }
    }

    #[test]
    fn a_test_of_a_standard_stands_in_a_file_of_that_standard() {
        let test = "#[test] fn rfc6749_6_scope_may_shrink() {}";
        let path = "crates/valetkey-core/src/grant/refresh_token.rs";
        assert_eq!(problems(path, &format!("//! Refreshing.\n{test}")).len(), 1);
        assert!(problems(path, &format!("//! RFC 6749 §6 — refreshing\n{test}")).is_empty());
        assert!(problems("crates/valetkey/tests/refresh.rs", &format!("//! Refreshing.\n{test}")).is_empty());
    }

    #[test]
    fn a_test_named_for_a_standard_names_the_section() {
        let got = problems("a.rs", "//! Words.\n#[test] fn rfc7009_unknown_token_is_fine() {}");
        assert!(got.len() == 1 && got[0].contains("rfcNNNN_section_what"), "{got:?}");
    }
}
