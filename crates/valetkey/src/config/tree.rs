//! The tree of known keys, and the leaves that a source gives: each with its value and the place it stands at.

use super::keys::Config;
use super::nearest::nearest;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// Where a value was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    File { path: PathBuf, line: usize },
    Variable(String),
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Variable(name) => f.write_str(name),
            Self::Flag(name) => f.write_str(name),
        }
    }
}

/// One thing that is wrong, in words for the person who wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) origin: Option<Origin>,
    pub(crate) message: String,
}

impl Problem {
    pub(crate) fn at(origin: Origin, message: impl Into<String>) -> Self {
        Self { origin: Some(origin), message: message.into() }
    }

    pub(crate) fn nowhere(message: impl Into<String>) -> Self {
        Self { origin: None, message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Some(origin) => write!(f, "{origin}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

/// A value as a source gave it. It can be a secret, so only its place is printed.
#[derive(Clone)]
pub(crate) struct Given {
    pub(crate) value: Value,
    pub(crate) origin: Origin,
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Given({})", self.origin)
    }
}

/// Values by dotted key.
pub(crate) type Leaves = BTreeMap<String, Given>;

/// The known keys: the default configuration, whose shape is the tree.
#[derive(Debug)]
pub(crate) struct Known {
    defaults: Value,
    leaves: Vec<String>,
    /// Where all of them can be seen.
    hint: &'static str,
}

impl Known {
    pub(crate) fn new() -> Self {
        let defaults = serde_json::to_value(Config::default()).unwrap_or_default();
        Self::of(defaults, "`valetkey config schema` lists them all")
    }

    /// Any other tree.
    pub(crate) fn of(defaults: Value, hint: &'static str) -> Self {
        let mut leaves = Vec::new();
        collect(&defaults, "", &mut leaves);
        Self { defaults, leaves, hint }
    }

    pub(crate) fn defaults(&self) -> &Value {
        &self.defaults
    }

    pub(crate) fn leaves(&self) -> &[String] {
        &self.leaves
    }

    /// Whether the key is a section, or a leaf; `None`: unknown.
    pub(crate) fn is_section(&self, key: &str) -> Option<bool> {
        let node = key.split('.').try_fold(&self.defaults, |node, part| node.get(part))?;
        Some(node.is_object())
    }

    pub(crate) fn unknown(&self, key: &str) -> String {
        let sections =
            self.leaves.iter().filter_map(|leaf| leaf.rsplit_once('.').map(|(section, _)| section));
        match nearest(key, self.leaves.iter().map(String::as_str).chain(sections)) {
            Some(near) => format!("unknown key `{key}`; did you mean `{near}`?"),
            None => format!("unknown key `{key}`; {}", self.hint),
        }
    }
}

fn collect(node: &Value, key: &str, leaves: &mut Vec<String>) {
    match node {
        Value::Object(members) => {
            for (name, member) in members {
                collect(member, &join(key, name), leaves);
            }
        }
        _ => leaves.push(key.to_owned()),
    }
}

pub(crate) fn join(section: &str, name: &str) -> String {
    if section.is_empty() { name.to_owned() } else { format!("{section}.{name}") }
}

/// Puts a value at a dotted key.
pub(crate) fn put(tree: &mut Value, key: &str, value: Value) {
    let mut node = tree;
    let mut parts = key.split('.').peekable();
    while let Some(part) = parts.next() {
        if !node.is_object() {
            *node = Value::Object(Map::new());
        }
        let Value::Object(members) = node else { return };
        if parts.peek().is_none() {
            members.insert(part.to_owned(), value);
            return;
        }
        node = members.entry(part).or_insert_with(|| Value::Object(Map::new()));
    }
}
