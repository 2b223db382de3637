//! OIDC Core §3.1.3.7 — whether an ID token of a provider holds, and what it says of a person

use super::Trouble;
use super::transaction::Transaction;
use crate::jose::jws::Jws;
use crate::time::{Seconds, Timestamp};
use crate::upstream::{ClaimNames, Upstream};
use serde::Deserialize;
use serde_json::{Map, Value};

/// Clocks that disagree.
const SKEW: Seconds = Seconds(60);
/// OIDC Core §2: a subject has at most 255 characters.
const LONGEST_SUBJECT: usize = 255;

/// Somebody, as a provider knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub subject: String,
    pub username: Option<String>,
    pub name: Option<String>,
    pub email: Option<String>,
    pub email_verified: bool,
    /// When they proved there who they are.
    pub auth_time: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Value,
    azp: Option<String>,
    exp: i64,
    iat: i64,
    nbf: Option<i64>,
    nonce: Option<String>,
    auth_time: Option<i64>,
}

/// The claims of a token that a key of the provider signed.
pub(super) fn read(
    text: &str,
    upstream: &Upstream,
    transaction: &Transaction,
    now: Timestamp,
) -> Result<(Map<String, Value>, Option<Timestamp>), Trouble> {
    let untrue = |why| Err(Trouble::Untrue(why));
    let jws =
        Jws::read(text).ok_or(Trouble::Untrue("the ID token is no signed token of an algorithm we take"))?;
    let claims: Claims =
        jws.claims().ok_or(Trouble::Untrue("the ID token lacks a claim that each must have"))?;
    if claims.iss != upstream.issuer() {
        return untrue("iss of the ID token is another issuer");
    }
    let own = upstream.client_id.as_str();
    let (for_us, many) = match &claims.aud {
        Value::String(one) => (one == own, false),
        Value::Array(all) => (all.iter().any(|one| one == own), all.len() > 1),
        _ => (false, false),
    };
    // §3.1.3.7 (3)–(5).
    if !for_us || claims.azp.as_deref().map_or(many, |azp| azp != own) {
        return untrue("the ID token is for another client");
    }
    if Timestamp(claims.exp) <= now - SKEW {
        return untrue("the ID token has expired");
    }
    if [Some(claims.iat), claims.nbf].into_iter().flatten().any(|at| Timestamp(at) > now + SKEW) {
        return untrue("the ID token is from the future");
    }
    if claims.nonce.as_deref() != Some(transaction.nonce.as_str()) {
        return untrue("nonce of the ID token is not the one of this sign-in");
    }
    if claims.sub.is_empty() || claims.sub.len() > LONGEST_SUBJECT {
        return untrue("sub of the ID token is empty or too long");
    }
    let auth_time = claims.auth_time.map(Timestamp).filter(|at| *at <= now + SKEW).map(|at| at.min(now));
    if transaction.fresh_since.is_some_and(|since| auth_time.is_none_or(|at| at < since)) {
        return untrue("the person did not prove there anew who they are, which was asked for");
    }
    let all = jws.claims().ok_or(Trouble::Untrue("the ID token is no object"))?;
    Ok((all, auth_time))
}

/// What claims say of a person, by the names that the operator gave. A number may stand for a subject.
pub(super) fn person(
    claims: &Map<String, Value>,
    names: &ClaimNames,
    auth_time: Option<Timestamp>,
) -> Result<Person, Trouble> {
    let subject = match claims.get(&names.subject) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) if number.is_i64() || number.is_u64() => number.to_string(),
        _ => return Err(Trouble::Untrue("the claim that names the person is missing")),
    };
    if subject.trim().is_empty() || subject.len() > LONGEST_SUBJECT || subject.chars().any(char::is_control) {
        return Err(Trouble::Untrue("the claim that names the person is empty, too long, or no text"));
    }
    let text = |name: &str| {
        let value = claims.get(name).and_then(Value::as_str).map(str::trim);
        value
            .filter(|text| !text.is_empty() && text.len() <= 254 && !text.chars().any(char::is_control))
            .map(str::to_owned)
    };
    let email =
        text(&names.email).filter(|email| email.contains('@') && !email.contains(char::is_whitespace));
    Ok(Person {
        subject,
        username: text(&names.username),
        name: text(&names.name),
        // Text is no yes: only the JSON value is.
        email_verified: email.is_some() && claims.get(&names.email_verified) == Some(&Value::Bool(true)),
        email,
        auth_time,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_person_is_named_by_one_claim_and_nothing_strange() {
        let names = ClaimNames { subject: "id".to_owned(), ..ClaimNames::default() };
        for (claims, want) in [
            (json!({"id": 583_231, "preferred_username": "octo"}), Some(("583231", None, false))),
            (json!({"id": "a", "email": "o@x.example"}), Some(("a", Some("o@x.example"), false))),
            (
                json!({"id": "a", "email": "o@x.example", "email_verified": true}),
                Some(("a", Some("o@x.example"), true)),
            ),
            (
                json!({"id": "a", "email": "o@x.example", "email_verified": "true"}),
                Some(("a", Some("o@x.example"), false)),
            ),
            (json!({"id": "a", "email": "no address", "email_verified": true}), Some(("a", None, false))),
            (json!({"sub": "a"}), None),
            (json!({"id": ""}), None),
            (json!({"id": " "}), None),
            (json!({"id": null}), None),
            (json!({"id": 1.5}), None),
            (json!({"id": ["a"]}), None),
            (json!({"id": "a\u{0}b"}), None),
            (json!({"id": "x".repeat(256)}), None),
        ] {
            let object = claims.as_object().expect("an object");
            let got = person(object, &names, None).ok();
            let got =
                got.as_ref().map(|own| (own.subject.as_str(), own.email.as_deref(), own.email_verified));
            assert_eq!(got, want, "{claims}");
        }
    }
}
