//! What may stand in the dependency graph: the bans and licences of deny.toml, held without a network.

use crate::tree::{Problem, Tree};
use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use std::path::Path;
use std::process::Command;

const POLICY: &str = "deny.toml";
const LOCK: &str = "Cargo.lock";

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

#[derive(Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    #[serde(default)]
    dependencies: Vec<String>,
}

/// Banned packages in the lock file, which lists those of every platform.
pub(crate) fn broken(tree: &Tree) -> Vec<Problem> {
    match (parse::<Policy>(tree, POLICY), parse::<Lock>(tree, LOCK)) {
        (Ok(policy), Ok(lock)) => banned(&policy, &lock),
        (policy, lock) => policy.err().into_iter().chain(lock.err()).collect(),
    }
}

fn parse<T: for<'a> Deserialize<'a>>(tree: &Tree, path: &str) -> Result<T, Problem> {
    let file = tree.file(path).ok_or_else(|| Problem::new(path, 0, "is missing"))?;
    toml::from_str(&file.text).map_err(|error| Problem::new(path, 0, error.message()))
}

fn banned(policy: &Policy, lock: &Lock) -> Vec<Problem> {
    let mut problems = Vec::new();
    for ban in &policy.bans.deny {
        if lock.package.iter().any(|package| package.name == ban.name) {
            let users: Vec<&str> = lock
                .package
                .iter()
                .filter(|package| needs(package, &ban.name))
                .map(|p| p.name.as_str())
                .collect();
            let what = format!("holds {} (wanted by {}): {}", ban.name, users.join(", "), ban.reason);
            problems.push(Problem::new(LOCK, 0, what));
        }
    }
    problems
}

/// A dependency in a lock file is a name, and a version behind it where the name alone is not clear.
fn needs(package: &Locked, name: &str) -> bool {
    package.dependencies.iter().any(|dependency| dependency.split(' ').next() == Some(name))
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    license: Option<String>,
    /// `None` for the workspace's own.
    source: Option<String>,
}

/// Packages of this platform whose licence is not allowed, as Cargo knows them.
///
/// # Errors
/// Cargo cannot be run or does not answer as expected.
pub(crate) fn licences(root: &Path, tree: &Tree) -> Result<Vec<Problem>> {
    let policy: Policy = match parse(tree, POLICY) {
        Ok(policy) => policy,
        Err(problem) => return Ok(vec![problem]),
    };
    let host = run(root, "rustc", &["-vV"])?;
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?;
    let answer =
        run(root, "cargo", &["metadata", "--format-version", "1", "--locked", "--filter-platform", host])?;
    let metadata: Metadata = serde_json::from_str(&answer).context("reading what cargo metadata said")?;
    Ok(metadata.packages.iter().filter_map(|package| unlicensed(package, &policy.licenses.allow)).collect())
}

fn run(root: &Path, program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program).args(arguments).current_dir(root).output();
    let output = output.with_context(|| format!("running {program}"))?;
    if !output.status.success() {
        bail!("{program} {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8(output.stdout)?)
}

fn unlicensed(package: &Package, allowed: &[String]) -> Option<Problem> {
    package.source.as_ref()?;
    let Some(licence) = &package.license else {
        return Some(Problem::new(LOCK, 0, format!("{} states no licence", package.name)));
    };
    if permits(licence, allowed) {
        return None;
    }
    Some(Problem::new(
        LOCK,
        0,
        format!("{} is licensed {licence}, which {POLICY} does not allow", package.name),
    ))
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

    #[test]
    fn a_banned_crate_is_refused_with_who_wants_it() {
        let lock = "[[package]]\nname = \"ring\"\n[[package]]\nname = \"tls\"\ndependencies = [\"ring 0.17.1\", \"ringbuf\"]";
        let problems = broken(&tree(&[(POLICY, DENY), (LOCK, lock)]));
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].what, "holds ring (wanted by tls): one crypto library");
    }

    #[test]
    fn a_clean_lock_file_passes_and_a_missing_one_does_not() {
        assert!(broken(&tree(&[(POLICY, DENY), (LOCK, "[[package]]\nname = \"ringbuf\"")])).is_empty());
        assert_eq!(broken(&tree(&[(POLICY, DENY)])).len(), 1);
        assert_eq!(broken(&tree(&[])).len(), 2);
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

    #[test]
    fn a_package_without_a_licence_is_refused_and_our_own_are_not_asked() {
        let package = |license: Option<&str>, source: Option<&str>| Package {
            name: "x".to_owned(),
            license: license.map(str::to_owned),
            source: source.map(str::to_owned),
        };
        assert!(unlicensed(&package(None, Some("registry")), &[]).is_some());
        assert!(unlicensed(&package(None, None), &[]).is_none());
    }
}
