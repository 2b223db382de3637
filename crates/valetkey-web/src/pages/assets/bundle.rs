//! Many small modules as one: their imports of each other left out, for what they name stands before them.
//!
//! Nothing is parsed. The house's own modules keep to what makes this right: an import on one line, no renaming, no
//! default export, names of the top level that are their own, and no text over several lines. The tests hold it.

/// The one module that stays by itself.
const APART: &str = "from './take.js'";

/// One module, kept for as long as the process lives.
pub(super) fn of(modules: &[&str]) -> &'static [u8] {
    let kept = modules.iter().flat_map(|module| module.lines()).filter_map(line);
    let text = kept.fold(String::new(), |text, line| text + line + "\n");
    Box::leak(text.into_bytes().into_boxed_slice())
}

fn line(line: &str) -> Option<&str> {
    let words = line.trim();
    let left_out = words.is_empty()
        || words.starts_with("//")
        || (words.starts_with("/**") && words.ends_with("*/"))
        || (line.starts_with("import ") && !line.ends_with(APART));
    (!left_out).then(|| if line.starts_with("export ") { &words["export ".len()..] } else { words })
}

#[cfg(test)]
mod tests {
    use super::super::{ASSETS, MODULES};
    use std::collections::HashSet;

    /// What a line of the top level declares.
    fn declared(line: &str) -> Option<&str> {
        let line = line.strip_prefix("export ").unwrap_or(line);
        let line = line.strip_prefix("async ").unwrap_or(line);
        let rest =
            ["const ", "let ", "function ", "class "].iter().find_map(|word| line.strip_prefix(word))?;
        rest.split(|c: char| !(c.is_alphanumeric() || c == '_')).next()
    }

    #[test]
    fn no_two_modules_declare_the_same_name() {
        let mut names = HashSet::new();
        for name in MODULES.iter().flat_map(|module| module.lines()).filter_map(declared) {
            assert!(names.insert(name), "{name} is declared twice: give one of them another name");
        }
    }

    #[test]
    fn a_module_comes_after_those_it_imports_and_keeps_to_what_the_bundle_understands() {
        let mut before: HashSet<&str> = HashSet::from(["came"]);
        for module in MODULES {
            for line in module.lines() {
                assert!(!line.starts_with("export default") && !line.starts_with("export {"), "{line}");
                assert!(line.matches('`').count() % 2 == 0, "a text over several lines: {line}");
                let Some(names) = line.strip_prefix("import {").and_then(|rest| rest.split('}').next())
                else {
                    assert!(!line.starts_with("import"), "{line}");
                    continue;
                };
                for name in names.split(',').map(str::trim) {
                    assert!(before.contains(name), "{name} is imported before it is there: {line}");
                }
            }
            before.extend(module.lines().filter_map(declared));
        }
    }

    #[test]
    fn the_bundle_imports_the_one_module_that_stands_apart() {
        let text = std::str::from_utf8(ASSETS.console.main.bytes).unwrap();
        let imports: Vec<_> = text.lines().filter(|line| line.starts_with("import ")).collect();
        assert_eq!(imports, ["import { came } from './take.js'"]);
        assert!(!text.contains("\nexport "));
    }
}
