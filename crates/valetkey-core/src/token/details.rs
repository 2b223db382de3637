//! What else was agreed in an authorization request: it goes from request to code, grant and access token.
//!
//! Its text form is empty where nothing was, so rows and sealed records grow by members here, without migrations.

use crate::claims::Requested;
use crate::client::Client;
use crate::ids::UserId;
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
    /// OIDC Core §5.5, the parameter; from consent on, what of it was allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claims: Option<Requested>,
    /// OIDC Core §3.1.2.1: how the client would like the person to be authenticated, the best first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub acr_values: Vec<String>,
    /// OIDC Core §3.1.2.1 `id_token_hint`, §5.5.1 `sub`: the answer must be about one of these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<Vec<UserId>>,
    /// OIDC Core §8: the `sub` of an access token, where it is not the person's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Of an access token: its grant says which claims were asked for by name.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub asks_claims: bool,
    /// Of an access token: it was asked for by naming a resource, and so is not for userinfo.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub elsewhere: bool,
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
    /// Which look at it this is: what one page sends twice is one answer.
    #[serde(default)]
    pub look: [u8; 16],
}

/// A token that was exchanged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    pub client: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// What an access token says beside its grant's details.
#[derive(Debug, Default)]
pub struct ForAccessToken<'a> {
    /// Of the grant, what means something at the token's audience.
    pub authorization_details: &'a [Value],
    /// Where the client knows the person by another name.
    pub subject: Option<String>,
    /// How the person was authenticated, as far as that holds still.
    pub acr: Option<&'a str>,
    /// Some API looks at how people were authenticated; else that is said to the client that asked.
    pub with_acr: bool,
    pub elsewhere: bool,
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
    pub fn for_access_token(grant: Option<&Grant>, client: &Client, with: ForAccessToken<'_>) -> String {
        let may_act = client.profile.federation.may_act.clone().map(Value::Object);
        let Some(own) = grant.map(|grant| &grant.details) else {
            return Self { may_act, ..Self::default() }.to_text();
        };
        let asked = own.claims.as_ref().is_some_and(|claims| claims.acr().is_some());
        let with_acr = with.with_acr || asked || !own.acr_values.is_empty();
        let said = Self {
            authorization_details: with.authorization_details.to_vec(),
            acr: with.acr.filter(|_| with_acr).map(str::to_owned),
            act: own.act.clone(),
            exchanged: own.exchanged.clone(),
            may_act,
            subject: with.subject,
            elsewhere: with.elsewhere,
            asks_claims: own.claims.as_ref().is_some_and(|claims| !claims.userinfo.is_empty()),
            ..Self::default()
        };
        said.to_text()
    }

    /// The `sub` of an access token, where it is not the person's id; costs nothing for any other.
    pub fn subject(text: &str) -> Option<String> {
        if text.contains("\"subject\"") { Self::read(text).subject } else { None }
    }

    /// What the token was exchanged for; costs nothing for any other.
    pub fn sources(text: &str) -> Vec<Source> {
        if text.contains(EXCHANGED) { Self::read(text).exchanged } else { Vec::new() }
    }

    /// As members of a token or of an answer about one: without what is for ourselves.
    pub fn members(text: &str) -> Map<String, Value> {
        if text.is_empty() {
            return Map::new();
        }
        let mut members: Map<String, Value> = serde_json::from_str(text).unwrap_or_default();
        // Ours alone.
        for own in [EXCHANGED, "subject", "asks_claims", "elsewhere"] {
            members.remove(own);
        }
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
