//! How long a file may be.

use crate::rules::{LONG, SIZED, TOO_LONG};
use crate::tree::{File, Problem, Tree};

/// Files nobody can hold in mind.
pub(crate) fn broken(tree: &Tree) -> Vec<Problem> {
    let over = sized(tree).filter(|(_, lines)| *lines > TOO_LONG);
    over.map(|(file, lines)| {
        Problem::new(&file.path, 0, format!("has {lines} lines; {TOO_LONG} is the limit"))
    })
    .collect()
}

/// Files to think about again: a sentence each, longest first.
pub(crate) fn long(tree: &Tree) -> Vec<String> {
    let mut found: Vec<_> = sized(tree).filter(|(_, lines)| (LONG + 1..=TOO_LONG).contains(lines)).collect();
    found.sort_by_key(|(_, lines)| std::cmp::Reverse(*lines));
    found.into_iter().map(|(file, lines)| format!("{} has {lines} lines; aim at 250", file.path)).collect()
}

fn sized(tree: &Tree) -> impl Iterator<Item = (&File, usize)> {
    let files = tree.files.iter().filter(|file| SIZED.contains(&file.extension()));
    files.map(|file| (file, file.text.lines().count()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::tree;

    #[test]
    fn six_hundred_lines_pass_and_one_more_does_not() {
        let tree = tree(&[
            ("a.rs", &"\n".repeat(400)),
            ("b.html", &"\n".repeat(401)),
            ("c.css", &"\n".repeat(600)),
            ("d.rs", &"\n".repeat(601)),
            ("Cargo.lock", &"\n".repeat(9000)),
        ]);
        let refused: Vec<String> = broken(&tree).into_iter().map(|problem| problem.path).collect();
        assert_eq!(refused, ["d.rs"]);
        assert_eq!(long(&tree), ["c.css has 600 lines; aim at 250", "b.html has 401 lines; aim at 250"]);
    }
}
