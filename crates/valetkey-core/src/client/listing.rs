//! RFC 6749 §2.1 — client profiles: what sort of program an application is, and what the developer portal keeps of it

use super::AuthMethod;
use crate::grant::GrantType;
use serde::{Deserialize, Serialize};

/// What sort of program it is: it decides what the portal registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// On a server, where a secret stays secret.
    #[default]
    Web,
    /// In a web page: its code and all it holds are in the visitor's hands.
    Browser,
    /// On a phone or a computer.
    Native,
    /// On a television or a tool without a browser of its own.
    Device,
    /// A program that acts for itself: nobody signs in.
    Machine,
}

/// RFC 8628 §3.4, as soon as this server has it.
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

impl Kind {
    pub const ALL: [(&'static str, Self); 5] = [
        ("web", Self::Web),
        ("browser", Self::Browser),
        ("native", Self::Native),
        ("device", Self::Device),
        ("machine", Self::Machine),
    ];

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(name, _)| *name == text).map(|(_, kind)| kind)
    }

    pub fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, own)| *own == self).map_or("", |(name, _)| name)
    }

    /// RFC 6749 §2.1: whether it cannot keep a secret.
    pub fn is_public(self) -> bool {
        matches!(self, Self::Browser | Self::Native | Self::Device)
    }

    /// How it proves itself, where its sort leaves no choice; `None`: as of every client registered now.
    pub fn auth_method(self) -> Option<AuthMethod> {
        self.is_public().then_some(AuthMethod::None)
    }

    /// What it needs to work at all.
    pub fn grants(self) -> Vec<GrantType> {
        use GrantType::{AuthorizationCode, ClientCredentials, RefreshToken};
        match (self, GrantType::parse(DEVICE_CODE)) {
            (Self::Machine, _) => vec![ClientCredentials],
            (Self::Device, Some(device)) => vec![device, RefreshToken],
            _ => vec![AuthorizationCode, RefreshToken],
        }
    }

    /// Whether a person's browser comes back to it.
    pub fn has_callback(self) -> bool {
        self.grants().contains(&GrantType::AuthorizationCode)
    }
}

/// Whether those who run the server looked at it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Review {
    /// Nobody asked for it.
    #[default]
    NotNeeded,
    /// It waits: only its owners can sign in to it.
    Pending,
    Approved,
    /// Nobody can sign in to it. The words are the operator's, for its owners.
    Rejected {
        reason: String,
    },
}

/// What the portal knows of an application, beside what the protocol needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(default)]
pub struct Listing {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// The name of its picture: `0123….png`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo: Option<String>,
    pub review: Review,
    /// Who switched it off was an owner, so an owner may switch it on.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
}

impl Listing {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether anybody may be asked to sign in to it.
    pub fn is_open(&self) -> bool {
        matches!(self.review, Review::NotNeeded | Review::Approved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc6749_2_1_a_program_in_other_hands_keeps_no_secret() {
        for (name, kind, public, callback) in [
            ("web", Kind::Web, false, true),
            ("browser", Kind::Browser, true, true),
            ("native", Kind::Native, true, true),
            ("machine", Kind::Machine, false, false),
        ] {
            assert_eq!(Kind::parse(name), Some(kind));
            assert_eq!((kind.name(), kind.is_public(), kind.has_callback()), (name, public, callback));
        }
        assert_eq!(Kind::parse("Web"), None);
    }

    #[test]
    fn an_application_of_an_older_document_is_open() {
        let listing: Listing = serde_json::from_str("{}").expect("JSON");
        assert!(listing.is_open() && listing.is_empty());
    }
}
