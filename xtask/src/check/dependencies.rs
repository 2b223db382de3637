//! What may stand in the dependency graph: the bans and licences of deny.toml, held without a network.

use crate::tree::{Problem, Tree};
use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

const POLICY: &str = "deny.toml";

#[derive(Deserialize)]
struct Policy {
    licenses: Licenses,
    bans: Bans,
}

#[derive(Deserialize)]
struct Licenses {
    allow: Vec<String>,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

#[derive(Deserialize)]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

/// A package that is built on this platform, for the product or its tests.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Package {
    name: String,
    licence: String,
    is_ours: bool,
}

/// Banned packages, and those whose licence is not allowed.
///
/// The graph is what Cargo builds, not the lock file: that also lists what a weak feature (`ring?/alloc`) could name but
/// never switches on.
///
/// # Errors
/// Cargo cannot be run.
pub(crate) fn broken(root: &Path, tree: &Tree) -> Result<Vec<Problem>> {
    let policy = match policy(tree) {
        Ok(policy) => policy,
        Err(problem) => return Ok(vec![problem]),
    };
    let packages = read(&cargo_tree(root)?);
    Ok(packages.iter().flat_map(|package| judge(package, &policy)).collect())
}

fn policy(tree: &Tree) -> Result<Policy, Problem> {
    let file = tree.file(POLICY).ok_or_else(|| Problem::new(POLICY, 0, "is missing"))?;
    toml::from_str(&file.text).map_err(|error| Problem::new(POLICY, 0, error.message()))
}

fn cargo_tree(root: &Path) -> Result<String> {
    let arguments = [
        "tree",
        "--locked",
        "--workspace",
        "--edges",
        "normal,build,dev",
        "--prefix",
        "none",
        "--format",
        "{p}|{l}",
    ];
    let output =
        Command::new("cargo").args(arguments).current_dir(root).output().context("running cargo tree")?;
    if !output.status.success() {
        bail!("cargo tree: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Reads lines such as `ring v0.17.14|Apache-2.0 AND ISC (*)`; ours have their path behind the version.
fn read(lines: &str) -> BTreeSet<Package> {
    let package = |line: &str| {
        let (package, licence) = line.trim_end_matches(" (*)").split_once('|')?;
        let name = package.split(' ').next()?.to_owned();
        Some(Package { name, licence: licence.to_owned(), is_ours: package.contains(" (/") })
    };
    lines.lines().filter_map(package).collect()
}

fn judge(package: &Package, policy: &Policy) -> Vec<Problem> {
    let Package { name, licence, is_ours } = package;
    let ban = policy.bans.deny.iter().find(|ban| ban.name == *name);
    let banned =
        ban.map(|ban| format!("bans {name} ({}); `cargo tree -i {name}` shows who wants it", ban.reason));
    let unlicensed =
        (!is_ours && !permits(licence, &policy.licenses.allow)).then(|| match licence.as_str() {
            "" => format!("does not allow {name}: it states no licence"),
            licence => format!("does not allow {name}: its licence is {licence}"),
        });
    banned.into_iter().chain(unlicensed).map(|what| Problem::new(POLICY, 0, what)).collect()
}

/// Whether an SPDX expression can be met with the allowed licences alone. `/` is Cargo's old spelling of OR.
fn permits(expression: &str, allowed: &[String]) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    let fine = any_of(&mut rest, allowed);
    fine == Some(true) && rest.is_empty()
}

fn any_of(words: &mut &[&str], allowed: &[String]) -> Option<bool> {
    let mut fine = all_of(words, allowed)?;
    while words.first() == Some(&"OR") {
        *words = &words[1..];
        fine |= all_of(words, allowed)?;
    }
    Some(fine)
}

fn all_of(words: &mut &[&str], allowed: &[String]) -> Option<bool> {
    let mut fine = one(words, allowed)?;
    while words.first() == Some(&"AND") {
        *words = &words[1..];
        fine &= one(words, allowed)?;
    }
    Some(fine)
}

fn one(words: &mut &[&str], allowed: &[String]) -> Option<bool> {
    let (&first, rest) = words.split_first()?;
    *words = rest;
    if first == "(" {
        let fine = any_of(words, allowed)?;
        let (&closing, rest) = words.split_first()?;
        *words = rest;
        return (closing == ")").then_some(fine);
    }
    let mut licence = first.to_owned();
    if let ["WITH", exception, ..] = **words {
        licence = format!("{licence} WITH {exception}");
        *words = &words[2..];
    }
    Some(allowed.contains(&licence))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::tree;

    const DENY: &str = "[licenses]\nallow = [\"MIT\", \"ISC\", \"Apache-2.0 WITH LLVM-exception\"]\n\
                        [bans]\ndeny = [{ crate = \"ring\", reason = \"one crypto library\" }]\n";

    fn problems(lines: &str) -> Vec<String> {
        let policy = policy(&tree(&[(POLICY, DENY)])).ok().unwrap();
        read(lines).iter().flat_map(|package| judge(package, &policy)).map(|problem| problem.what).collect()
    }

    #[test]
    fn a_banned_package_is_refused_once() {
        let got = problems("ringbuf v1.0.0|MIT\nring v0.17.14|ISC\nring v0.17.14|ISC (*)");
        assert_eq!(got, ["bans ring (one crypto library); `cargo tree -i ring` shows who wants it"]);
    }

    #[test]
    fn a_licence_must_be_stated_and_allowed_and_ours_are_not_asked() {
        assert!(problems("a v1.0.0|MIT\nours v0.1.0 (/work/ours)|Secret").is_empty());
        assert_eq!(problems("a v1.0.0|"), ["does not allow a: it states no licence"]);
        assert_eq!(problems("a v1.0.0 (proc-macro)|GPL-3.0"), ["does not allow a: its licence is GPL-3.0"]);
    }

    #[test]
    fn a_missing_policy_is_refused() {
        assert!(policy(&tree(&[])).is_err());
        assert!(policy(&tree(&[(POLICY, "[bans]\ndeny = []")])).is_err());
    }

    #[test]
    fn licence_expressions_are_judged_as_spdx_says() {
        let allowed: Policy = toml::from_str(DENY).unwrap();
        for (expression, want) in [
            ("MIT", true),
            ("GPL-3.0", false),
            ("MIT OR GPL-3.0", true),
            ("MIT AND GPL-3.0", false),
            ("GPL-3.0/MIT", true),
            ("ISC AND (GPL-3.0 OR MIT)", true),
            ("ISC AND (GPL-3.0 OR LGPL-3.0)", false),
            ("Apache-2.0 WITH LLVM-exception OR GPL-3.0", true),
            ("Apache-2.0", false),
            ("MIT AND", false),
            ("(MIT", false),
            ("MIT MIT", false),
            ("", false),
        ] {
            assert_eq!(permits(expression, &allowed.licenses.allow), want, "{expression}");
        }
    }
}
