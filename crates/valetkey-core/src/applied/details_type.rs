//! RFC 9396 §2, §5 — the types of authorization details that the operator registered, and what may stand in one

use crate::ids::ApiId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// RFC 9396 §2.2, the common members: what a type may hold that lists none of its own.
const COMMON: [&str; 5] = ["locations", "actions", "datatypes", "identifier", "privileges"];
/// Those of them that are lists of texts.
const LISTS: [&str; 4] = ["locations", "actions", "datatypes", "privileges"];

/// What an application can ask for beyond the reach of a scope, in words of the operator's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct DetailsType {
    #[serde(rename = "type")]
    pub name: String,
    /// What it lets an application do, as the end of "It would be able to …"; `{amount.value}` stands for what is asked.
    pub description: String,
    /// The API that it means something to; none said: whichever the token is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api: Option<ApiId>,
    /// The members that may stand in one; none listed here and below: the common ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// Those that must.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub required: Vec<String>,
    /// What a member may say, where not everything.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, Vec<String>>,
}

/// How much of it people can look through, and a token carries.
const NAME_LIMIT: usize = 200;
const WORDS_LIMIT: usize = 400;

impl DetailsType {
    /// Why it cannot be registered.
    pub fn flaw(&self) -> Option<&'static str> {
        let plain = |name: &str| {
            !name.is_empty() && name.len() <= NAME_LIMIT && name.bytes().all(|b| b.is_ascii_graphic())
        };
        if !plain(&self.name) {
            return Some("a type has a name of 1 to 200 printable ASCII characters without spaces");
        }
        if self.description.trim().is_empty() || self.description.chars().count() > WORDS_LIMIT {
            return Some(
                "say in 1 to 400 characters what it lets an application do: people read it when they are asked",
            );
        }
        let named = self.fields.iter().chain(&self.required).chain(self.values.keys());
        if named.clone().any(|name| !plain(name) || name == "type") {
            return Some("a member has a name of printable ASCII characters; type is always there");
        }
        None
    }

    fn knows(&self, member: &str) -> bool {
        if self.fields.is_empty() && self.required.is_empty() && self.values.is_empty() {
            return COMMON.contains(&member);
        }
        let mut own = self.fields.iter().chain(&self.required).chain(self.values.keys());
        own.any(|name| name == member)
    }

    /// RFC 9396 §5: whether an object is one of this type, whole and with nothing unknown in it. `resource`: of its API.
    pub fn fits(&self, object: &Map<String, Value>, resource: Option<&str>) -> bool {
        let text_list = |value: &Value| value.as_array().is_some_and(|all| all.iter().all(Value::is_string));
        object.iter().filter(|(name, _)| *name != "type").all(|(name, value)| {
            let common = match name.as_str() {
                "identifier" => value.is_string(),
                name if LISTS.contains(&name) => text_list(value),
                _ => !value.is_null(),
            };
            common && self.knows(name) && self.may_say(name, value) && here(name, value, resource)
        }) && self.required.iter().all(|name| object.contains_key(name))
    }

    fn may_say(&self, name: &str, value: &Value) -> bool {
        let Some(allowed) = self.values.get(name) else { return true };
        let one = |value: &Value| value.as_str().is_some_and(|text| allowed.iter().any(|own| own == text));
        match value {
            Value::Array(all) => all.iter().all(one),
            value => one(value),
        }
    }

    /// The words with what is asked in their places.
    pub fn words(&self, object: &Value) -> String {
        let mut words = String::new();
        let mut rest = self.description.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            let Some((path, behind)) = after.split_once('}') else { break };
            words.push_str(before);
            let found = path.split('.').try_fold(object, |node, name| node.get(name));
            words.push_str(&found.map_or_else(|| "…".to_owned(), said));
            rest = behind;
        }
        words.push_str(rest);
        words
    }

    /// What the words do not speak of, member by member: nobody agrees to what is not shown.
    pub fn unsaid(&self, object: &Value) -> Vec<(String, String)> {
        let mut all = Vec::new();
        leaves("", object, &mut all);
        all.retain(|(path, _)| path != "type" && !self.description.contains(&format!("{{{path}}}")));
        all
    }
}

/// RFC 9396 §2.2, `locations`: where the API is, and nowhere else.
fn here(name: &str, value: &Value, resource: Option<&str>) -> bool {
    let Some(resource) = resource.filter(|_| name == "locations") else { return true };
    value.as_array().is_some_and(|all| all.iter().all(|one| one.as_str() == Some(resource)))
}

fn said(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(all) => all.iter().map(said).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

fn leaves(path: &str, value: &Value, found: &mut Vec<(String, String)>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| leaves(&below(name), value, found)),
        Value::Array(all) if all.iter().any(Value::is_object) => {
            all.iter()
                .enumerate()
                .for_each(|(at, value)| leaves(&below(&(at + 1).to_string()), value, found));
        }
        value => found.push((path.to_owned(), said(value))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn payment() -> DetailsType {
        DetailsType {
            name: "payment".to_owned(),
            description: "Pay {amount.value} {amount.currency} to {creditor}".to_owned(),
            fields: ["locations", "reference", "creditor"].map(str::to_owned).to_vec(),
            required: vec!["amount".to_owned()],
            values: [("actions".to_owned(), vec!["initiate".to_owned(), "status".to_owned()])].into(),
            ..DetailsType::default()
        }
    }

    #[test]
    fn rfc9396_section_5_an_object_is_whole_and_holds_nothing_unknown() {
        let amount = json!({"value": "10.00", "currency": "EUR"});
        for (object, fits) in [
            (json!({"type": "payment", "amount": amount}), true),
            (json!({"type": "payment", "amount": amount, "actions": ["initiate"], "creditor": "Ada"}), true),
            (json!({"type": "payment"}), false),
            (json!({"type": "payment", "amount": amount, "actions": ["delete"]}), false),
            (json!({"type": "payment", "amount": amount, "actions": "initiate"}), false),
            (json!({"type": "payment", "amount": amount, "actions": [1]}), false),
            (json!({"type": "payment", "amount": null}), false),
            (json!({"type": "payment", "amount": amount, "datatypes": ["x"]}), false),
            (json!({"type": "payment", "amount": amount, "locations": ["https://pay.example"]}), true),
            (json!({"type": "payment", "amount": amount, "locations": ["https://evil.example"]}), false),
        ] {
            let members = object.as_object().expect("an object");
            assert_eq!(payment().fits(members, Some("https://pay.example")), fits, "{object}");
        }
        let plain = DetailsType { name: "files".to_owned(), ..DetailsType::default() };
        for (object, fits) in [
            (json!({"actions": ["read"], "identifier": "f1", "privileges": ["admin"]}), true),
            (json!({"identifier": ["f1"]}), false),
            (json!({"colour": "red"}), false),
        ] {
            assert_eq!(plain.fits(object.as_object().expect("an object"), None), fits, "{object}");
        }
    }

    #[test]
    fn the_words_say_what_is_asked_and_nothing_that_is_asked_goes_unsaid() {
        let object = json!({
            "type": "payment", "amount": {"value": "10.00", "currency": "EUR"}, "creditor": "Ada",
            "reference": "No. 7", "actions": ["initiate", "status"], "to": [{"iban": "X"}],
        });
        assert_eq!(payment().words(&object), "Pay 10.00 EUR to Ada");
        let unsaid = payment().unsaid(&object);
        let unsaid: Vec<_> = unsaid.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(unsaid, [("actions", "initiate, status"), ("reference", "No. 7"), ("to.1.iban", "X")]);
        assert_eq!(payment().words(&json!({})), "Pay … … to …");
    }
}
