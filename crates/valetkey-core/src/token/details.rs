//! What else was agreed in an authorization request: it goes from request to code, grant and access token.
//!
//! Its text form is empty where nothing was, so rows and sealed records grow by members here, without migrations.

use crate::client::Client;
use crate::store::Grant;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The name of `Details::exchanged`.
const EXCHANGED: &str = "exchanged";

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Details {
    /// RFC 9396 §2.
    #[expect(clippy::struct_field_names, reason = "the standard's name")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authorization_details: Vec<Value>,
    /// OIDC Core §2, RFC 9470 §5: how the person was authenticated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// OIDC Core §5.5, the parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claims: Option<Value>,
    /// RFC 8693 §4.1: who acts for the subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub act: Option<Value>,
    /// RFC 9126 §7.3: of a request that was pushed, and of nothing that comes of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pushed: Option<Pushed>,
    /// RFC 8693 §4.4: who alone may act with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub may_act: Option<Value>,
    /// The tokens that it was exchanged for, the first one first: what takes one of them back takes this back.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exchanged: Vec<Source>,
}

/// What a `request_uri` is spent under, and until when that is remembered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pushed {
    pub key: [u8; 32],
    pub until: Timestamp,
}

/// A token that was exchanged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    pub client: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

impl Details {
    /// What of a request's goes on to its code and grant.
    #[must_use]
    pub fn agreed(&self) -> Self {
        Self { pushed: None, ..self.clone() }
    }

    /// What is not a text of ours is nothing.
    pub fn read(text: &str) -> Self {
        if text.is_empty() { Self::default() } else { serde_json::from_str(text).unwrap_or_default() }
    }

    pub fn to_text(&self) -> String {
        if *self == Self::default() {
            return String::new();
        }
        serde_json::to_string(self).unwrap_or_default()
    }

    /// What of a grant's stands in its access tokens.
    pub fn for_access_token(
        grant: Option<&Grant>,
        client: &Client,
        authorization_details: &[Value],
    ) -> String {
        let may_act = client.profile.federation.may_act.clone().map(Value::Object);
        let Some(Self { acr, act, exchanged, .. }) = grant.map(|grant| &grant.details) else {
            return Self { may_act, ..Self::default() }.to_text();
        };
        let nothing =
            authorization_details.is_empty() && acr.is_none() && act.is_none() && exchanged.is_empty();
        if nothing && may_act.is_none() {
            return String::new();
        }
        Self {
            authorization_details: authorization_details.to_vec(),
            acr: acr.clone(),
            act: act.clone(),
            exchanged: exchanged.clone(),
            may_act,
            ..Self::default()
        }
        .to_text()
    }

    /// What the token was exchanged for; costs nothing for any other.
    pub fn sources(text: &str) -> Vec<Source> {
        if text.contains(EXCHANGED) { Self::read(text).exchanged } else { Vec::new() }
    }

    /// As members of a token or of an answer about one.
    pub fn members(text: &str) -> Map<String, Value> {
        let mut members: Map<String, Value> =
            if text.is_empty() { Map::new() } else { serde_json::from_str(text).unwrap_or_default() };
        // Ours alone.
        members.remove(EXCHANGED);
        members
    }
}

/// For records that are no JSON.
pub mod text {
    use super::Details;
    use serde::{Deserialize as _, Deserializer, Serializer};
    use std::borrow::Cow;

    pub fn serialize<S: Serializer>(details: &Details, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&details.to_text())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Details, D::Error> {
        Ok(Details::read(&Cow::<str>::deserialize(from)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_agreed_comes_back_from_its_text_and_nothing_is_no_text() {
        let some = Details { acr: Some("urn:a".to_owned()), ..Details::default() };
        assert_eq!(Details::read(&some.to_text()), some);
        assert_eq!(Details::default().to_text(), "");
        assert_eq!(Details::read(""), Details::default());
    }
}
