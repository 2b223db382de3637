//! A plan for people, `+` `-` `~` and old → new; and for programs.

use super::write::word;
use serde_json::{Value, json};
use std::fmt::Write as _;
use valetkey_core::client::compat::Compat;
use valetkey_core::manage::apply::{Action, Change, MemberChange, Plan};

/// What people see.
pub(crate) fn to_text(plan: &Plan, dry_run: bool) -> String {
    let mut text = String::new();
    for change in &plan.changes {
        one(&mut text, change);
    }
    if plan.is_empty() {
        return "Nothing to change.\n".to_owned();
    }
    let count = |action| plan.changes.iter().filter(|change| change.action == action).count();
    let (made, changed, gone) = (count(Action::Create), count(Action::Update), count(Action::Delete));
    let numbers = format!("{made} to create, {changed} to change, {gone} to delete");
    if dry_run {
        let _ = writeln!(text, "\nDry run: {numbers}. Nothing was written.");
        return text;
    }
    for (id, secret) in &plan.secrets {
        let _ = write!(text, "\nclient_id      {id}\nclient_secret  {}\n", secret.expose());
    }
    if !plan.secrets.is_empty() {
        text.push_str("Keep what is secret: it is shown this once.\n");
    }
    let _ = writeln!(text, "\nApplied: {made} created, {changed} changed, {gone} deleted.");
    text
}

fn one(text: &mut String, change: &Change) {
    let (sign, word) = match change.action {
        Action::Create => ('+', ""),
        Action::Update => ('~', ""),
        Action::Delete => ('-', " and all that is its own"),
    };
    let name = if change.kind == "settings" { String::new() } else { format!(" {}", plain(&change.id)) };
    let word = if change.kind == "client" { word } else { "" };
    let _ = writeln!(text, "{sign} {}{name}{word}", change.kind);
    if change.action == Action::Delete {
        return;
    }
    for member in &change.members {
        line(text, member);
        risks(text, member);
    }
}

fn line(text: &mut String, member: &MemberChange) {
    let name = &member.name;
    match (&member.old, &member.new) {
        (Some(Value::Array(old)), Some(Value::Array(new))) => items(text, name, old, new),
        (None, Some(Value::Array(new))) if new.iter().any(Value::is_object) => items(text, name, &[], new),
        (Some(Value::Array(old)), None) if old.iter().any(Value::is_object) => items(text, name, old, &[]),
        (Some(old), Some(new)) => drop(writeln!(text, "    ~ {name}: {} → {}", word(old), word(new))),
        (None, Some(new)) => drop(writeln!(text, "    + {name}: {}", word(new))),
        (Some(old), None) => drop(writeln!(text, "    - {name}: {}", word(old))),
        (None, None) => {}
    }
}

/// A list of which something came or went: a line for each that did.
fn items(text: &mut String, name: &str, old: &[Value], new: &[Value]) {
    let gone = old.iter().filter(|item| !new.contains(item)).map(|item| ('-', item));
    let come = new.iter().filter(|item| !old.contains(item)).map(|item| ('+', item));
    let mut moved = true;
    for (sign, item) in gone.chain(come) {
        moved = false;
        let _ = writeln!(text, "    {sign} {name}: {}", word(item));
    }
    if moved {
        let list = |items: &[Value]| word(&Value::from(items.to_vec()));
        let _ = writeln!(text, "    ~ {name}: {} → {}", list(old), list(new));
    }
}

/// Contract 2.5: an opt-in is shown with its risk wherever it is switched on.
fn risks(text: &mut String, member: &MemberChange) {
    if !matches!(member.name.as_str(), "compat" | "registration.compat") {
        return;
    }
    let names = |value: &Option<Value>| -> Vec<String> {
        let items = value.as_ref().and_then(Value::as_array).into_iter().flatten();
        items.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let old = names(&member.old);
    for name in names(&member.new).into_iter().filter(|name| !old.contains(name)) {
        let risk = Compat::parse(&name).map_or(QUERY_ACCESS_TOKEN, Compat::risk);
        let _ = writeln!(text, "      ! {name}: {risk}");
    }
}

const QUERY_ACCESS_TOKEN: &str =
    "an access token in an address ends up in histories, logs and referrers, where others can read it";

fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

/// What programs see.
pub(crate) fn to_json(plan: &Plan, dry_run: bool) -> Value {
    let secrets = plan.secrets.iter().filter(|_| !dry_run);
    json!({
        "id": "apply",
        "dry_run": dry_run,
        "changed": !plan.is_empty(),
        "changes": plan.changes,
        "kept": plan.kept,
        "clients": secrets.map(|(id, secret)| json!({
            "id": id, "client_id": id, "client_secret": secret.expose(),
        })).collect::<Vec<_>>(),
    })
}
