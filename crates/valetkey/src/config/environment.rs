//! The environment as leaves: `VALETKEY__HTTP__LISTEN` is `http.listen`; `VALETKEY__MASTER_KEY__FILE` names a file.

use super::keys::{DATABASE_URL, SECRETS};
use super::nearest::nearest;
use super::permissions;
use super::tree::{Given, Known, Leaves, Origin, Problem};
use serde_json::Value;
use std::path::Path;

const PREFIX: &str = "VALETKEY__";

/// The process's variables that could be meant for us.
pub(crate) fn variables() -> Vec<(String, String)> {
    #[expect(clippy::disallowed_methods, reason = "the one place where the environment is read")]
    let all = std::env::vars_os();
    let text =
        |(name, value): (std::ffi::OsString, std::ffi::OsString)| Some((name.into_string().ok()?, value));
    let own = all.filter_map(text).filter(|(name, _)| name.starts_with("VALETKEY"));
    own.map(|(name, value)| (name, value.to_string_lossy().into_owned())).collect()
}

/// Any one variable, which a file of ours names.
pub(crate) fn named(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "the one place where the environment is read")]
    let found = std::env::var(name);
    found.ok()
}

/// Reads the variables of the prefix. One that spells a key with single underscores is reported as well:
/// it would be overlooked for ever.
pub(crate) fn read(
    known: &Known,
    variables: &[(String, String)],
    leaves: &mut Leaves,
    problems: &mut Vec<Problem>,
) {
    for (name, text) in variables {
        let origin = Origin::Variable(name.clone());
        let result = match name.strip_prefix(PREFIX) {
            Some(rest) => leaf(known, rest, text),
            None => misspelt(known, name).map_or(Ok(None), Err),
        };
        match result {
            Ok(Some((key, _)))
                if leaves.get(&key).is_some_and(|given| matches!(given.origin, Origin::Variable(_))) =>
            {
                problems.push(Problem::at(origin, format!("`{key}` is given by two variables: unset one")));
            }
            Ok(Some((key, value))) => {
                leaves.insert(key, Given { value, origin });
            }
            Ok(None) => {}
            Err(message) => problems.push(Problem::at(origin, message)),
        }
    }
}

fn leaf(known: &Known, rest: &str, text: &str) -> Result<Option<(String, Value)>, String> {
    let key = rest.to_lowercase().replace("__", ".");
    if let Some(secret) =
        key.strip_suffix(".file").filter(|key| SECRETS.contains(key) || *key == DATABASE_URL)
    {
        return from_file(text).map(|value| Some((secret.to_owned(), value)));
    }
    match known.is_section(&key) {
        Some(false) => Ok(Some((key, Value::from(text)))),
        Some(true) => Err(format!("`{key}` is a section: set its keys one by one, as {PREFIX}{rest}__KEY")),
        None => Err(unknown(known, &key)),
    }
}

fn from_file(path: &str) -> Result<Value, String> {
    let path = Path::new(path);
    permissions::check_private(path)?;
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    Ok(Value::from(text.trim_end_matches(['\r', '\n'])))
}

fn unknown(known: &Known, key: &str) -> String {
    let from_files = SECRETS.iter().chain([&DATABASE_URL]);
    let files: Vec<String> = from_files.map(|key| format!("{key}.file")).collect();
    let keys = known.leaves().iter().chain(&files).map(String::as_str);
    match nearest(key, keys) {
        Some(near) => format!("unknown variable; did you mean {}?", variable(near)),
        None => format!("unknown variable: there is no key `{key}`; `valetkey config schema` lists them all"),
    }
}

fn misspelt(known: &Known, name: &str) -> Option<String> {
    let flat = |text: &str| text.to_lowercase().replace("__", "_").replace('.', "_");
    let own = flat(name.strip_prefix("VALETKEY_")?);
    let meant = known.leaves().iter().find(|leaf| flat(leaf) == own)?;
    Some(format!("write {} (double underscores throughout)", variable(meant)))
}

fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.to_uppercase().replace('.', "__"))
}
