//! `cargo xtask check`: every rule of the house that a program can hold.

mod crates;
mod dependencies;
mod guide;
mod headers;
mod links;
mod modules;
mod places;
mod sizes;
mod words;

use crate::only_flag;
use crate::rust::{self, Source};
use crate::tree::{File, Problem, Tree};
use anyhow::Result;
use std::path::Path;

/// A rule: its name, and what it finds wrong in a tree.
struct Rule {
    name: &'static str,
    broken: fn(&Tree) -> Vec<Problem>,
}

const RULES: &[Rule] = &[
    Rule { name: "crate imports", broken: crates::broken },
    Rule { name: "core imports", broken: modules::broken },
    Rule { name: "file sizes", broken: sizes::broken },
    Rule { name: "opening lines and spec headers", broken: headers::broken },
    Rule { name: "one of each", broken: places::broken },
    Rule { name: "links in documents", broken: links::broken },
    Rule { name: "configuration guide", broken: guide::broken },
    Rule { name: "refused words", broken: words::broken },
];

/// Checks the tree at `root`, prints what is wrong, and says whether nothing was.
pub(crate) fn run(root: &Path, arguments: &[String]) -> Result<bool> {
    let quiet = only_flag(arguments, "--quiet")?;
    let tree = Tree::read(root)?;
    let mut found = 0;
    for rule in RULES {
        found += report(rule.name, &(rule.broken)(&tree));
    }
    found += report("dependencies", &dependencies::broken(root, &tree)?);
    if !quiet {
        for note in sizes::long(&tree) {
            println!("note: {note}");
        }
    }
    println!("xtask check: {} files, {} rules, {found} problems", tree.files.len(), RULES.len() + 1);
    Ok(found == 0)
}

fn report(rule: &str, problems: &[Problem]) -> usize {
    for problem in problems {
        eprintln!("{problem} [{rule}]");
    }
    problems.len()
}

/// Reads a Rust file, or says where it stops being Rust.
fn source(file: &File, module: &[String]) -> Result<Source, Problem> {
    rust::read(&file.text, module).map_err(|line| Problem::new(&file.path, line, "is not Rust from here on"))
}
