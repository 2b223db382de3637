//! One file: its words, each with the line it stands on.

use super::secret;
use crate::config::document::{Document, to_json};
use crate::config::nearest::nearest;
use crate::config::tree::{Known, Leaves};
use crate::config::{Origin, Problem};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use valetkey_core::manage::apply::{CLAIMS, ENDPOINT, Kind, Members, settings_document};
use valetkey_core::secret::{Secret, SecretHash};

/// A text, and what to call it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

/// One thing of a list, with the place of each of its members.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) kind: Kind,
    pub(super) id: String,
    pub(super) members: Members,
    pub(super) secrets: Vec<SecretHash>,
    pub(super) secret: Option<Secret>,
    pub(super) origin: Origin,
    pub(super) places: BTreeMap<String, Origin>,
}

/// What a file says.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) entries: Vec<Entry>,
    pub(super) kinds: BTreeSet<Kind>,
    pub(super) settings: Leaves,
}

/// Reads a file. Everything unknown in it is reported, not just the first.
pub(super) fn read(source: &Source, problems: &mut Vec<Problem>) -> Said {
    let known = Known::of(settings_document(), "`valetkey export` shows how it is written");
    let document = Document::new(&known, &source.path, &source.text);
    let mut said = Said::default();
    let (table, errors) = DeTable::parse_recoverable(&source.text);
    let start = |error: &toml::de::Error| error.span().map_or(0, |span| span.start);
    if let Some(error) = errors.iter().min_by_key(|error| start(error)) {
        problems.push(Problem::at(document.origin(start(error)), error.message().trim_end()));
        return said;
    }
    let mut rest = DeTable::new();
    for (name, value) in table.into_inner() {
        match Kind::ALL.into_iter().find(|kind| kind.list() == name.get_ref()) {
            Some(kind) => List { document: &document, kind }.read(&value, &mut said, problems),
            None if list_near(name.get_ref()).is_some() => {
                let near = list_near(name.get_ref()).unwrap_or_default();
                let message = format!("unknown key `{}`; did you mean `[[{near}]]`?", name.get_ref());
                problems.push(Problem::at(document.origin(name.span().start), message));
            }
            None => {
                rest.insert(name, value);
            }
        }
    }
    document.walk(&rest, "", &mut said.settings, problems);
    said
}

/// A list that a mistyped name most likely means. What is nearer to a section is none.
fn list_near(name: &str) -> Option<&'static str> {
    let sections =
        ["lifetimes", "registration", "http", "services", "default_tenant", "authorization_details_types"];
    let lists = Kind::ALL.map(Kind::list);
    let near = nearest(name, lists.into_iter().chain(sections))?;
    lists.into_iter().find(|list| *list == near && *list != name)
}

struct List<'a> {
    document: &'a Document<'a>,
    kind: Kind,
}

impl List<'_> {
    fn read(&self, value: &Spanned<DeValue<'_>>, said: &mut Said, problems: &mut Vec<Problem>) {
        said.kinds.insert(self.kind);
        let list = self.kind.list();
        let wrong = format!("`{list}` is a list: write [[{list}]] above each of them");
        let DeValue::Array(items) = value.get_ref() else {
            problems.push(Problem::at(self.document.origin(value.span().start), wrong));
            return;
        };
        for item in items {
            let origin = self.document.origin(item.span().start);
            let DeValue::Table(table) = item.get_ref() else {
                problems.push(Problem::at(origin, wrong.clone()));
                continue;
            };
            if let Some(entry) = self.entry(table, origin, problems) {
                let twice = said.entries.iter().find(|own| own.kind == entry.kind && own.id == entry.id);
                match twice {
                    Some(first) => {
                        let name = self.kind.name();
                        let message =
                            format!("the {name} `{}` stands here already: {}", entry.id, first.origin);
                        problems.push(Problem::at(entry.origin, message));
                    }
                    None => said.entries.push(entry),
                }
            }
        }
    }

    fn entry(&self, table: &DeTable<'_>, origin: Origin, problems: &mut Vec<Problem>) -> Option<Entry> {
        let (kind, key) = (self.kind, self.kind.key());
        let (mut members, mut places, mut given) = (Members::new(), BTreeMap::new(), Members::new());
        for (name, value) in table {
            let at = self.document.origin(name.span().start);
            let text = name.get_ref().as_ref();
            places.insert(text.to_owned(), at.clone());
            if self.secret_keys().contains(&text) {
                given.insert(text.to_owned(), to_json(value.get_ref()));
            } else if kind.members().contains(&text) {
                if kind == Kind::Api && text == "endpoints" {
                    self.check_endpoints(value.get_ref(), problems);
                }
                if let (Kind::Upstream, "claims", DeValue::Table(names)) = (kind, text, value.get_ref()) {
                    for name in names.keys().filter(|name| !CLAIMS.contains(&name.get_ref().as_ref())) {
                        let at = self.document.origin(name.span().start);
                        let message = unknown("upstreams.claims", name.get_ref(), CLAIMS);
                        problems.push(Problem::at(at, message));
                    }
                }
                members.insert(text.to_owned(), to_json(value.get_ref()));
            } else {
                problems.push(Problem::at(at, self.unknown(text)));
            }
        }
        let Some(id) = members.get(key).and_then(Value::as_str).filter(|id| !id.is_empty()) else {
            let message = format!("each of `{}` needs `{key}`", kind.list());
            problems.push(Problem::at(origin, message));
            return None;
        };
        let id = id.to_owned();
        let directory = self.document.path().parent().unwrap_or(Path::new(""));
        let mut wrong = |(name, message): (&'static str, String)| {
            let at = places.get(name).unwrap_or(&origin).clone();
            problems.push(Problem::at(at, format!("{} `{id}`, `{name}`: {message}", kind.name())));
        };
        let secrets = secret::read(&given, directory).map_err(&mut wrong).unwrap_or_default();
        let secret = secret::ours(&given, directory).map_err(&mut wrong).unwrap_or_default();
        Some(Entry { kind, id, members, secrets, secret, origin, places })
    }

    fn secret_keys(&self) -> &'static [&'static str] {
        match self.kind {
            Kind::Client => &secret::KEYS,
            Kind::Upstream => &secret::OURS,
            Kind::Tenant | Kind::Issuer | Kind::Scope | Kind::Api => &[],
        }
    }

    fn unknown(&self, name: &str) -> String {
        let secrets = self.secret_keys();
        if !secrets.is_empty() && matches!(name, "secret" | "client_secret") {
            return format!("a secret does not stand in a file: give {} instead", secrets.join(", "));
        }
        let known = self.kind.members().iter().chain(secrets).copied();
        unknown(self.kind.list(), name, known)
    }

    fn check_endpoints(&self, value: &DeValue<'_>, problems: &mut Vec<Problem>) {
        let DeValue::Array(rules) = value else { return };
        for rule in rules {
            let DeValue::Table(table) = rule.get_ref() else { continue };
            for name in table.keys().filter(|name| !ENDPOINT.contains(&name.get_ref().as_ref())) {
                let at = self.document.origin(name.span().start);
                problems.push(Problem::at(at, unknown("apis.endpoints", name.get_ref(), ENDPOINT)));
            }
            for needed in ["method", "path"] {
                if !table.keys().any(|name| name.get_ref() == needed) {
                    let at = self.document.origin(rule.span().start);
                    problems.push(Problem::at(at, format!("each of `apis.endpoints` needs `{needed}`")));
                }
            }
        }
    }
}

fn unknown<'a>(list: &str, name: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    if let Some(near) = nearest(name, known.clone()) {
        return format!("unknown key `{name}` in `{list}`; did you mean `{near}`?");
    }
    let all: Vec<&str> = known.into_iter().collect();
    format!("unknown key `{name}` in `{list}`; it has {}", all.join(", "))
}
