//! The guide to the configuration names every key that the binary reads.

use crate::tree::{Problem, Tree};

const KEYS: &str = "crates/valetkey/src/config/keys.rs";
const GUIDE: &str = "docs/guides/configuration.md";

/// Keys that the guide leaves out.
pub(crate) fn broken(tree: &Tree) -> Vec<Problem> {
    let (Some(keys), Some(guide)) = (tree.file(KEYS), tree.file(GUIDE)) else {
        return vec![Problem::new(
            GUIDE,
            0,
            format!("cannot be held against {KEYS}: one of them is missing"),
        )];
    };
    let fields = keys.text.lines().enumerate().filter_map(|(index, line)| Some((index + 1, field(line)?)));
    let unnamed = fields.filter(|(_, name)| !names(&guide.text, name));
    unnamed.map(|(line, name)| Problem::new(KEYS, line, format!("`{name}` is not in {GUIDE}"))).collect()
}

/// The name in `    pub(crate) name: Type,`.
fn field(line: &str) -> Option<&str> {
    let (name, _) = line.strip_prefix("    pub(crate) ")?.split_once(':')?;
    name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_').then_some(name)
}

/// A key stands in backticks, a section as `[section]` or at the end of `[outer.section]`.
fn names(guide: &str, name: &str) -> bool {
    ["`", "[", "."]
        .iter()
        .any(|before| ["`", "]", "."].iter().any(|after| guide.contains(&format!("{before}{name}{after}"))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::tree;

    #[test]
    fn a_key_that_the_guide_leaves_out_is_found() {
        let keys = "struct Http {\n    pub(crate) listen: Many<A>,\n    pub(crate) limits: Limits,\n    pub(crate) fn x() {}\n}";
        for (guide, lost) in [
            ("`listen` [http.limits]", vec![]),
            ("listen [limits]", vec!["`listen` is not in docs/guides/configuration.md"]),
        ] {
            let problems = broken(&tree(&[(KEYS, keys), (GUIDE, guide)]));
            assert_eq!(
                problems.iter().map(|problem| problem.what.as_str()).collect::<Vec<_>>(),
                lost,
                "{guide}"
            );
        }
    }

    #[test]
    fn a_missing_guide_is_a_problem() {
        assert_eq!(broken(&tree(&[(KEYS, "")])).len(), 1);
    }
}
