//! `cargo xtask specs`: draws docs/specs.md, which says where each part of each standard lives and what tests it.

mod citation;
mod table;
mod titles;

pub(crate) use citation::{cited_by_header, cited_by_test, claims_spec};
pub(crate) use table::misquoted;

use crate::only_flag;
use crate::tree::Tree;
use anyhow::{Context as _, Result};
use std::fs;
use std::path::Path;

const OUTPUT: &str = "docs/specs.md";

/// Writes the table, or with `--check` says whether the one that stands is the one it would write.
pub(crate) fn run(root: &Path, arguments: &[String]) -> Result<bool> {
    let only_check = only_flag(arguments, "--check")?;
    let tree = Tree::read(root)?;
    let drawn = table::draw(&tree);
    let stands = tree.file(OUTPUT).map(|file| file.text.as_str());
    if stands == Some(drawn.as_str()) {
        println!("xtask specs: {OUTPUT} is fresh");
        return Ok(true);
    }
    if only_check {
        eprintln!("{OUTPUT} is stale: run `cargo xtask specs` and commit it");
        return Ok(false);
    }
    fs::write(root.join(OUTPUT), drawn).with_context(|| format!("writing {OUTPUT}"))?;
    println!("xtask specs: wrote {OUTPUT}");
    Ok(true)
}
