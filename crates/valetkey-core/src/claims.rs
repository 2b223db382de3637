//! OIDC Core §5.1, §5.4 — what is said of a person, which scope opens it, and what may be written down of it

mod requested;

pub use requested::{Requested, Wish};

use crate::directory::User;
use jiff::tz::TimeZoneDatabase;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use url::Url;

/// How the value of a claim looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One line.
    Text,
    /// An http or https address.
    Url,
    /// `YYYY-MM-DD`, `0000-MM-DD` or `YYYY`.
    Birthdate,
    /// A name of the time zone database.
    Zone,
    /// BCP 47.
    Locale,
    /// E.164, and what people write between the digits.
    Phone,
    Flag,
    /// §5.1.1.
    Address,
    /// It stands in the account itself and is changed there.
    Account,
}

/// A claim about a person.
#[derive(Debug, Clone, Copy)]
pub struct Claim {
    pub name: &'static str,
    /// The scope that opens it.
    pub scope: &'static str,
    pub shape: Shape,
    /// As the end of "It would be able to …", where it is asked for alone.
    pub words: &'static str,
}

const fn claim(name: &'static str, scope: &'static str, shape: Shape, words: &'static str) -> Claim {
    Claim { name, scope, shape, words }
}

/// Every claim that can be asked for.
pub const ALL: [Claim; 19] = [
    claim("name", "profile", Shape::Account, "See your name"),
    claim("given_name", "profile", Shape::Text, "See your given name"),
    claim("family_name", "profile", Shape::Text, "See your family name"),
    claim("middle_name", "profile", Shape::Text, "See your middle name"),
    claim("nickname", "profile", Shape::Text, "See your nickname"),
    claim("preferred_username", "profile", Shape::Account, "See your user name"),
    claim("profile", "profile", Shape::Url, "See the address of your profile page"),
    claim("picture", "profile", Shape::Url, "See your picture"),
    claim("website", "profile", Shape::Url, "See your website"),
    claim("gender", "profile", Shape::Text, "See your gender"),
    claim("birthdate", "profile", Shape::Birthdate, "See your date of birth"),
    claim("zoneinfo", "profile", Shape::Zone, "See your time zone"),
    claim("locale", "profile", Shape::Locale, "See your language"),
    claim("updated_at", "profile", Shape::Account, "See when your profile last changed"),
    claim("email", "email", Shape::Account, "See your e-mail address"),
    claim("email_verified", "email", Shape::Account, "See whether your e-mail address is confirmed"),
    claim("address", "address", Shape::Address, "See your postal address"),
    claim("phone_number", "phone", Shape::Phone, "See your phone number"),
    claim("phone_number_verified", "phone", Shape::Flag, "See whether your phone number is confirmed"),
];

/// §5.1.1.
pub const ADDRESS: [&str; 6] =
    ["formatted", "street_address", "locality", "region", "postal_code", "country"];

pub fn find(name: &str) -> Option<&'static Claim> {
    ALL.iter().find(|claim| claim.name == name)
}

/// Whether it is for a person to say: what is proven, and what follows from the account, is not.
pub fn is_personal(name: &str) -> bool {
    matches!(name, "name" | "email")
        || find(name).is_some_and(|claim| !matches!(claim.shape, Shape::Account | Shape::Flag))
}

/// What a claim that is asked for alone is called among the scopes that a person allowed.
const ALONE: &str = "claim:";

/// The name under which a person allows one claim alone.
pub fn alone(name: &str) -> String {
    format!("{ALONE}{name}")
}

/// The claim that such a name stands for.
pub fn of_alone(name: &str) -> Option<&'static Claim> {
    find(name.strip_prefix(ALONE)?)
}

/// What is written down of a person beside name, user name and e-mail address.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PersonClaims(BTreeMap<String, Value>);

/// Why something cannot be written down of a person, as a sentence for whoever wants to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ClaimFlaw(pub String);

impl PersonClaims {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The text of a claim, or nothing.
    pub fn text(&self, name: &str) -> &str {
        self.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// Writes a claim down; null, an empty text and an empty object take it out. A changed phone number is unproven until
    /// it is said otherwise.
    pub fn set(&mut self, name: &str, value: Value) -> Result<(), ClaimFlaw> {
        let known = find(name).filter(|claim| claim.shape != Shape::Account);
        let claim = known.ok_or_else(|| {
            ClaimFlaw(format!(
                "{name} is no standard claim (OIDC Core §5.1), or stands in the account itself"
            ))
        })?;
        let mut value = tidy(value);
        if claim.shape == Shape::Zone
            && let Some(known) = value.as_str().and_then(zone)
        {
            value = known.into();
        }
        if self.0.get(name) == Some(&value) {
            return Ok(());
        }
        if name == "phone_number" {
            self.0.remove("phone_number_verified");
        }
        if is_nothing(&value) {
            self.0.remove(name);
            return Ok(());
        }
        check(claim, &value)?;
        self.0.insert(name.to_owned(), value);
        Ok(())
    }

    /// Of a whole object, each member set in turn.
    pub fn read(members: &Map<String, Value>) -> Result<Self, ClaimFlaw> {
        let mut own = Self::default();
        // The proof of a number after the number.
        members.iter().try_for_each(|(name, value)| own.set(name, value.clone()))?;
        Ok(own)
    }

    /// As the store keeps it; empty where there is nothing.
    pub fn to_text(&self) -> String {
        if self.is_empty() { String::new() } else { serde_json::to_string(self).unwrap_or_default() }
    }

    /// `None`: not what `to_text` wrote.
    pub fn of_text(text: &str) -> Option<Self> {
        if text.is_empty() { Some(Self::default()) } else { serde_json::from_str(text).ok() }
    }
}

fn tidy(value: Value) -> Value {
    match value {
        Value::String(text) => text.trim().into(),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| (name, tidy(value)))
            .filter(|(_, v)| !is_nothing(v))
            .collect(),
        other => other,
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

fn check(claim: &Claim, value: &Value) -> Result<(), ClaimFlaw> {
    let name = claim.name;
    let wrong = |why: &str| Err(ClaimFlaw(format!("{name} {why}")));
    if claim.shape == Shape::Flag {
        return if value.is_boolean() { Ok(()) } else { wrong("must be true or false") };
    }
    if claim.shape == Shape::Address {
        return check_address(value);
    }
    let Value::String(text) = value else { return wrong("must be text") };
    let most = if claim.shape == Shape::Url { 2000 } else { 200 };
    if text.chars().count() > most || text.chars().any(char::is_control) {
        return wrong("must be one line of reasonable length");
    }
    let (good, why) = match claim.shape {
        Shape::Url => (is_web(text), "must be an http or https address"),
        Shape::Birthdate => (is_birthdate(text), "must look like 1865-11-26, 0000-11-26 or 1865"),
        Shape::Zone => (zone(text).is_some(), "must be a time zone such as Europe/Amsterdam"),
        Shape::Locale => (is_locale(text), "must be a language tag such as nl-NL"),
        Shape::Phone => (is_phone(text), "must be a phone number such as +31 20 555 0123"),
        _ => (true, ""),
    };
    if good { Ok(()) } else { wrong(why) }
}

fn check_address(value: &Value) -> Result<(), ClaimFlaw> {
    let wrong = |why: String| Err(ClaimFlaw(why));
    let Value::Object(members) = value else {
        return wrong(format!("address must be an object of {}", ADDRESS.join(", ")));
    };
    for (name, value) in members {
        if !ADDRESS.contains(&name.as_str()) {
            return wrong(format!("address has no {name}; it has {}", ADDRESS.join(", ")));
        }
        let good = |text: &str| {
            text.chars().count() <= 500 && !text.chars().any(|c| c.is_control() && c != '\n' && c != '\r')
        };
        if !value.as_str().is_some_and(good) {
            return wrong(format!("{name} of address must be text of at most 500 characters"));
        }
    }
    Ok(())
}

fn is_web(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some())
}

fn is_birthdate(text: &str) -> bool {
    let digits = |part: &str, length| part.len() == length && part.bytes().all(|b| b.is_ascii_digit());
    let parts: Vec<&str> = text.split('-').collect();
    match parts[..] {
        [year] => digits(year, 4),
        [year, month, day] => {
            // 29 February of no year is a birthday too.
            let leap = if year == "0000" { "2000" } else { year };
            digits(year, 4)
                && digits(month, 2)
                && digits(day, 2)
                && format!("{leap}-{month}-{day}").parse::<jiff::civil::Date>().is_ok()
        }
        _ => false,
    }
}

/// A time zone of the IANA database by its name there, however its letters were typed.
fn zone(text: &str) -> Option<String> {
    let known = TimeZoneDatabase::bundled().get(text).ok()?;
    known.iana_name().map(str::to_owned)
}

fn is_locale(text: &str) -> bool {
    let part = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    // The underscore is what some write (§5.1).
    let mut parts = text.split(['-', '_']);
    let language = parts.next().unwrap_or_default();
    (2..=8).contains(&language.len()) && language.bytes().all(|b| b.is_ascii_alphabetic()) && parts.all(part)
}

fn is_phone(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    (3..=20).contains(&digits)
        && text.len() <= 40
        && text.starts_with(['+', '(', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
        && text.bytes().all(|b| b.is_ascii_digit() || b"+ ()-./;=extphonctx".contains(&b))
}

/// What is said of a person by the name of one claim; `None`: it is not known.
pub fn value(user: &User, name: &str) -> Option<Value> {
    match name {
        "name" => user.name.as_deref().map(Into::into),
        "preferred_username" => Some(user.username.as_str().into()),
        "updated_at" => Some(user.updated_at.0.into()),
        "email" => user.email.as_deref().map(Into::into),
        "email_verified" => user.email.as_ref().map(|_| user.email_verified.into()),
        "phone_number_verified" => {
            user.claims.get("phone_number")?;
            Some(user.claims.get(name).cloned().unwrap_or(Value::Bool(false)))
        }
        other => user.claims.get(other).cloned(),
    }
}

/// Writes what scopes open, and what was asked for by name, into an answer.
pub fn write(
    user: &User,
    has_scope: impl Fn(&str) -> bool,
    asked: impl Fn(&str) -> bool,
    into: &mut Map<String, Value>,
) {
    for claim in ALL.iter().filter(|claim| has_scope(claim.scope) || asked(claim.name)) {
        if let Some(value) = value(user, claim.name) {
            into.insert(claim.name.to_owned(), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn oidc_core_section_5_1_a_claim_is_written_down_in_its_own_shape() {
        for (name, value, taken) in [
            ("given_name", json!("Alice"), true),
            ("given_name", json!(7), false),
            ("given_name", json!("a\nb"), false),
            ("given_name", json!("x".repeat(201)), false),
            ("picture", json!("https://example.org/a.png"), true),
            ("picture", json!("javascript:alert(1)"), false),
            ("picture", json!("/a.png"), false),
            ("birthdate", json!("1865-11-26"), true),
            ("birthdate", json!("0000-02-29"), true),
            ("birthdate", json!("1865"), true),
            ("birthdate", json!("1865-13-26"), false),
            ("birthdate", json!("26.11.1865"), false),
            ("zoneinfo", json!("Europe/Amsterdam"), true),
            ("zoneinfo", json!("UTC"), true),
            ("zoneinfo", json!("Europe Amsterdam"), false),
            ("zoneinfo", json!("Europe/Atlantis"), false),
            ("zoneinfo", json!("Amsterdam"), false),
            ("zoneinfo", json!("../etc/passwd"), false),
            ("locale", json!("nl-NL"), true),
            ("locale", json!("<b>"), false),
            ("phone_number", json!("+31 (0)20 555-0123"), true),
            ("phone_number", json!("call me"), false),
            ("phone_number_verified", json!(true), true),
            ("phone_number_verified", json!("true"), false),
            ("address", json!({"country": "NL", "locality": "Amsterdam"}), true),
            ("address", json!({"planet": "Earth"}), false),
            ("address", json!({"country": 7}), false),
            ("address", json!("Amsterdam"), false),
            ("name", json!("Alice"), false),
            ("sub", json!("usr_other"), false),
            ("email_verified", json!(true), false),
            ("anything", json!("x"), false),
        ] {
            let mut own = PersonClaims::default();
            assert_eq!(own.set(name, value.clone()).is_ok(), taken, "{name} {value}");
            assert_eq!(own.is_empty(), !taken);
        }
    }

    #[test]
    fn nothing_takes_a_claim_out_and_a_new_number_is_unproven() {
        let mut own = PersonClaims::default();
        for (name, value) in [
            ("nickname", json!(" Al ")),
            ("phone_number", json!("+31205550123")),
            ("phone_number_verified", json!(true)),
            ("phone_number", json!("+31205550123")),
        ] {
            own.set(name, value).expect("taken");
        }
        assert_eq!((own.text("nickname"), own.get("phone_number_verified")), ("Al", Some(&json!(true))));
        own.set("phone_number", json!("+31205550124")).expect("taken");
        assert_eq!(own.get("phone_number_verified"), None);
        assert_eq!(PersonClaims::of_text(&own.to_text()).as_ref(), Some(&own));
        own.set("phone_number", json!("")).expect("taken");
        own.set("nickname", Value::Null).expect("taken");
        assert_eq!(
            (own.to_text(), PersonClaims::of_text("")),
            (String::new(), Some(PersonClaims::default()))
        );
        assert_eq!(PersonClaims::of_text("[]"), None);
    }
}
