//! The configuration as it stands, written so that it can be applied.

use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use valetkey_core::manage::apply::{Export, Kind, Members};

/// As TOML.
pub(crate) fn export_text(export: &Export) -> String {
    let mut text = String::from(
        "# The configuration of a Valetkey server: `valetkey apply -f FILE` makes another like it.\n\
         # Users are not in it, and secrets never are.\n",
    );
    let mut section = "";
    for (key, value) in &export.settings {
        let (own, name) = key.rsplit_once('.').unwrap_or(("", key));
        if own != section {
            let _ = writeln!(text, "\n[{own}]");
            section = own;
        } else if section.is_empty() {
            text.push('\n');
        }
        let _ = writeln!(text, "{name} = {}", word(value));
    }
    for (kind, members) in &export.things {
        let list = kind.list();
        let _ = writeln!(text, "\n[[{list}]]");
        for (name, value) in ordered(*kind, members) {
            if name != "endpoints" {
                let _ = writeln!(text, "{name} = {}", word(value));
            }
        }
        let rules = members.get("endpoints").and_then(Value::as_array).into_iter().flatten();
        for rule in rules.filter_map(Value::as_object) {
            let _ = writeln!(text, "\n[[{list}.endpoints]]");
            for (name, value) in rule {
                let _ = writeln!(text, "{name} = {}", word(value));
            }
        }
    }
    text
}

/// As one object, with the same names.
pub(crate) fn export_json(export: &Export) -> Value {
    let mut json = json!({ "id": "export" });
    for (key, value) in &export.settings {
        crate::config::tree::put(&mut json, key, value.clone());
    }
    for kind in Kind::ALL {
        let own = export.things.iter().filter(|(own, _)| *own == kind);
        let things = own.map(|(_, members)| {
            let mut thing = Value::Object(members.clone());
            thing["id"] = members.get(kind.key()).cloned().unwrap_or_default();
            thing
        });
        json[kind.list()] = things.collect();
    }
    json
}

/// Members in the order of their kind, then the others.
fn ordered(kind: Kind, members: &Members) -> impl Iterator<Item = (&str, &Value)> {
    let known = kind.members();
    let first = known.iter().filter_map(|name| Some((*name, members.get(*name)?)));
    let rest = members.iter().map(|(name, value)| (name.as_str(), value));
    first.chain(rest.filter(|(name, _)| !known.contains(name)))
}

/// A value as TOML writes it, on one line.
pub(crate) fn word(value: &Value) -> String {
    match value {
        // A basic string of TOML has the escapes of JSON, and minds one character more.
        Value::String(_) => value.to_string().replace('\u{7f}', "\\u007F"),
        Value::Array(items) => format!("[{}]", items.iter().map(word).collect::<Vec<_>>().join(", ")),
        Value::Object(members) => table(members),
        Value::Null => "\"\"".to_owned(),
        other => other.to_string(),
    }
}

fn table(members: &Map<String, Value>) -> String {
    let bare = |name: &str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
    };
    let key = |name: &str| if bare(name) { name.to_owned() } else { word(&name.into()) };
    let pairs = members.iter().map(|(name, value)| format!("{} = {}", key(name), word(value)));
    format!("{{ {} }}", pairs.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_one_line_of_toml_whatever_is_in_it() {
        for value in [
            json!("plain"),
            json!("two\nlines \"quoted\" 'and' back\\slash \u{1b}[31m"),
            json!(["a", 1, true]),
            json!({"method": "GET", "odd key": {"n": 1}}),
        ] {
            let text = word(&value);
            assert!(!text.contains('\n'), "{text}");
            let read: toml::Table = toml::from_str(&format!("v = {text}")).expect("TOML");
            assert_eq!(serde_json::to_value(&read["v"]).expect("JSON"), value, "{text}");
        }
    }
}
