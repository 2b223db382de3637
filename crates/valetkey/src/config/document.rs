//! A TOML file as leaves, each with the line it stands on.

use super::tree::{Given, Known, Leaves, Origin, Problem, join};
use serde_json::Value;
use std::path::Path;
use toml::de::{DeTable, DeValue};

/// Reads the text of a file. Everything unknown in it is reported, not just the first.
pub(crate) fn read(known: &Known, path: &Path, text: &str, leaves: &mut Leaves, problems: &mut Vec<Problem>) {
    let document = Document::new(known, path, text);
    let (table, errors) = DeTable::parse_recoverable(text);
    // One slip gives several errors; the first in the text is the slip.
    let start = |error: &toml::de::Error| error.span().map_or(0, |span| span.start);
    match errors.iter().min_by_key(|error| start(error)) {
        Some(error) => problems.push(Problem::at(document.origin(start(error)), error.message().trim_end())),
        None => document.walk(table.get_ref(), "", leaves, problems),
    }
}

/// A text whose words are looked for among the known ones.
pub(crate) struct Document<'a> {
    known: &'a Known,
    path: &'a Path,
    text: &'a str,
}

impl<'a> Document<'a> {
    pub(crate) fn new(known: &'a Known, path: &'a Path, text: &'a str) -> Self {
        Self { known, path, text }
    }

    pub(crate) fn path(&self) -> &Path {
        self.path
    }

    /// The line of a byte of the text.
    pub(crate) fn origin(&self, at: usize) -> Origin {
        let before = &self.text.as_bytes()[..at.min(self.text.len())];
        let line = before.split(|byte| *byte == b'\n').count();
        Origin::File { path: self.path.to_owned(), line }
    }

    /// Takes the leaves of a table that are known, and reports those that are not.
    pub(crate) fn walk(
        &self,
        table: &DeTable<'_>,
        section: &str,
        leaves: &mut Leaves,
        problems: &mut Vec<Problem>,
    ) {
        for (name, value) in table {
            let key = join(section, name.get_ref());
            let origin = self.origin(name.span().start);
            match (self.known.is_section(&key), value.get_ref()) {
                (None, _) => problems.push(Problem::at(origin, self.known.unknown(&key))),
                (Some(true), DeValue::Table(members)) => self.walk(members, &key, leaves, problems),
                (Some(true), _) => {
                    problems.push(Problem::at(
                        origin,
                        format!("`{key}` is a section: write [{key}] and its keys below"),
                    ));
                }
                (Some(false), value) => {
                    let origin = self.origin(name.span().start);
                    leaves.insert(key, Given { value: to_json(value), origin });
                }
            }
        }
    }
}

pub(crate) fn to_json(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Boolean(flag) => Value::from(*flag),
        DeValue::Integer(number) => i64::from_str_radix(&number.as_str().replace('_', ""), number.radix())
            .map_or_else(|_| Value::from(number.as_str()), Value::from),
        DeValue::Float(number) => {
            number.as_str().parse::<f64>().map_or_else(|_| Value::from(number.as_str()), Value::from)
        }
        DeValue::Datetime(time) => Value::from(time.to_string()),
        DeValue::Array(items) => items.iter().map(|item| to_json(item.get_ref())).collect(),
        DeValue::Table(members) => members
            .iter()
            .map(|(name, member)| (name.get_ref().to_string(), to_json(member.get_ref())))
            .collect(),
    }
}
