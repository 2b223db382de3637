//! OIDC Core §5.5 — the `claims` parameter: claims asked for one by one, for userinfo and for the ID token

use super::find;
use crate::error::{Code, Denial};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// No request needs a longer one, in bytes.
const LONGEST: usize = 8192;
/// Values that are kept of one claim.
const MOST_VALUES: usize = 16;
/// Of a `sub` (OIDC Core §2) or an `acr`.
const LONGEST_VALUE: usize = 255;

/// What is asked for; names that mean nothing here are left out (§5.5: they are ignored).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Requested {
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub userinfo: BTreeMap<String, Wish>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub id_token: BTreeMap<String, Wish>,
}

/// §5.5.1 — how much it is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Wish {
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub essential: bool,
    /// Of `sub` and `acr` alone: no other claim changes by being wished.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

const BAD: Denial = Code::InvalidRequest
    .because("claims must be a JSON object with the members userinfo and id_token (OIDC Core 5.5)");

impl Requested {
    pub fn parse(text: &str) -> Result<Self, Denial> {
        if text.len() > LONGEST {
            return Err(BAD);
        }
        let Ok(Value::Object(mut whole)) = serde_json::from_str(text) else { return Err(BAD) };
        let mut part = |name: &str| match whole.remove(name) {
            None | Some(Value::Null) => Ok(BTreeMap::new()),
            Some(Value::Object(members)) => wishes(members),
            Some(_) => Err(BAD),
        };
        Ok(Self { userinfo: part("userinfo")?, id_token: part("id_token")? })
    }

    pub fn is_empty(&self) -> bool {
        self.userinfo.is_empty() && self.id_token.is_empty()
    }

    /// The claims about the person, each once.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let ours = self.id_token.keys().filter(|name| !self.userinfo.contains_key(*name));
        self.userinfo.keys().chain(ours).map(String::as_str).filter(|name| find(name).is_some())
    }

    /// The same without the claims that `keep` refuses.
    #[must_use]
    pub fn filter(&self, keep: impl Fn(&str) -> bool) -> Self {
        let some = |all: &BTreeMap<String, Wish>| {
            let kept = all.iter().filter(|(name, _)| find(name).is_none() || keep(name));
            kept.map(|(name, wish)| (name.clone(), wish.clone())).collect()
        };
        Self { userinfo: some(&self.userinfo), id_token: some(&self.id_token) }
    }

    /// The `sub` that the answer must be about (§5.5.1), wherever it is asked for; several: one of them.
    pub fn subjects(&self) -> impl Iterator<Item = &Wish> {
        [&self.id_token, &self.userinfo].into_iter().filter_map(|part| part.get("sub"))
    }

    /// §5.5.1.1.
    pub fn acr(&self) -> Option<&Wish> {
        self.id_token.get("acr")
    }
}

fn wishes(members: Map<String, Value>) -> Result<BTreeMap<String, Wish>, Denial> {
    let mut wishes = BTreeMap::new();
    for (name, value) in members {
        let wish = wish(&name, value)?;
        if find(&name).is_some() || matches!(name.as_str(), "sub" | "acr" | "auth_time") {
            wishes.insert(name, wish);
        }
    }
    Ok(wishes)
}

fn wish(name: &str, value: Value) -> Result<Wish, Denial> {
    let mut members = match value {
        Value::Null => return Ok(Wish::default()),
        Value::Object(members) => members,
        _ => return Err(BAD),
    };
    let essential = match members.remove("essential") {
        None => false,
        Some(Value::Bool(essential)) => essential,
        Some(_) => return Err(BAD),
    };
    let mut values: Vec<Value> = match members.remove("values") {
        None => Vec::new(),
        Some(Value::Array(values)) => values,
        Some(_) => return Err(BAD),
    };
    values.extend(members.remove("value"));
    if !matches!(name, "sub" | "acr") {
        return Ok(Wish { essential, values: Vec::new() });
    }
    let text = |value: &Value| value.as_str().filter(|text| text.len() <= LONGEST_VALUE).map(str::to_owned);
    let values: Option<Vec<String>> = values.iter().map(text).collect();
    let values = values.filter(|values| values.len() <= MOST_VALUES).ok_or(BAD)?;
    Ok(Wish { essential, values })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oidc_core_section_5_5_the_parameter_is_read_or_refused() {
        for (text, names) in [
            (
                r#"{"userinfo":{"given_name":{"essential":true},"nickname":null}}"#,
                Some("given_name nickname"),
            ),
            (
                r#"{"userinfo":{"email":null},"id_token":{"email":null,"auth_time":{"essential":true}}}"#,
                Some("email"),
            ),
            (r#"{"id_token":{"http://x.example/c":null,"name#de":{"value":7}},"other":7}"#, Some("")),
            (r#"{"userinfo":null}"#, Some("")),
            ("{}", Some("")),
            ("", None),
            ("[]", None),
            ("null", None),
            (r#"{"userinfo":[]}"#, None),
            (r#"{"userinfo":{"email":true}}"#, None),
            (r#"{"userinfo":{"email":{"essential":"yes"}}}"#, None),
            (r#"{"id_token":{"sub":{"value":7}}}"#, None),
            (r#"{"id_token":{"acr":{"values":"1"}}}"#, None),
        ] {
            let got = Requested::parse(text).ok().map(|own| own.names().collect::<Vec<_>>().join(" "));
            assert_eq!(got.as_deref(), names, "{text}");
        }
        let deep = format!("{}{}", "{\"userinfo\":".repeat(200), "}".repeat(200));
        assert!(Requested::parse(&deep).is_err());
    }

    #[test]
    fn oidc_core_section_5_5_1_value_and_values_say_which_subject_and_which_acr() {
        let text = r#"{"id_token":{"sub":{"value":"a"},"acr":{"essential":true,"values":["1","2"]}}}"#;
        let own = Requested::parse(text).expect("claims");
        assert_eq!(own.subjects().map(|wish| wish.values.join(" ")).collect::<Vec<_>>(), ["a"]);
        let acr = own.acr().expect("acr");
        assert_eq!((acr.essential, acr.values.join(" ").as_str()), (true, "1 2"));
        assert!(!own.filter(|_| false).is_empty(), "these are no claims of a person");
    }
}
