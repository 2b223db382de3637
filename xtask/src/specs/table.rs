//! Draws the table: standard → section → where it is → what tests it.

use super::citation::{Citation, cited_by_test, cited_in};
use super::titles::STANDARDS;
use crate::rust;
use crate::tree::{File, Tree};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

#[derive(Default)]
struct Row {
    files: BTreeSet<String>,
    tests: BTreeSet<String>,
}

/// Sections sort by number, appendices behind them.
type Order = Vec<(bool, u32)>;
type Rows = BTreeMap<(usize, Order, String), Row>;

/// The whole of docs/specs.md.
pub(crate) fn draw(tree: &Tree) -> String {
    let mut rows = Rows::new();
    for file in tree.rust().filter(|file| file.path.starts_with("crates/")) {
        if file.path.contains("/src/") {
            for citation in comments(&file.text).flat_map(cited_in).flatten() {
                row(&mut rows, &citation).files.insert(file.path.clone());
            }
        }
        for (citation, name) in tests(file) {
            row(&mut rows, &citation).tests.insert(name);
        }
    }
    written(&rows)
}

fn row<'a>(rows: &'a mut Rows, citation: &Citation) -> &'a mut Row {
    let index = STANDARDS.iter().position(|standard| standard == citation.standard).unwrap_or_default();
    rows.entry((index, order(&citation.section), citation.section.clone())).or_default()
}

fn order(section: &str) -> Order {
    let part = |part: &str| match part.parse() {
        Ok(number) => (false, number),
        Err(_) => (true, part.chars().next().map_or(0, u32::from)),
    };
    section.split('.').filter(|part| !part.is_empty()).map(part).collect()
}

/// Citations in comments that cannot be read: the line, and what is wrong with it.
pub(crate) fn misquoted(text: &str) -> Vec<(usize, String)> {
    let lines = text
        .lines()
        .enumerate()
        .flat_map(|(index, line)| comments(line).map(move |comment| (index + 1, comment)));
    lines
        .flat_map(|(line, comment)| {
            cited_in(comment).into_iter().filter_map(move |cited| Some((line, cited.err()?)))
        })
        .collect()
}

/// What follows `//` in each line that has a comment.
fn comments(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let at = line
            .match_indices("//")
            .find(|(at, _)| line[..*at].chars().next_back().is_none_or(char::is_whitespace))?
            .0;
        Some(line[at..].trim_start_matches('/').trim_start_matches('!'))
    })
}

fn tests(file: &File) -> Vec<(Citation, String)> {
    let found = rust::read(&file.text, &[]).map(|source| source.tests).unwrap_or_default();
    found.into_iter().filter_map(|test| Some((cited_by_test(&test.name)?.ok()?, test.name))).collect()
}

fn written(rows: &Rows) -> String {
    let mut page = String::from(
        "# Standards\n\n\
         Written by `cargo xtask specs` from the headers and comments (`RFC NNNN §x`) and from the names of the tests\n\
         (`rfcNNNN_section_what`); `./scripts/test` fails if it is stale. Do not edit it.\n",
    );
    for (index, standard) in STANDARDS.iter().enumerate() {
        let own: Vec<_> = rows.iter().filter(|((of, ..), _)| *of == index).collect();
        if own.is_empty() {
            continue;
        }
        let _ = write!(page, "\n## {} — {}\n\n", standard.cited, standard.title);
        page.push_str("| section | where | tests |\n| --- | --- | --- |\n");
        for ((_, _, section), row) in own {
            let shown = if section.is_empty() { "all".to_owned() } else { format!("§{section}") };
            let files: Vec<String> =
                row.files.iter().map(|path| format!("[{}](../{path})", short(path))).collect();
            let tests: Vec<String> = row.tests.iter().map(|name| format!("`{name}`")).collect();
            let address = standard.address(section);
            let _ =
                writeln!(page, "| [{shown}]({address}) | {} | {} |", files.join("<br>"), tests.join("<br>"));
        }
    }
    page
}

/// `crates/valetkey-core/src/grant.rs` → `core/grant.rs`.
fn short(path: &str) -> String {
    let inside = path.strip_prefix("crates/").unwrap_or(path);
    inside.strip_prefix("valetkey-").unwrap_or(inside).replacen("/src/", "/", 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::tree;

    #[test]
    fn the_table_joins_headers_comments_and_tests() {
        let drawn = draw(&tree(&[
            (
                "crates/valetkey-core/src/grant/refresh_token.rs",
                "//! RFC 6749 §6 — refreshing\nfn f() {} // RFC 9700 §4.14.2: reuse\nconst X: &str = \"RFC 6750 §1\";",
            ),
            (
                "crates/valetkey/tests/refresh.rs",
                "// RFC 6750 §2\n#[test] fn rfc6749_6_scope_may_shrink() {}",
            ),
            ("crates/valetkey/tests/code.rs", "#[tokio::test] async fn rfc6749_10_12_state_comes_back() {}"),
            ("xtask/src/main.rs", "// RFC 6750 §3\n"),
        ]));
        let rows: Vec<&str> =
            drawn.lines().filter(|line| line.starts_with("| [") || line.starts_with('#')).collect();
        assert_eq!(
            rows,
            [
                "# Standards",
                "## RFC 6749 — The OAuth 2.0 Authorization Framework",
                "| [§6](https://www.rfc-editor.org/rfc/rfc6749#section-6) | \
                 [core/grant/refresh_token.rs](../crates/valetkey-core/src/grant/refresh_token.rs) | \
                 `rfc6749_6_scope_may_shrink` |",
                "| [§10.12](https://www.rfc-editor.org/rfc/rfc6749#section-10.12) |  | \
                 `rfc6749_10_12_state_comes_back` |",
                "## RFC 9700 — Best Current Practice for OAuth 2.0 Security",
                "| [§4.14.2](https://www.rfc-editor.org/rfc/rfc9700#section-4.14.2) | \
                 [core/grant/refresh_token.rs](../crates/valetkey-core/src/grant/refresh_token.rs) |  |",
            ]
        );
    }

    #[test]
    fn sections_sort_by_number_and_appendices_last() {
        let mut sections = ["B", "10", "4.1", "", "4", "4.1.2", "2"];
        sections.sort_by_key(|section| order(section));
        assert_eq!(sections, ["", "2", "4", "4.1", "4.1.2", "10", "B"]);
    }

    #[test]
    fn an_address_in_code_is_not_a_comment() {
        let found: Vec<&str> = comments("let x = \"https://a\"; // b\n//! c\ncode();").collect();
        assert_eq!(found, [" b", " c"]);
    }
}
