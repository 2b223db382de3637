//! Words that mean "not finished" or "not looked at".

use super::source;
use crate::tree::{File, Problem, Tree};

/// Words that a comment may not hold; spelt in halves so that this file passes its own rule.
const UNFINISHED: &[&str] =
    &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X"), concat!("HA", "CK")];

const UNFINISHED_MACROS: &[&str] = &["todo", "unimplemented", "dbg"];

/// `#[allow]`, macros for what is missing, and notes to oneself.
pub(crate) fn broken(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for file in tree.rust() {
        match source(file, &[]) {
            Err(problem) => problems.push(problem),
            Ok(source) => {
                let allows = source.attributes.iter().filter(|attribute| attribute.name == "allow");
                problems.extend(allows.map(|attribute| {
                    let what = "say #[expect(lint, reason = \"…\")], not allow";
                    Problem::new(&file.path, attribute.line, what)
                }));
                let macros =
                    source.macros.iter().filter(|called| UNFINISHED_MACROS.contains(&called.name.as_str()));
                problems.extend(macros.map(|called| {
                    Problem::new(&file.path, called.line, format!("{}! is for unfinished work", called.name))
                }));
            }
        }
    }
    let written = tree.files.iter().filter(|file| !matches!(file.extension(), "lock" | "md"));
    problems.extend(written.flat_map(notes));
    problems
}

fn notes(file: &File) -> Vec<Problem> {
    let lines = file.text.lines().enumerate();
    lines
        .filter_map(|(index, line)| {
            let word = UNFINISHED.iter().find(|word| holds_word(line, word))?;
            Some(Problem::new(&file.path, index + 1, format!("holds {word}; open an issue instead")))
        })
        .collect()
}

/// Whether the word stands alone in the line, in capitals.
fn holds_word(line: &str, word: &str) -> bool {
    let is_letter = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    line.match_indices(word)
        .any(|(at, _)| !line[..at].ends_with(is_letter) && !line[at + word.len()..].starts_with(is_letter))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::tree;

    fn problems(path: &str, text: &str) -> Vec<String> {
        broken(&tree(&[(path, text)])).into_iter().map(|problem| problem.what).collect()
    }

    #[test]
    fn allow_is_refused_and_expect_is_not() {
        assert_eq!(problems("a.rs", "#[allow(dead_code)] fn f() {}").len(), 1);
        assert_eq!(problems("a.rs", "#![allow(dead_code)]").len(), 1);
        assert!(problems("a.rs", "#[expect(dead_code, reason = \"x\")] fn allow() {}").is_empty());
    }

    #[test]
    fn macros_for_unfinished_work_are_refused() {
        for name in UNFINISHED_MACROS {
            assert_eq!(problems("a.rs", &format!("fn f() {{ {name}!() }}")).len(), 1, "{name}");
        }
        assert!(problems("a.rs", "fn f() { println!() }").is_empty());
    }

    #[test]
    fn notes_to_oneself_are_refused_in_every_language() {
        for word in UNFINISHED {
            for path in ["a.rs", "a.html", "a.css", "a.py", "scripts/test"] {
                assert_eq!(problems(path, &format!("// {word}: later")).len(), 1, "{path} {word}");
            }
            assert!(problems("a.css", &format!("{word}LIST vk-{word}-y")).is_empty());
        }
    }
}
