//! What was applied: the settings that stand in the store, are held in memory by every node, and change without a restart.

mod details_type;
mod registered;

pub use details_type::DetailsType;
pub use registered::{Applicant, Registration};

use crate::ids::TenantId;
use crate::settings::{DynamicRegistration, Lifetimes, path};
use crate::time::Seconds;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// The document. What it does not say stays as the configuration has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(default)]
pub struct Applied {
    pub lifetimes: AppliedLifetimes,
    pub registration: Registration,
    /// Further paths by the name of their endpoint in [`path::ENDPOINTS`].
    pub aliases: BTreeMap<String, Vec<String>>,
    pub services: Services,
    /// Whose users sign in where a request names no tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_tenant: Option<TenantId>,
    /// RFC 9396 §2: what can be asked for beyond scopes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authorization_details_types: Vec<DetailsType>,
}

/// How long things live, where it is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(default)]
pub struct AppliedLifetimes {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Seconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token: Option<Seconds>,
    /// `NEVER`: a refresh token may lie unused for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_idle: Option<Seconds>,
    /// `NEVER`: it has no end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_absolute: Option<Seconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_window: Option<Seconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<Seconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_idle: Option<Seconds>,
}

/// What this server also is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(default)]
pub struct Services {
    /// Mastodon's API for applications and accounts.
    pub mastodon: bool,
}

impl AppliedLifetimes {
    /// What holds: this, and where it says nothing the configuration.
    pub fn over(&self, configured: &Lifetimes) -> Lifetimes {
        Lifetimes {
            code: self.code.unwrap_or(configured.code),
            access_token: self.access_token.unwrap_or(configured.access_token),
            refresh_idle: self.refresh_idle.unwrap_or(configured.refresh_idle),
            refresh_absolute: self.refresh_absolute.unwrap_or(configured.refresh_absolute),
            retry_window: self.retry_window.unwrap_or(configured.retry_window),
            session: self.session.unwrap_or(configured.session),
            session_idle: self.session_idle.unwrap_or(configured.session_idle),
            ..*configured
        }
    }
}

impl Applied {
    /// The paths that the services switched on here answer, further ones of endpoints aside.
    pub fn service_paths(&self) -> impl Iterator<Item = &'static str> {
        path::MASTODON.iter().filter(|_| self.services.mastodon).map(|(path, _)| *path)
    }
}

/// The settings as requests use them.
#[derive(Debug, Default)]
pub struct InForce {
    pub applied: Applied,
    pub lifetimes: Lifetimes,
    pub dynamic: DynamicRegistration,
    further: HashMap<String, &'static str>,
    /// How far the change feed had come when they were read.
    pub(crate) read_at: i64,
}

impl InForce {
    pub fn new(applied: Applied, lifetimes: &Lifetimes, dynamic: DynamicRegistration) -> Self {
        let endpoint = |name: &str| path::ENDPOINTS.iter().find(|(own, _)| *own == name).map(|(_, at)| *at);
        let mastodon = path::MASTODON.iter().filter(|_| applied.services.mastodon);
        let further = applied
            .aliases
            .iter()
            .filter_map(|(name, paths)| Some((endpoint(name)?, paths)))
            .flat_map(|(at, paths)| paths.iter().map(move |path| (path.clone(), at)))
            .chain(mastodon.map(|(path, at)| ((*path).to_owned(), *at)))
            .collect();
        Self {
            lifetimes: applied.lifetimes.over(lifetimes),
            dynamic: applied.registration.dynamic.unwrap_or(dynamic),
            further,
            applied,
            read_at: 0,
        }
    }

    /// The endpoint that a further path leads to.
    pub fn endpoint_at(&self, path: &str) -> Option<&'static str> {
        self.further.get(path).copied()
    }

    /// Every further path.
    pub fn further_paths(&self) -> impl Iterator<Item = &str> {
        self.further.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_applied_stays_as_configured() {
        let configured = Lifetimes { code: Seconds(30), ..Lifetimes::default() };
        let applied = Applied {
            lifetimes: AppliedLifetimes { access_token: Some(Seconds(1800)), ..AppliedLifetimes::default() },
            aliases: [("token".to_owned(), vec!["/token".to_owned()])].into(),
            ..Applied::default()
        };
        let held = InForce::new(applied, &configured, DynamicRegistration::Token);
        assert_eq!(held.lifetimes, Lifetimes { access_token: Seconds(1800), ..configured });
        assert_eq!(held.dynamic, DynamicRegistration::Token);
        assert_eq!(held.endpoint_at("/token"), Some("/oauth/token"));
        assert_eq!(held.endpoint_at("/authorize"), None);
    }

    #[test]
    fn a_document_of_another_version_is_read_as_far_as_it_is_known() {
        let read: Applied = serde_json::from_str(r#"{"services":{"mastodon":true},"new":1}"#).expect("JSON");
        assert!(read.services.mastodon);
        assert_eq!(Applied { services: Services::default(), ..read }, Applied::default());
    }
}
