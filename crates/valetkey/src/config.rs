//! The configuration: flags, then environment, then files, then defaults; every mistake named with its place.

pub(crate) mod check;
pub(crate) mod document;
mod environment;
pub(crate) mod keys;
pub(crate) mod nearest;
pub(crate) mod permissions;
mod sign_up;
#[cfg(test)]
mod tests;
pub(crate) mod tree;
pub(crate) mod values;
mod words;

pub(crate) use environment::{named as variable, variables};
pub(crate) use keys::Config;
pub(crate) use tree::{Origin, Problem};

use check::Wrong;
use keys::{DATABASE_URL, SECRETS};
use serde::Deserialize;
use serde_json::Value;
use std::fmt;
use std::path::{Path, PathBuf};
use tree::{Given, Known, Leaves, put};
use values::DatabaseUrl;

/// Read when it stands in the working directory and no `--config` is given.
pub(crate) const DEFAULT_FILE: &str = "valetkey.toml";

/// Where to read from, weakest first.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    pub(crate) files: Vec<PathBuf>,
    pub(crate) variables: Vec<(String, String)>,
    /// Key, the flag that gave it, value.
    pub(crate) flags: Vec<(&'static str, &'static str, String)>,
}

/// A configuration without mistakes, and where its values came from.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) config: Config,
    pub(crate) files: Vec<PathBuf>,
    leaves: Leaves,
}

/// Everything that is wrong with a configuration.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Problems(pub(crate) Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, problem) in self.0.iter().enumerate() {
            write!(f, "{}{problem}", if n > 0 { "\n" } else { "" })?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

impl Loaded {
    pub(crate) fn read(sources: &Sources) -> Result<Self, Problems> {
        let known = Known::new();
        let (mut leaves, mut problems) = (Leaves::new(), Vec::new());
        for path in &sources.files {
            read_file(&known, path, &mut leaves, &mut problems);
        }
        let mut from_environment = Leaves::new();
        environment::read(&known, &sources.variables, &mut from_environment, &mut problems);
        leaves.append(&mut from_environment);
        for (key, flag, text) in &sources.flags {
            let given = Given { value: Value::from(text.as_str()), origin: Origin::Flag(flag) };
            leaves.insert((*key).to_owned(), given);
        }
        let config = combine(&known, &leaves, &mut problems);
        let loaded = Self { config, files: sources.files.clone(), leaves };
        problems.extend(loaded.located(check::check(&loaded.config)));
        if problems.is_empty() { Ok(loaded) } else { Err(Problems(problems)) }
    }

    /// What only a server refuses.
    pub(crate) fn check_serve(&self) -> Result<(), Problems> {
        let problems = self.located(check::check_serve(&self.config));
        if problems.is_empty() { Ok(()) } else { Err(Problems(problems)) }
    }

    /// Where a key's value came from; `None`: it is the default.
    pub(crate) fn origin(&self, key: &str) -> Option<&Origin> {
        self.leaves.get(key).map(|given| &given.origin)
    }

    fn located(&self, wrong: Vec<Wrong>) -> Vec<Problem> {
        let origin = |key: &str| {
            let section =
                || self.leaves.iter().find(|(leaf, _)| leaf.starts_with(key)).map(|(_, given)| &given.origin);
            self.origin(key).or_else(section).cloned()
        };
        let problem = |(key, message): Wrong| match origin(key) {
            Some(origin) => Problem::at(origin, format!("`{key}`: {message}")),
            None => Problem::nowhere(message),
        };
        wrong.into_iter().map(problem).collect()
    }
}

fn read_file(known: &Known, path: &Path, leaves: &mut Leaves, problems: &mut Vec<Problem>) {
    let origin = || Origin::File { path: path.to_owned(), line: 1 };
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            problems.push(Problem::nowhere(format!("cannot read {}: {error}", path.display())));
            return;
        }
    };
    let mut own = Leaves::new();
    document::read(known, path, &text, &mut own, problems);
    let address = own.get(DATABASE_URL).and_then(|given| given.value.as_str());
    let password = address.is_some_and(|url| DatabaseUrl(url.to_owned()).holds_password());
    if (password || SECRETS.iter().any(|secret| own.contains_key(*secret)))
        && let Err(message) = permissions::check_private(path)
    {
        problems.push(Problem::at(origin(), message));
    }
    leaves.append(&mut own);
}

/// Tries every leaf by itself, so that each mistake is found and has its place, then all that are good together.
fn combine(known: &Known, leaves: &Leaves, problems: &mut Vec<Problem>) -> Config {
    let mut whole = known.defaults().clone();
    for (key, given) in leaves {
        match typed(known, key, given) {
            Ok(value) => put(&mut whole, key, value),
            Err(message) => problems.push(Problem::at(given.origin.clone(), format!("`{key}`: {message}"))),
        }
    }
    // The defaults show a secret as `***`, and never hold one; what is given replaces it.
    Config::deserialize(whole).unwrap_or_else(|error| {
        problems.push(Problem::nowhere(error.to_string()));
        Config::default()
    })
}

/// The value in the form in which its key takes it. Variables and flags are text: where a key does not take text, what
/// it says as JSON is tried.
fn typed(known: &Known, key: &str, given: &Given) -> Result<Value, String> {
    let attempt = |value: &Value| {
        let mut probe = known.defaults().clone();
        put(&mut probe, key, value.clone());
        Config::deserialize(probe).map(drop).map_err(|error| words::of(&error.to_string()))
    };
    let Err(message) = attempt(&given.value) else { return Ok(given.value.clone()) };
    let textual = !matches!(given.origin, Origin::File { .. });
    let json =
        given.value.as_str().filter(|_| textual).and_then(|text| serde_json::from_str::<Value>(text).ok());
    match json {
        Some(value) => attempt(&value).map(|()| value),
        None => Err(message),
    }
}
