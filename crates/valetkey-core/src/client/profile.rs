//! RFC 7591 §2 — the metadata of a client that are not needed for every client, by the standards' names
//!
//! A group of members is a file. Its struct is its list of names, so registration (RFC 7591, RFC 7592), the command line
//! (`--set NAME=VALUE`), `apply` and what is shown all follow from it.

mod about;
mod binding;
mod cross_device;
mod federation;
mod logout;
mod openid;
mod security;

pub use about::About;
pub use binding::Binding;
pub use cross_device::{CrossDevice, DELIVERY_MODES};
pub use federation::{Elsewhere, Exchanging, Federation, Workload};
pub use logout::Logout;
pub use openid::{Encrypted, OpenId, SubjectType};
pub use security::{Security, SecurityProfile};

use super::Client;
use super::metadata::BadMetadata;
use crate::jose::jwe::{Algorithm, Encryption, Recipient};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::sync::LazyLock;

/// Declares a group: each member may be left out and is left out again where it is as it would be anyway.
macro_rules! members {
    ($(#[$about:meta])* pub struct $group:ident { $($(#[$what:meta])* pub $name:ident: $kind:ty,)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        pub struct $group {
            $($(#[$what])* #[serde(default, skip_serializing_if = "super::unset")] pub $name: $kind,)*
        }

        impl $group {
            pub const NAMES: &[&str] = &[$(stringify!($name)),*];
        }
    };
}
use members;

fn unset<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    #[serde(flatten)]
    pub about: About,
    #[serde(flatten)]
    pub openid: OpenId,
    #[serde(flatten)]
    pub logout: Logout,
    #[serde(flatten)]
    pub security: Security,
    #[serde(flatten)]
    pub binding: Binding,
    #[serde(flatten)]
    pub cross_device: CrossDevice,
    #[serde(flatten)]
    pub federation: Federation,
}

static NAMES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let groups = [
        About::NAMES,
        OpenId::NAMES,
        Logout::NAMES,
        Security::NAMES,
        Binding::NAMES,
        CrossDevice::NAMES,
        Federation::NAMES,
    ];
    groups.concat()
});

impl Profile {
    /// Every member.
    pub fn names() -> &'static [&'static str] {
        &NAMES
    }

    /// The members that are set.
    pub fn members(&self) -> Map<String, Value> {
        match json!(self) {
            Value::Object(members) => members,
            _ => Map::new(),
        }
    }

    /// With one member replaced; null takes it away.
    pub fn with(&self, name: &str, value: &Value) -> Result<Self, BadMetadata> {
        if !Self::names().contains(&name) {
            return Err(BadMetadata(format!("there is no member {name}")));
        }
        let mut members = self.members();
        members.insert(name.to_owned(), value.clone());
        if value.is_null() {
            members.remove(name);
        }
        serde_json::from_value(members.into()).map_err(|error| BadMetadata(format!("{name}: {error}")))
    }

    /// What an application says of itself (RFC 7591 §2), over what only operators say of it.
    pub fn said(&self, document: &Value) -> Result<Self, BadMetadata> {
        let operators = Self { federation: self.federation.clone(), ..Self::default() };
        let names = Self::names().iter().filter(|name| !Federation::NAMES.contains(name));
        names
            .filter_map(|name| Some((name, document.get(*name)?)))
            .try_fold(operators, |own, (name, value)| own.with(name, value))
    }

    /// The rules of every client's.
    pub fn check(client: &Client) -> Result<(), BadMetadata> {
        let Self { about, openid, logout, security, binding, cross_device, federation } = &client.profile;
        about.check(client)?;
        openid.check(client)?;
        logout.check(client)?;
        security.check(client)?;
        binding.check(client)?;
        cross_device.check(client)?;
        federation.check(client)
    }
}

/// How the content is encrypted means nothing where it is not said how its key is.
fn is_lonely(alg: Option<Algorithm>, enc: Option<Encryption>) -> bool {
    alg.is_none() && enc.is_some()
}

/// What is wrong where something is to be encrypted for a client by this algorithm: its keys do not take it.
fn encryption_flaw(client: &Client, algorithm: Algorithm) -> Option<String> {
    let fits = match (&client.jwks, &client.jwks_uri) {
        (Some(set), _) => Recipient::of_set(set, algorithm).is_some(),
        (None, at) => at.is_some(),
    };
    let name = algorithm.name();
    (!fits)
        .then(|| format!("to encrypt by {name}, the client's jwks or jwks_uri must hold a public key for it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_without_a_name_of_ours_is_refused_and_nothing_set_is_nothing_shown() {
        let profile = Profile::default();
        assert!(profile.with("no_such_member", &json!(true)).is_err());
        assert!(profile.members().is_empty());
        assert_eq!(profile.said(&json!({ "no_such_member": 1 })).expect("ignored"), profile);
    }

    #[test]
    fn no_two_groups_have_a_member_of_the_same_name() {
        let names: std::collections::BTreeSet<_> = Profile::names().iter().collect();
        assert_eq!(names.len(), Profile::names().len());
    }
}
