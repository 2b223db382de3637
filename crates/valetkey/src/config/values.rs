//! The types of configuration values: how each is written, read, and described in the schema.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;
use url::Url;
use valetkey_core::claims;
use valetkey_core::login::acr;
use valetkey_core::secret::Secret;
use valetkey_core::settings::path;
use valetkey_core::time::Seconds;

/// A duration in whole seconds, written `"90s"`, `"10m"`, `"12h"`, `"30d"`, `"2w"` or as a number of seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span(pub(crate) Seconds);

impl Span {
    pub(crate) const EXPECTED: &'static str =
        "a duration such as \"90s\", \"10m\", \"12h\" or \"30d\", or a number of seconds";

    pub(crate) const fn seconds(n: i64) -> Self {
        Self(Seconds(n))
    }

    pub(crate) fn duration(self) -> Duration {
        Duration::from_secs(u64::try_from(self.0.0).unwrap_or(0))
    }
}

impl FromStr for Span {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self).map_err(|_| Self::EXPECTED)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Span;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(Span::EXPECTED)
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Span, E> {
                text.parse().map_err(|_| E::invalid_value(serde::de::Unexpected::Str(text), &self))
            }
            fn visit_u64<E: Error>(self, n: u64) -> Result<Span, E> {
                i64::try_from(n).map(Span::seconds).map_err(|_| E::custom("the number is too large"))
            }
        }
        from.deserialize_any(Reader)
    }
}

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A duration: text with a unit (s, m, h, d, w), or a number of seconds.",
            "anyOf": [
                {"type": "string", "pattern": "^[0-9]+ *[smhdw]?$"},
                {"type": "integer", "minimum": 0},
            ],
        })
    }
}

/// One or several of something: a single value stands for a list of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Many<T>(pub(crate) Vec<T>);

impl<T> Default for Many<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// What a value of a list looks like.
pub(crate) trait Item: FromStr + Serialize {
    const EXPECTED: &'static str;
    const NAME: &'static str;
}

impl<'de, T: Item> Deserialize<'de> for Many<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Text {
            One(String),
            Several(Vec<String>),
        }
        let wrong = |found: &str| {
            let found = if found.is_empty() { String::new() } else { format!(" {found:?} is not one;") };
            D::Error::custom(
                format!("{found} expected {} or a list of such", T::EXPECTED).trim_start().to_owned(),
            )
        };
        let texts = match Text::deserialize(from).map_err(|_| wrong(""))? {
            Text::One(text) => vec![text],
            Text::Several(texts) => texts,
        };
        texts.iter().map(|text| text.parse().map_err(|_| wrong(text))).collect::<Result<_, _>>().map(Self)
    }
}

impl<T: Item> JsonSchema for Many<T> {
    fn schema_name() -> Cow<'static, str> {
        T::NAME.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": T::EXPECTED,
            "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
        })
    }
}

impl Item for SocketAddr {
    const EXPECTED: &'static str = "an address with a port, such as \"127.0.0.1:8080\" or \"[::]:443\",";
    const NAME: &'static str = "Addresses";
}

/// A claim that people may change of themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct PersonalClaim(pub(crate) String);

impl FromStr for PersonalClaim {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        claims::is_personal(text).then(|| Self(text.to_owned())).ok_or(())
    }
}

impl Item for PersonalClaim {
    const EXPECTED: &'static str = "a claim that people say of themselves, such as \"given_name\",";
    const NAME: &'static str = "Claims";
}

/// A path on the public listener.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct UrlPath(pub(crate) String);

impl FromStr for UrlPath {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        path::is_plain(text).then(|| Self(text.to_owned())).ok_or(())
    }
}

impl Item for UrlPath {
    const EXPECTED: &'static str = "a path such as \"/token\"";
    const NAME: &'static str = "Paths";
}

/// A name of a way to sign in (`acr`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct AcrName(pub(crate) String);

impl FromStr for AcrName {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        acr::is_name(text).then(|| Self(text.to_owned())).ok_or(())
    }
}

impl Item for AcrName {
    const EXPECTED: &'static str =
        "a name without spaces and quotes, such as \"urn:mace:incommon:iap:silver\",";
    const NAME: &'static str = "AcrNames";
}

/// A range of addresses, checked by the edge's own parser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Proxy(pub(crate) String);

impl FromStr for Proxy {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        text.parse::<valetkey_web::layer::client_addr::AddressRange>()
            .map(|_| Self(text.to_owned()))
            .map_err(drop)
    }
}

impl Item for Proxy {
    const EXPECTED: &'static str = "an address or a range such as \"10.0.0.0/8\"";
    const NAME: &'static str = "AddressRanges";
}

/// Whom the server may call, checked by the fetcher's own parser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Destination(pub(crate) String);

impl FromStr for Destination {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        text.parse::<valetkey_fetch::Allowed>().map(|_| Self(text.to_owned())).map_err(drop)
    }
}

impl Item for Destination {
    const EXPECTED: &'static str = "a host name, an address, or a range such as \"10.0.0.0/8\"";
    const NAME: &'static str = "Destinations";
}

/// Where metadata documents may be: a host, or an address below which they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct DocumentPlace(pub(crate) String);

impl DocumentPlace {
    /// The address that a host stands for is its root.
    pub(crate) fn url(&self) -> Option<Url> {
        let text = if self.0.contains("://") { self.0.clone() } else { format!("https://{}/", self.0) };
        let url = Url::parse(&text).ok()?;
        let plain = url.username().is_empty() && url.query().is_none() && url.fragment().is_none();
        (plain && url.host().is_some() && matches!(url.scheme(), "https" | "http")).then_some(url)
    }
}

impl FromStr for DocumentPlace {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let own = Self(text.to_owned());
        own.url().map(|_| own).ok_or(())
    }
}

impl Item for DocumentPlace {
    const EXPECTED: &'static str =
        "a host such as \"app.example\" or an address such as \"https://app.example/clients/\"";
    const NAME: &'static str = "DocumentPlaces";
}

/// Text that is never shown again.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SecretText(pub(crate) Secret);

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Serialize for SecretText {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str("***")
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        // The error of a wrong type would show the value.
        String::deserialize(from)
            .map(|text| Self(Secret::new(text)))
            .map_err(|_| D::Error::custom("expected text"))
    }
}

/// Where the database is. It may hold a password, so it is shown without.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct DatabaseUrl(pub(crate) String);

impl DatabaseUrl {
    /// Whether it names a server.
    pub(crate) fn is_postgres(&self) -> bool {
        self.0.starts_with("postgres://") || self.0.starts_with("postgresql://")
    }

    pub(crate) fn holds_password(&self) -> bool {
        self.parts().is_some()
    }

    /// What stands before and after the password.
    fn parts(&self) -> Option<(&str, &str)> {
        let begin = self.0.find("://")? + 3;
        let end = begin + self.0[begin..].find(['/', '?']).unwrap_or(self.0.len() - begin);
        let at = self.0[begin..end].rfind('@')? + begin;
        let colon = self.0[begin..at].find(':')? + begin;
        Some((&self.0[..=colon], &self.0[at..]))
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.parts().map(|(before, after)| format!("{before}***{after}"));
        let shown = shown.unwrap_or_else(|| self.0.clone());
        // Parameters may hold one too.
        match shown.split_once("password=") {
            None => f.write_str(&shown),
            Some((before, _)) => write!(f, "{before}password=***"),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for DatabaseUrl {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DatabaseUrl {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(Self).map_err(|_| D::Error::custom("expected text"))
    }
}

impl JsonSchema for DatabaseUrl {
    fn schema_name() -> Cow<'static, str> {
        "DatabaseUrl".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^(sqlite:|postgres(ql)?://)"})
    }
}

impl JsonSchema for SecretText {
    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "writeOnly": true})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_database_is_shown_without_its_password() {
        for (url, shown) in [
            ("sqlite:data/v.db", "sqlite:data/v.db"),
            ("postgres://v@db.example/valetkey", "postgres://v@db.example/valetkey"),
            (
                "postgres://v:s3:c@ret@a.example:5432,b.example/valetkey?x=1",
                "postgres://v:***@a.example:5432,b.example/valetkey?x=1",
            ),
            (
                "postgres://db.example/valetkey?user=v&password=s3cret",
                "postgres://db.example/valetkey?user=v&password=***",
            ),
            ("postgres://v:s3cret@db.example", "postgres://v:***@db.example"),
        ] {
            assert_eq!(DatabaseUrl(url.to_owned()).to_string(), shown);
        }
    }

    #[test]
    fn a_duration_is_read_and_written_back_in_its_largest_unit() {
        for (text, want) in [
            ("90s", Ok("90s")),
            ("120", Ok("2m")),
            ("10 m", Ok("10m")),
            ("24h", Ok("1d")),
            ("2w", Ok("14d")),
            ("0", Ok("0s")),
            ("ten", Err(())),
            ("10x", Err(())),
            ("-5s", Err(())),
            ("", Err(())),
            ("9223372036854775807d", Err(())),
        ] {
            assert_eq!(
                text.parse::<Span>().map(|s| s.to_string()).map_err(drop),
                want.map(str::to_owned),
                "{text:?}"
            );
        }
    }

    #[test]
    fn an_alias_is_a_plain_path() {
        for (text, good) in [
            ("/token", true),
            ("/o/t.json", true),
            ("token", false),
            ("/", false),
            ("/a b", false),
            ("/{x}", false),
            ("/a/../b", false),
            ("/a?b", false),
            ("//a", false),
        ] {
            assert_eq!(text.parse::<UrlPath>().is_ok(), good, "{text}");
        }
    }
}
