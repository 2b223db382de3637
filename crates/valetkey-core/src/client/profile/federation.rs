//! RFC 8693, RFC 7523 — what an operator lets a client do with others' tokens; no application says it of itself

use super::members;
use crate::client::metadata::BadMetadata;
use crate::client::{AuthMethod, Client};
use crate::scope::Scope;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

members! {
    /// The operator's alone.
    pub struct Federation {
        /// What it may make of others' tokens: `impersonation` (a token of the same person), `delegation` (one that says who
        /// acts). Its own tokens it may always narrow.
        pub token_exchange: Vec<Exchanging>,
        /// Further clients whose tokens it may exchange, beside its own and those for APIs that it stands for.
        pub token_exchange_clients: Vec<String>,
        /// APIs (resource or id) that it may exchange tokens for, beside those that a token is for already.
        pub token_exchange_audiences: Vec<String>,
        /// The most that an exchanged token may have.
        pub token_exchange_scope: Option<Scope>,
        /// RFC 8693 §4.4: who alone may act with the tokens of this client: `sub`, `client_id` or both.
        pub may_act: Option<Map<String, Value>>,
        /// Applications elsewhere to which it may carry what it knows of a person (an ID-JAG).
        pub id_jag: Vec<Elsewhere>,
        /// What proves the client instead of a key of its own: tokens of a trusted issuer.
        pub workload: Vec<Workload>,
    }
}

/// What a client may make of others' tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exchanging {
    Impersonation,
    Delegation,
}

/// An authorization server elsewhere, and who this client is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Elsewhere {
    /// Its issuer.
    pub audience: String,
    pub client_id: String,
    /// Resources there; empty: none is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// The client by which that application signs people in here: they are named there as it knows them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject_client: Option<String>,
}

/// Which tokens of a trusted issuer are this client's: every one of these must be so, character for character.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workload {
    pub issuer: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// `None`: as the issuer's other tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// Claims with the value that they must have; a list: one of these.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub claims: Map<String, Value>,
}

impl Workload {
    /// Whether a token with these claims is the client's.
    pub fn fits(&self, issuer: &str, subject: &str, claims: &Map<String, Value>) -> bool {
        let audience = |own: &String| match claims.get("aud") {
            Some(Value::Array(all)) => all.iter().any(|one| one == own.as_str()),
            Some(one) => one == own.as_str(),
            None => false,
        };
        self.issuer == issuer
            && self.subject.as_ref().is_none_or(|own| own == subject)
            && self.audience.as_ref().is_none_or(audience)
            && has_all(&self.claims, claims)
    }
}

fn has_all(wanted: &Map<String, Value>, claims: &Map<String, Value>) -> bool {
    wanted.iter().all(|(name, value)| claims.get(name).is_some_and(|own| is(value, own)))
}

/// A list says what may be; an object, what must be inside.
fn is(wanted: &Value, own: &Value) -> bool {
    match (wanted, own) {
        (Value::Array(any), own) if !own.is_array() => any.contains(own),
        (Value::Object(wanted), Value::Object(own)) => has_all(wanted, own),
        (wanted, own) => wanted == own,
    }
}

impl Federation {
    pub(super) fn check(&self, client: &Client) -> Result<(), BadMetadata> {
        let refuse = |text: &str| Err(BadMetadata(text.to_owned()));
        if self.workload.iter().any(|own| own.subject.is_none() && own.claims.is_empty()) {
            return refuse(
                "workload: name a subject or claims: otherwise every token of the issuer is this client",
            );
        }
        if !self.workload.is_empty() && client.auth_method != AuthMethod::PrivateKeyJwt {
            return refuse("workload: the client's method must be private_key_jwt");
        }
        let named = |own: &Map<String, Value>| {
            !own.is_empty()
                && own.iter().all(|(name, value)| {
                    ["sub", "client_id", "iss"].contains(&name.as_str()) && value.is_string()
                })
        };
        if self.may_act.as_ref().is_some_and(|own| !named(own)) {
            return refuse("may_act: name sub, client_id or iss, as text");
        }
        if client.is_public() && !(self.token_exchange.is_empty() && self.id_jag.is_empty()) {
            return refuse("token_exchange and id_jag are for confidential clients only");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_workload_is_known_by_exact_values_and_never_by_a_part_of_them() {
        let claims = json!({
            "aud": ["https://id.example"], "repository": "acme/app", "ref": "refs/heads/main", "attempt": 1,
            "kubernetes.io": {"namespace": "prod", "serviceaccount": {"name": "api"}},
        });
        let Value::Object(claims) = claims else { return };
        for (wanted, fits) in [
            (json!({"issuer": "i", "subject": "s"}), true),
            (json!({"issuer": "i", "subject": "s2"}), false),
            (json!({"issuer": "i2", "subject": "s"}), false),
            (json!({"issuer": "i", "claims": {"repository": "acme/app"}}), true),
            (json!({"issuer": "i", "claims": {"repository": "acme/ap"}}), false),
            (json!({"issuer": "i", "claims": {"repository": "acme/app2"}}), false),
            (json!({"issuer": "i", "claims": {"repository": "acme/*"}}), false),
            (json!({"issuer": "i", "claims": {"repository": "ACME/app"}}), false),
            (json!({"issuer": "i", "claims": {"ref": ["refs/heads/main", "refs/heads/next"]}}), true),
            (json!({"issuer": "i", "claims": {"ref": ["refs/heads/next"]}}), false),
            (json!({"issuer": "i", "claims": {"attempt": "1"}}), false),
            (json!({"issuer": "i", "claims": {"missing": null}}), false),
            (json!({"issuer": "i", "claims": {"kubernetes.io": {"namespace": "prod"}}}), true),
            (json!({"issuer": "i", "claims": {"kubernetes.io": {"serviceaccount": {"name": "ap"}}}}), false),
            (json!({"issuer": "i", "subject": "s", "audience": "https://id.example"}), true),
            (json!({"issuer": "i", "subject": "s", "audience": "https://id"}), false),
        ] {
            let own: Workload = serde_json::from_value(wanted.clone()).expect("a workload");
            assert_eq!(own.fits("i", "s", &claims), fits, "{wanted}");
        }
    }
}
