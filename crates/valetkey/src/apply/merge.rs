//! Several files as one: what two of them say must not differ.

use super::file::{Entry, Said, Source, read};
use crate::config::tree::{Leaves, put};
use crate::config::{Origin, Problem, Problems};
use serde_json::Value;
use std::collections::BTreeMap;
use valetkey_core::manage::apply::{self, Kind, Place, Thing, Wanted};

/// What all files together want, and where each of it stands.
#[derive(Debug, Default)]
pub(crate) struct Merged {
    pub(crate) wanted: Wanted,
    things: BTreeMap<(Kind, String), (Origin, BTreeMap<String, Origin>)>,
    settings: Leaves,
}

/// Reads the files together. Lists and the scope of `[registration]` and the aliases add up; everything else that two
/// files say differently is a contradiction.
pub(crate) fn merge(sources: &[Source]) -> Result<Merged, Problems> {
    let mut problems = Vec::new();
    let (mut entries, mut leaves): (Vec<Entry>, Leaves) = (Vec::new(), Leaves::new());
    let mut merged = Merged::default();
    for source in sources {
        let Said { entries: own, kinds, settings } = read(source, &mut problems);
        merged.wanted.kinds.extend(kinds);
        for entry in own {
            add_entry(&mut entries, entry, &mut problems);
        }
        add_settings(&mut leaves, settings, &mut problems);
    }
    if !problems.is_empty() {
        return Err(in_order(problems));
    }
    for entry in entries {
        let Entry { kind, id, members, secrets, secret, origin, places } = entry;
        merged.things.insert((kind, id.clone()), (origin, places));
        merged.wanted.things.push(Thing { kind, id, members, secrets, secret });
    }
    let mut settings = Value::Object(serde_json::Map::new());
    for (key, given) in &leaves {
        put(&mut settings, key, given.value.clone());
    }
    merged.wanted.settings = settings.as_object().cloned().unwrap_or_default();
    merged.settings = leaves;
    Ok(merged)
}

/// By file and line, as one reads.
pub(super) fn in_order(mut problems: Vec<Problem>) -> Problems {
    problems.sort_by_key(|problem| match &problem.origin {
        Some(Origin::File { path, line }) => (path.clone(), *line),
        _ => (std::path::PathBuf::new(), 0),
    });
    Problems(problems)
}

impl Merged {
    /// A mistake with the line it stands on.
    pub(crate) fn located(&self, problem: &apply::Problem) -> Problem {
        match &problem.place {
            Place::Member(kind, id, member) => {
                let mut message = format!("{} `{id}`: {}", kind.name(), problem.message);
                if !member.is_empty() {
                    message = format!("{} `{id}`, `{member}`: {}", kind.name(), problem.message);
                }
                match self.things.get(&(*kind, id.clone())) {
                    Some((whole, places)) => {
                        Problem::at(places.get(member).unwrap_or(whole).clone(), message)
                    }
                    None => Problem::nowhere(message),
                }
            }
            Place::Setting(key) => {
                let message = format!("`{key}`: {}", problem.message);
                let section = key.split('.').next().unwrap_or(key);
                let near = || self.settings.iter().find(|(own, _)| own.starts_with(section));
                let given = self.settings.get_key_value(key).or_else(near);
                given.map_or(Problem::nowhere(message.clone()), |(_, given)| {
                    Problem::at(given.origin.clone(), message)
                })
            }
        }
    }
}

fn add_entry(all: &mut Vec<Entry>, entry: Entry, problems: &mut Vec<Problem>) {
    let Some(first) = all.iter().find(|own| own.kind == entry.kind && own.id == entry.id) else {
        all.push(entry);
        return;
    };
    let names = first.members.keys().chain(entry.members.keys());
    let differs = names.into_iter().find(|name| first.members.get(*name) != entry.members.get(*name));
    let (one, other) = match differs {
        None if first.secrets == entry.secrets && first.secret == entry.secret => return,
        None => ("its secret".to_owned(), None),
        Some(name) => {
            let said = |own: &Entry| own.members.get(name).map_or("not said".to_owned(), ToString::to_string);
            let at = first.places.get(name).unwrap_or(&first.origin);
            (format!("`{name}` is {} here", said(&entry)), Some(format!(" and {} at {at}", said(first))))
        }
    };
    let other = other.unwrap_or_else(|| format!(" differs from that at {}", first.origin));
    let at = differs.and_then(|name| entry.places.get(name)).unwrap_or(&entry.origin).clone();
    let (kind, id) = (entry.kind.name(), &entry.id);
    problems.push(Problem::at(at, format!("{kind} `{id}`: {one}{other}: these files contradict each other")));
}

fn add_settings(all: &mut Leaves, own: Leaves, problems: &mut Vec<Problem>) {
    for (key, given) in own {
        let Some(first) = all.get_mut(&key) else {
            all.insert(key, given);
            continue;
        };
        if first.value == given.value {
            continue;
        }
        if let Some(both) = union(&key, &first.value, &given.value) {
            first.value = both;
            continue;
        }
        let message = format!(
            "`{key}` is {} here and {} at {}: these files contradict each other",
            given.value, first.value, first.origin
        );
        problems.push(Problem::at(given.origin, message));
    }
}

/// What adds up: lists, and what a client may ask for.
fn union(key: &str, one: &Value, other: &Value) -> Option<Value> {
    let adds = key.starts_with("http.aliases.")
        || matches!(key, "registration.scope" | "registration.grant_types" | "registration.compat");
    let items = |value: &Value| match value {
        Value::Array(items) => items.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
        Value::String(text) => Some(text.split(' ').map(str::to_owned).collect::<Vec<_>>()),
        _ => None,
    };
    let (mut all, more) = (items(one).filter(|_| adds)?, items(other)?);
    for item in more {
        if !all.contains(&item) {
            all.push(item);
        }
    }
    Some(all.into())
}
