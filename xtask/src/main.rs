//! The house's own chores: `cargo xtask check` holds the rules, `cargo xtask specs` writes docs/specs.md.

mod check;
mod rules;
mod rust;
mod specs;
mod tree;

use anyhow::{Result, bail};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// One chore. `run` gets the repository's root and what follows the chore's name on the command line.
struct Chore {
    name: &'static str,
    does: &'static str,
    run: fn(&Path, &[String]) -> Result<bool>,
}

/// Every chore; a new generator (`openapi`, `cli-reference`) is a file and a row.
const CHORES: &[Chore] = &[
    Chore {
        name: "check",
        does: "hold imports, sizes, headers, words and dependencies to the rules",
        run: check::run,
    },
    Chore { name: "specs", does: "write docs/specs.md; with --check, fail if it is stale", run: specs::run },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Runs the chore that the first argument names. `false` means: ran, and found something wrong.
fn dispatch(arguments: &[String]) -> Result<bool> {
    let Some((name, rest)) = arguments.split_first() else { bail!("{}", usage()) };
    match CHORES.iter().find(|chore| chore.name == name) {
        Some(chore) => (chore.run)(&root(), rest),
        None => bail!("{}", usage()),
    }
}

fn usage() -> String {
    let rows = CHORES.iter().map(|chore| format!("\n  cargo xtask {:<8} {}", chore.name, chore.does));
    format!("name a chore:{}", rows.collect::<String>())
}

/// The repository this program was built from.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// Refuses arguments a chore does not know; returns whether `flag` was given.
fn only_flag(arguments: &[String], flag: &str) -> Result<bool> {
    match arguments {
        [] => Ok(false),
        [one] if one == flag => Ok(true),
        _ => bail!("only {flag} may follow"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_chore_is_an_error_that_lists_the_known_ones() {
        let error = dispatch(&["sweep".to_owned()]).unwrap_err().to_string();
        assert!(error.contains("cargo xtask check") && error.contains("cargo xtask specs"), "{error}");
    }

    #[test]
    fn an_unknown_flag_is_refused() {
        assert!(only_flag(&["--fix".to_owned()], "--check").is_err());
        assert!(only_flag(&["--check".to_owned()], "--check").unwrap());
        assert!(!only_flag(&[], "--check").unwrap());
    }
}
