//! RFC 6750 §3, RFC 9470 §3, §4 — what a route needs of a token beyond that it is good

use crate::caller::Caller;
use crate::claims::seconds;
use crate::refusal::Refusal;
use serde_json::Value;
use std::time::Duration;

/// What a layer asks for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Needs {
    /// All of them.
    pub(crate) scopes: Vec<String>,
    /// One of them; empty: however the person was authenticated.
    pub(crate) acr_values: Vec<String>,
    /// Since the person was.
    pub(crate) max_age: Option<Duration>,
}

impl Needs {
    /// How the person was authenticated comes first: the challenge names the scopes too, so that one trip is enough.
    pub(crate) fn check(&self, caller: &Caller, now: Duration, leeway: Duration) -> Result<(), Refusal> {
        if !self.is_authenticated(caller, now, leeway) {
            return Err(Refusal::Authentication);
        }
        if self.scopes.iter().all(|name| caller.scope.contains(name)) { Ok(()) } else { Err(Refusal::Scope) }
    }

    /// RFC 9470 §6.2: a token that does not say it was not authenticated so.
    fn is_authenticated(&self, caller: &Caller, now: Duration, leeway: Duration) -> bool {
        let acr = caller.claims.get("acr").and_then(Value::as_str);
        let known = acr.is_some_and(|acr| self.acr_values.iter().any(|own| own == acr));
        let at = seconds(&caller.claims, "auth_time").ok().flatten();
        let recent = |most: Duration| {
            at.is_some_and(|at| at <= now.saturating_add(leeway) && now <= at.saturating_add(most))
        };
        (self.acr_values.is_empty() || known) && self.max_age.is_none_or(recent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::Scope;
    use serde_json::json;

    #[test]
    fn rfc9470_section_6_2_what_the_token_does_not_say_is_not_so() {
        let needs = |acr: &str, max_age: Option<u64>| Needs {
            scopes: vec!["write".to_owned()],
            acr_values: Scope::parse(acr).into_names(),
            max_age: max_age.map(Duration::from_secs),
        };
        let (late, poor) = (Some(Refusal::Authentication), Some(Refusal::Scope));
        for (acr, max_age, scope, claims, want) in [
            ("", None, "write", json!({}), None),
            ("", None, "read", json!({}), poor),
            ("phr silver", None, "write", json!({"acr": "silver"}), None),
            ("phr silver", None, "write", json!({"acr": "silver phr"}), late),
            ("phr", None, "write", json!({"acr": "silver"}), late),
            ("phr", None, "write", json!({"acr": ["phr"]}), late),
            ("phr", None, "read", json!({}), late),
            ("", Some(60), "write", json!({"auth_time": 940}), None),
            ("", Some(60), "write", json!({"auth_time": 939}), late),
            ("", Some(60), "write", json!({"auth_time": 1010}), None),
            ("", Some(60), "write", json!({"auth_time": 1011}), late),
            ("", Some(60), "write", json!({"auth_time": "940"}), late),
            ("", Some(60), "write", json!({}), late),
            ("", Some(0), "write", json!({"auth_time": 1000}), None),
            ("phr", Some(60), "write", json!({"acr": "phr", "auth_time": 1}), late),
            ("phr", Some(60), "write", json!({"acr": "phr", "auth_time": 990}), None),
        ] {
            let Value::Object(said) = claims.clone() else { unreachable!() };
            let caller =
                Caller { subject: "s".to_owned(), client: None, scope: Scope::parse(scope), claims: said };
            let (now, leeway) = (Duration::from_secs(1000), Duration::from_secs(10));
            assert_eq!(
                needs(acr, max_age).check(&caller, now, leeway).err(),
                want,
                "{acr} {max_age:?} {claims}"
            );
        }
    }
}
