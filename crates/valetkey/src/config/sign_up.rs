//! Where people make accounts for themselves: nowhere, in the directory `default`, or in those that are named.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use valetkey_core::ids::TenantId;
use valetkey_core::manage::tenant;

const EXPECTED: &str = "true (the tenant \"default\"), false, or a list of tenant ids";

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct SignUp(Vec<TenantId>);

impl SignUp {
    pub(crate) fn tenants(&self) -> Vec<TenantId> {
        self.0.clone()
    }
}

impl Serialize for SignUp {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [] => false.serialize(to),
            [only] if *only == TenantId::default() => true.serialize(to),
            some => some.serialize(to),
        }
    }
}

impl<'de> Deserialize<'de> for SignUp {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Flag(bool),
            One(String),
            Several(Vec<String>),
        }
        let ids = match Written::deserialize(from) {
            Ok(Written::Flag(on)) => return Ok(Self::flag(on)),
            // A variable of the environment is text.
            Ok(Written::One(text)) => match text.parse() {
                Ok(on) => return Ok(Self::flag(on)),
                Err(_) => vec![text],
            },
            Ok(Written::Several(ids)) => ids,
            Err(_) => return Err(D::Error::custom(format!("expected {EXPECTED}"))),
        };
        if let Some(wrong) = ids.iter().find(|id| !tenant::is_id(id)) {
            return Err(D::Error::custom(format!("{wrong:?} is not one; expected {EXPECTED}")));
        }
        Ok(Self(ids.iter().map(|id| TenantId::from(id.as_str())).collect()))
    }
}

impl SignUp {
    fn flag(on: bool) -> Self {
        Self(on.then(TenantId::default).into_iter().collect())
    }
}

impl JsonSchema for SignUp {
    fn schema_name() -> Cow<'static, str> {
        "SignUp".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": EXPECTED,
            "anyOf": [{"type": "boolean"}, {"type": "string"}, {"type": "array", "items": {"type": "string"}}],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn true_means_the_default_directory_alone_and_others_are_named() {
        for (written, tenants, back) in [
            (json!(false), &[][..], json!(false)),
            (json!(true), &["default"], json!(true)),
            (json!("true"), &["default"], json!(true)),
            (json!("false"), &[], json!(false)),
            (json!(["default"]), &["default"], json!(true)),
            (json!("house"), &["house"], json!(["house"])),
            (json!(["house", "default"]), &["house", "default"], json!(["house", "default"])),
            (json!([]), &[], json!(false)),
        ] {
            let read: SignUp = serde_json::from_value(written.clone()).expect("read");
            let want: Vec<TenantId> = tenants.iter().map(|id| TenantId::from(*id)).collect();
            assert_eq!(read.tenants(), want, "{written}");
            assert_eq!(serde_json::to_value(&read).expect("written"), back, "{written}");
        }
        for wrong in [json!(1), json!(["a b"]), json!("*"), json!([true]), json!([""]), Value::Null] {
            assert!(serde_json::from_value::<SignUp>(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
