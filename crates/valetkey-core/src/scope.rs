//! RFC 6749 §3.3 — Access Token Scope

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

/// A set of scope names, kept in the order asked, each once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scope(Vec<String>);

/// The text breaks the grammar of RFC 6749 §3.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a scope is made of names of printable ASCII without space, quote and backslash, joined by one space"
)]
pub struct BadScope;

/// Scopes that need no registration: OIDC Core §5.4 and §11.
pub const STANDARD: [(&str, &str, &str); 6] = [
    ("openid", "Know who you are", "A lasting identifier of your account, nothing else"),
    (
        "profile",
        "See your name",
        "Your name and user name, and what else you wrote down of yourself, such as picture and language",
    ),
    ("email", "See your e-mail address", "And whether it is confirmed"),
    ("address", "See your postal address", ""),
    ("phone", "See your phone number", "And whether it is confirmed"),
    ("offline_access", "Keep working when you are away", "Until you take the key back"),
];

impl Scope {
    /// Parses a space-separated list; several spaces count as one, a repeated name as one.
    pub fn parse(text: &str) -> Result<Self, BadScope> {
        let mut scope = Self::default();
        for name in text.split(' ').filter(|name| !name.is_empty()) {
            if !is_name(name) {
                return Err(BadScope);
            }
            scope.insert(name);
        }
        Ok(scope)
    }

    pub fn insert(&mut self, name: &str) {
        if !self.contains(name) {
            self.0.push(name.to_owned());
        }
    }

    pub fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|own| own == name)
    }

    /// The names, joined by single spaces.
    pub fn to_text(&self) -> String {
        self.0.join(" ")
    }

    pub fn covers(&self, other: &Self) -> bool {
        other.iter().all(|name| self.contains(name))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// The names for which `keep` holds.
    #[must_use]
    pub fn filter(&self, mut keep: impl FnMut(&str) -> bool) -> Self {
        Self(self.0.iter().filter(|name| keep(name)).cloned().collect())
    }

    /// The same, copied only where something goes.
    pub fn only(&self, mut keep: impl FnMut(&str) -> bool) -> Cow<'_, Self> {
        if self.iter().all(&mut keep) { Cow::Borrowed(self) } else { Cow::Owned(self.filter(keep)) }
    }

    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let mut all = self.clone();
        other.iter().for_each(|name| all.insert(name));
        all
    }
}

/// One scope-token: `1*( %x21 / %x23-5B / %x5D-7E )`.
pub fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}

impl<'a> FromIterator<&'a str> for Scope {
    fn from_iter<I: IntoIterator<Item = &'a str>>(names: I) -> Self {
        let mut scope = Self::default();
        names.into_iter().for_each(|name| scope.insert(name));
        scope
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc6749_section_3_3_scope_grammar() {
        for (text, want) in [
            ("read write", Ok("read write")),
            ("", Ok("")),
            ("  read  read ", Ok("read")),
            ("a\"b", Err(BadScope)),
            ("a\\b", Err(BadScope)),
            ("caf\u{e9}", Err(BadScope)),
            ("a\tb", Err(BadScope)),
        ] {
            assert_eq!(Scope::parse(text).map(|s| s.to_string()), want.map(str::to_owned), "{text:?}");
        }
    }
}
