//! How a thing of the configuration is written in a file: its stored document without what only the store knows,
//! durations in words, scopes as one text, and what is as it would be anyway left out.

use super::Kind;
use crate::ids::TenantId;
use crate::settings::NEVER;
use crate::time::Seconds;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// Members of a thing, by name.
pub type Members = Map<String, Value>;

/// Of an endpoint rule, in the order in which they are written.
pub const ENDPOINT: [&str; 6] = ["method", "path", "scopes", "user", "max_age", "acr"];

/// Of an upstream: what it calls what we want to know.
pub const CLAIMS: [&str; 5] = ["subject", "username", "name", "email", "email_verified"];

/// A text that is a span of time.
const SPANS: [&str; 10] = [
    "unused_after",
    "max_age",
    "access_token_lifetime",
    "code",
    "access_token",
    "refresh_idle",
    "refresh_absolute",
    "retry_window",
    "session",
    "session_idle",
];
const SCOPES: [&str; 4] = ["scope", "scopes", "application_scope", "browser_scope"];
const LISTS: [&str; 9] = [
    "acr",
    "redirect_uris",
    "post_logout_redirect_uris",
    "grant_types",
    "compat",
    "cors_origins",
    "audiences",
    "algorithms",
    "trusted_for",
];
/// An API's one opt-in, which is a flag in its document.
const QUERY_ACCESS_TOKEN: &str = "query_access_token";

/// A member as the document has it. What is not as a file may have it stays as it is: the document's own reader says why.
pub(super) fn read_member(name: &str, value: &Value) -> Value {
    match value {
        Value::String(text) if SPANS.contains(&name) => span(text),
        Value::Array(names) if SCOPES.contains(&name) => {
            let names: Option<Vec<&str>> = names.iter().map(Value::as_str).collect();
            names.map_or_else(|| value.clone(), |names| names.join(" ").into())
        }
        Value::String(text) if LISTS.contains(&name) => json!([text]),
        Value::Array(rules) if name == "endpoints" => rules.iter().map(read_rule).collect(),
        other => other.clone(),
    }
}

fn span(text: &str) -> Value {
    if text == "never" {
        return NEVER.0.into();
    }
    text.parse::<Seconds>().map_or_else(|_| text.into(), |span| span.0.into())
}

fn read_rule(rule: &Value) -> Value {
    let Value::Object(members) = rule else { return rule.clone() };
    let mut document: Members =
        members.iter().map(|(name, value)| (name.clone(), read_member(name, value))).collect();
    document.insert("id".to_owned(), "".into());
    document.into()
}

/// A member as a file has it; `None`: it is as it would be anyway.
fn shown_member(name: &str, value: &Value) -> Option<Value> {
    let plain = match value {
        Value::Null | Value::Bool(false) => None,
        Value::String(text) if text.is_empty() => None,
        Value::Array(items) if items.is_empty() => None,
        Value::Object(members) if members.is_empty() => None,
        Value::Number(number) if SPANS.contains(&name) => number.as_i64().map(|n| words(Seconds(n)).into()),
        Value::Array(rules) if name == "endpoints" => Some(rules.iter().map(shown_rule).collect()),
        other => Some(other.clone()),
    };
    let usual = [
        ("token_format", "sealed"),
        ("signing_alg", "EdDSA"),
        ("auth_method", "client_secret"),
        ("origin", "operator"),
        ("match_by", "identity"),
        ("tenant", TenantId::DEFAULT),
    ];
    plain.filter(|value| !usual.contains(&(name, value.as_str().unwrap_or_default())))
}

pub(super) fn words(span: Seconds) -> String {
    if span == NEVER { "never".to_owned() } else { span.to_string() }
}

fn shown_rule(rule: &Value) -> Value {
    let member = |name: &&str| Some(((*name).to_owned(), shown_member(name, rule.get(*name)?)?));
    ENDPOINT.iter().filter_map(member).collect::<Members>().into()
}

/// A thing of that kind as a file says it, its members in the order of [`Kind::members`].
pub(super) fn shown<T: Serialize>(kind: Kind, thing: &T) -> Members {
    let mut document = serde_json::to_value(thing).unwrap_or_default();
    if kind == Kind::Api && document[QUERY_ACCESS_TOKEN] == json!(true) {
        document["compat"] = json!([QUERY_ACCESS_TOKEN]);
    }
    let member = |name: &&str| {
        let value = document.get_mut(*name)?.take();
        // Of an upstream this is so unless it is said otherwise.
        if *name == "sign_up" && kind == Kind::Upstream {
            return (value == json!(false)).then(|| ((*name).to_owned(), value));
        }
        Some(((*name).to_owned(), shown_member(name, &value)?))
    };
    kind.members().iter().filter_map(member).collect()
}

/// Reads members over a thing that is right already. Each is tried by itself, so that every mistake is found and named.
pub(super) fn read<T: Serialize + DeserializeOwned>(
    kind: Kind,
    blank: &T,
    members: &Members,
) -> Result<T, Vec<(String, String)>> {
    let base = serde_json::to_value(blank).unwrap_or_default();
    let (mut whole, mut wrong) = (base.clone(), Vec::new());
    for (name, value) in members.iter().filter(|(name, _)| kind.members().contains(&name.as_str())) {
        let (name, value) = match opt_in(kind, name, value) {
            Ok(Some(flag)) => (QUERY_ACCESS_TOKEN, flag),
            Ok(None) => (name.as_str(), read_member(name, value)),
            Err(message) => {
                wrong.push((name.clone(), message));
                continue;
            }
        };
        let mut alone = base.clone();
        alone[name] = value.clone();
        match serde_json::from_value::<T>(alone) {
            Ok(_) => whole[name] = value.clone(),
            Err(error) => wrong.push((name.to_owned(), why(name, &value, &error))),
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    serde_json::from_value(whole).map_err(|error| vec![(String::new(), said(&error))])
}

fn opt_in(kind: Kind, name: &str, value: &Value) -> Result<Option<Value>, String> {
    if kind != Kind::Api || name != "compat" {
        return Ok(None);
    }
    let names = read_member(name, value);
    let all = names.as_array().is_some_and(|all| all.iter().all(|name| name == QUERY_ACCESS_TOKEN));
    if !all {
        return Err(format!("an API has one opt-in: compat = [\"{QUERY_ACCESS_TOKEN}\"]"));
    }
    Ok(Some(names.as_array().is_some_and(|all| !all.is_empty()).into()))
}

/// Why a value is not what its name wants, in words of the file.
pub(super) fn why(name: &str, value: &Value, error: &serde_json::Error) -> String {
    match value {
        Value::String(text) if SPANS.contains(&name) => {
            format!("{text:?} is not a duration such as \"90s\", \"10m\", \"12h\", \"30d\" or \"never\"")
        }
        _ => said(error),
    }
}

/// The reader's words, without the place in a document that nobody wrote.
pub(super) fn said(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::tests::client;
    use crate::scope::Scope;
    use crate::store::Api;
    use crate::time::Timestamp;
    use std::collections::BTreeSet;

    /// A member that a thing's document has gained must be in its list, or here: what a file does not speak of, a file
    /// cannot bring back.
    #[test]
    fn a_file_speaks_of_every_member_of_a_document_but_those_that_only_the_store_knows() {
        let api = Api {
            browser_scope: Some(Scope::default()),
            access_token_lifetime: Some(Seconds(1)),
            ..Api::new("a", "https://a.example", Timestamp(0))
        };
        let client = crate::client::Client {
            tenant: Some("t".into()),
            scope: Some(Scope::default()),
            application_scope: Some(Scope::default()),
            jwks: Some(Value::Null),
            jwks_uri: Some(String::new()),
            access_token_lifetime: Some(Seconds(1)),
            ..client("c")
        };
        let of_store: BTreeSet<&str> =
            ["created_at", "updated_at", "registration_token", "listing", "secrets", "query_access_token"]
                .into();
        for (kind, document) in [(Kind::Api, json!(api)), (Kind::Client, json!(client))] {
            for name in document.as_object().expect("members").keys() {
                let spoken = kind.members().contains(&name.as_str());
                assert!(spoken != of_store.contains(name.as_str()), "{} `{name}`", kind.name());
            }
        }
    }

    #[test]
    fn a_member_is_read_as_people_write_it() {
        for (name, written, want) in [
            ("access_token_lifetime", json!("30m"), json!(1800)),
            ("refresh_idle", json!("never"), json!(NEVER.0)),
            ("code", json!("soon"), json!("soon")),
            ("scope", json!(["a", "b"]), json!("a b")),
            ("scopes", json!("a b"), json!("a b")),
            ("redirect_uris", json!("https://a.example"), json!(["https://a.example"])),
            ("name", json!("30m"), json!("30m")),
            ("scope", json!([1]), json!([1])),
        ] {
            assert_eq!(read_member(name, &written), want, "{name}: {written}");
        }
    }
}
