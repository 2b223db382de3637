//! The applied settings of a plan, and how a file writes them.

use super::diff::{Action, between};
use super::form::{Members, read_member, why, words};
use super::things::{Draft, Turn};
use super::{Change, Place, Problem};
use crate::applied::Applied;
use crate::audit::Event;
use crate::manage::settings::{check, told};
use crate::settings::path;
use crate::store::{Step, StoredSettings};
use crate::time::Seconds;
use serde_json::{Map, Value, json};

/// Every key of the settings but those of `http.aliases`, in the order in which they are written.
pub const SETTINGS: [&str; 18] = [
    "default_tenant",
    "authorization_details_types",
    "lifetimes.code",
    "lifetimes.access_token",
    "lifetimes.refresh_idle",
    "lifetimes.refresh_absolute",
    "lifetimes.retry_window",
    "lifetimes.session",
    "lifetimes.session_idle",
    "registration.grant_types",
    "registration.scope",
    "registration.application_scope",
    "registration.auth_method",
    "registration.compat",
    "registration.access_token_lifetime",
    "registration.dynamic",
    "registration.unused_after",
    "services.mastodon",
];

/// The shape of the settings in a file: sections, and a null for each key.
pub fn settings_document() -> Value {
    let mut document = json!({ "http": { "aliases": {} } });
    for key in SETTINGS {
        match key.split_once('.') {
            Some((section, name)) => document[section][name] = Value::Null,
            None => document[key] = Value::Null,
        }
    }
    for (name, _) in path::ENDPOINTS {
        document["http"]["aliases"][name] = Value::Null;
    }
    document
}

/// Every leaf that is not null, by its dotted key.
fn leaves(section: &Members, prefix: &str, found: &mut Vec<(String, Value)>) {
    for (name, value) in section {
        let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match value {
            Value::Object(members) => leaves(members, &key, found),
            value => found.push((key, value.clone())),
        }
    }
}

/// A leaf in the stored document: where, and what.
fn stored(key: &str, value: &Value) -> (Vec<String>, Value) {
    if let Some(endpoint) = key.strip_prefix("http.aliases.") {
        let paths = if value.is_string() { json!([value]) } else { value.clone() };
        return (vec!["aliases".to_owned(), endpoint.to_owned()], paths);
    }
    let name = key.rsplit('.').next().unwrap_or(key);
    (key.split('.').map(str::to_owned).collect(), read_member(name, value))
}

fn put(document: &mut Value, at: &[String], value: Value) {
    let mut node = document;
    for name in at {
        if !node.is_object() {
            *node = Value::Object(Map::new());
        }
        node = &mut node[name.as_str()];
    }
    *node = value;
}

/// The settings by dotted key, as a file says them; what is as it would be anyway is left out.
pub(super) fn shown(applied: &Applied) -> Members {
    let document = serde_json::to_value(applied).unwrap_or_default();
    let mut found = Vec::new();
    leaves(document.as_object().unwrap_or(&Map::new()), "", &mut found);
    let word = |key: &str, value: &Value| match value {
        Value::Number(number) => number.as_i64().map(|n| words(Seconds(n)).into()),
        Value::Null | Value::Bool(false) => None,
        Value::Array(items) if items.is_empty() => None,
        value => Some(value.clone()).filter(|_| !key.is_empty()),
    };
    let named = |(key, value): (String, Value)| {
        let value = word(&key, &value)?;
        let aliases = key.strip_prefix("aliases.").map(|name| format!("http.aliases.{name}"));
        Some((aliases.unwrap_or(key), value))
    };
    found.into_iter().filter_map(named).collect()
}

/// The keys in the order in which they are written.
pub(super) fn order() -> Vec<String> {
    let aliases = path::ENDPOINTS.iter().map(|(name, _)| format!("http.aliases.{name}"));
    SETTINGS.iter().map(|key| (*key).to_owned()).chain(aliases).collect()
}

impl Draft<'_> {
    pub(super) fn settings(&mut self) {
        let mut said_so = Vec::new();
        leaves(&self.wanted.settings, "", &mut said_so);
        let mut document = self.beginning();
        let mut wrong = Vec::new();
        for (key, value) in &said_so {
            let (at, value) = stored(key, value);
            let mut alone = serde_json::to_value(Applied::default()).unwrap_or_default();
            put(&mut alone, &at, value.clone());
            match serde_json::from_value::<Applied>(alone) {
                Ok(_) => put(&mut document, &at, value),
                Err(error) => {
                    let name = key.rsplit('.').next().unwrap_or(key);
                    wrong.push((key.clone(), why(name, &value, &error)));
                }
            }
        }
        let applied = match serde_json::from_value::<Applied>(document) {
            Ok(applied) if wrong.is_empty() => applied,
            Ok(_) => return self.refuse_settings(wrong),
            Err(error) => return self.refuse_settings(vec![(String::new(), error.to_string())]),
        };
        if applied == self.stored.applied {
            return;
        }
        if let Err((key, message)) = check(self.cx, &applied, &self.apis) {
            self.refuse_settings(vec![(key, message)]);
        }
        self.applied = applied.clone();
        let order = order();
        let order: Vec<&str> = order.iter().map(String::as_str).collect();
        self.changes.push(Change {
            action: Action::Update,
            kind: "settings",
            id: "settings".to_owned(),
            members: between(&shown(&self.stored.applied), &shown(&applied), &order),
        });
        let record = self.record(Event::SettingsApplied, &told(&self.stored.applied, &applied));
        let settings = StoredSettings { applied, version: self.stored.version };
        self.step(Turn::Settings, Step::Settings(settings), record);
    }

    /// What the file's words come over: what is there, less what pruning takes away. What an application gets is one
    /// decision: nothing of an earlier one stays beside it, unseen.
    fn beginning(&self) -> Value {
        let mut document = serde_json::to_value(&self.stored.applied).unwrap_or_default();
        let blank = serde_json::to_value(Applied::default()).unwrap_or_default();
        if self.wanted.only_these_settings {
            return blank;
        }
        for section in self.wanted.settings.keys() {
            if self.wanted.prune || section == "registration" {
                let section = if section == "http" { "aliases" } else { section };
                document[section] = blank.get(section).cloned().unwrap_or_default();
            }
        }
        document
    }

    /// What holds afterwards without being said.
    pub(super) fn kept(&self) -> Vec<String> {
        let mut said = Vec::new();
        leaves(&self.wanted.settings, "", &mut said);
        let is_said = |key: &String| said.iter().any(|(own, _)| own == key);
        shown(&self.applied).into_iter().map(|(key, _)| key).filter(|key| !is_said(key)).collect()
    }

    fn refuse_settings(&mut self, wrong: Vec<(String, String)>) {
        let problem = |(key, message)| Problem { place: Place::Setting(key), message };
        self.problems.extend(wrong.into_iter().map(problem));
    }
}
