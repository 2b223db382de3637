//! What an operator configured, in the form in which requests use it. Made once at start.

mod accounts;

pub use accounts::{Accounts, SIGN_UP_BREATH, SIGN_UP_PAUSE, SignUpLimits};

use crate::time::Seconds;
use serde::{Deserialize, Serialize};
use std::fmt;
use url::Url;

/// How long things live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    /// RFC 6749 §4.1.2; at most 60 s for the strictest profiles.
    pub code: Seconds,
    pub access_token: Seconds,
    pub refresh_idle: Seconds,
    pub refresh_absolute: Seconds,
    /// How long a spent refresh token still gets the successor it was given.
    pub retry_window: Seconds,
    pub session: Seconds,
    pub session_idle: Seconds,
    /// How long a login or consent page stays good.
    pub interaction: Seconds,
    /// How long a browser counts as known to a user.
    pub device: Seconds,
    /// The link by which the first administrator is made.
    pub setup: Seconds,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            code: Seconds(60),
            access_token: Seconds::minutes(10),
            refresh_idle: Seconds::days(30),
            refresh_absolute: Seconds::days(365),
            retry_window: Seconds(10),
            session: Seconds::days(14),
            session_idle: Seconds::days(3),
            interaction: Seconds::hours(1),
            device: Seconds::days(180),
            setup: Seconds::hours(24),
        }
    }
}

impl Lifetimes {
    /// What is out of its range, as `name: why`.
    pub fn wrong(&self) -> Vec<(&'static str, OutOfRange)> {
        let (second, minute, year) = (Seconds(1), Seconds::minutes(1), Seconds::days(365));
        let ranges = [
            // RFC 6749 §4.1.2: ten minutes at most.
            ("code", self.code, second, Seconds::minutes(10)),
            ("access_token", self.access_token, second, LONGEST_ACCESS_TOKEN),
            ("refresh_idle", self.refresh_idle, minute, NEVER),
            ("refresh_absolute", self.refresh_absolute, minute, NEVER),
            // A long window would hide the reuse that it is there to tell from a retry.
            ("retry_window", self.retry_window, Seconds(0), Seconds::minutes(5)),
            ("session", self.session, minute, year),
            ("session_idle", self.session_idle, minute, year),
        ];
        let outside =
            |(_, value, least, most): &(_, Seconds, Seconds, Seconds)| value < least || value > most;
        let mut wrong: Vec<_> = ranges
            .into_iter()
            .filter(outside)
            .map(|(name, value, least, most)| (name, OutOfRange::Bounds { value, least, most }))
            .collect();
        if self.session_idle > self.session {
            wrong.push(("session_idle", OutOfRange::LongerThan("lifetimes.session")));
        }
        if self.refresh_idle > self.refresh_absolute {
            wrong.push(("refresh_idle", OutOfRange::LongerThan("lifetimes.refresh_absolute")));
        }
        wrong
    }
}

/// Why a lifetime cannot stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutOfRange {
    Bounds { value: Seconds, least: Seconds, most: Seconds },
    LongerThan(&'static str),
}

impl fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bounds { value, least, most } => {
                write!(f, "{value} is outside the range {least} to {most}")
            }
            Self::LongerThan(other) => write!(f, "must not be longer than {other}"),
        }
    }
}

/// The longest an access token may live without the opt-in `long_lived_access_token`.
pub const LONGEST_ACCESS_TOKEN: Seconds = Seconds::hours(24);
/// The longest with it; marks of revocation are kept at least as long.
pub const LONGEST_OPTED_ACCESS_TOKEN: Seconds = Seconds::days(731);
/// As good as for ever: a hundred years.
pub const NEVER: Seconds = Seconds::days(36_525);
/// How long relying parties may cache the JWKS, and so how long a key is published before it signs.
pub const JWKS_MAX_AGE: Seconds = Seconds::minutes(5);
/// How many clients one address may register in an hour, unless an operator says otherwise.
pub const REGISTRATIONS_PER_HOUR: u32 = 60;
/// How long a sealing key is shared before it seals.
pub const SEALING_KEY_HEAD_START: Seconds = Seconds(5);

/// Where the endpoints live, below the issuer. The router takes its paths from here, so that both always agree.
pub mod path {
    pub const AUTHORIZE: &str = "/oauth/authorize";
    pub const PAR: &str = "/oauth/par";
    pub const TOKEN: &str = "/oauth/token";
    pub const REVOKE: &str = "/oauth/revoke";
    pub const INTROSPECT: &str = "/oauth/introspect";
    pub const LOGOUT: &str = "/oauth/logout";
    pub const CHECK_SESSION: &str = "/oauth/session";
    pub const USERINFO: &str = "/oauth/userinfo";
    pub const REGISTER: &str = "/oauth/register";
    pub const JWKS: &str = "/oauth/jwks";
    pub const MASTODON_APPS: &str = "/oauth/mastodon/apps";
    pub const MASTODON_APP: &str = "/oauth/mastodon/apps/verify_credentials";
    pub const MASTODON_ACCOUNT: &str = "/oauth/mastodon/accounts/verify_credentials";
    pub const MASTODON_INSTANCE: &str = "/oauth/mastodon/instance";
    pub const MASTODON_INSTANCE_V2: &str = "/oauth/mastodon/instance_v2";
    pub const DEVICE_AUTHORIZATION: &str = "/oauth/device_authorization";
    pub const BACKCHANNEL: &str = "/oauth/bc-authorize";
    pub const DEVICE: &str = "/device";
    pub const CONSOLE: &str = "/console";
    pub const METADATA: &str = "/.well-known/oauth-authorization-server";
    pub const OPENID_CONFIGURATION: &str = "/.well-known/openid-configuration";

    /// Whether a path can be a further path of an endpoint: plain segments only. What needs escaping, or means something
    /// to the router, cannot.
    pub fn is_plain(text: &str) -> bool {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~/".contains(&b);
        let good = text.len() > 1 && text.starts_with('/') && text.bytes().all(plain) && !text.contains("//");
        good && !text.ends_with('/') && !text.split('/').any(|segment| matches!(segment, "." | ".."))
    }

    /// Where Mastodon's clients look for them, while the settings in force say that this server speaks its API. Some
    /// libraries add a slash.
    pub const MASTODON: [(&str, &str); 7] = [
        ("/api/v1/apps", MASTODON_APPS),
        ("/api/v1/apps/verify_credentials", MASTODON_APP),
        ("/api/v1/accounts/verify_credentials", MASTODON_ACCOUNT),
        ("/api/v1/instance", MASTODON_INSTANCE),
        ("/api/v1/instance/", MASTODON_INSTANCE),
        ("/api/v2/instance", MASTODON_INSTANCE_V2),
        ("/api/v2/instance/", MASTODON_INSTANCE_V2),
    ];

    /// The names under which aliases speak of them.
    pub const ENDPOINTS: [(&str, &str); 14] = [
        ("authorize", AUTHORIZE),
        ("par", PAR),
        ("token", TOKEN),
        ("revoke", REVOKE),
        ("introspect", INTROSPECT),
        ("device_authorization", DEVICE_AUTHORIZATION),
        ("backchannel_authentication", BACKCHANNEL),
        ("userinfo", USERINFO),
        ("logout", LOGOUT),
        ("check_session", CHECK_SESSION),
        ("register", REGISTER),
        ("jwks", JWKS),
        ("metadata", METADATA),
        ("openid_configuration", OPENID_CONFIGURATION),
    ];
}

/// Who may register a client over the network (RFC 7591).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DynamicRegistration {
    #[default]
    Off,
    /// Whoever holds an initial access token.
    Token,
    /// Anybody, within limits.
    Open,
}

/// Whose clients may come as the address of a description of theirs (draft-ietf-oauth-client-id-metadata-document).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum MetadataDocuments {
    #[default]
    Off,
    /// Those below one of these addresses.
    AllowList(Vec<Url>),
    /// Anybody's, within limits.
    Open,
}

impl MetadataDocuments {
    /// Whether a description at this address is read.
    pub fn allows(&self, url: &Url) -> bool {
        match self {
            Self::Off => false,
            Self::Open => true,
            Self::AllowList(listed) => listed.iter().any(|own| is_below(own, url)),
        }
    }
}

/// Below the same host, and below the same path by whole segments.
fn is_below(own: &Url, url: &Url) -> bool {
    let base = own.path().trim_end_matches('/');
    let rest = url.path().strip_prefix(base);
    own.origin() == url.origin() && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What the developer portal allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Portal {
    /// Whether there is one.
    pub open: bool,
    /// Whether somebody must look at an application before anybody but its owners can sign in to it.
    pub review: bool,
    /// How many applications one person may own.
    pub max_applications: u32,
}

impl Default for Portal {
    fn default() -> Self {
        Self { open: true, review: false, max_applications: 25 }
    }
}

/// The names of ways to prove who one is (OIDC Core §2, `acr`): for each way those that it is known by, the usual one first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcrValues {
    /// In any way.
    pub signed_in: Vec<String>,
    /// By a password here.
    pub password: Vec<String>,
    /// At a provider elsewhere.
    pub upstream: Vec<String>,
    /// In any way, no longer ago than `fresh_for`.
    pub fresh: Vec<String>,
    pub fresh_for: Seconds,
}

impl Default for AcrValues {
    fn default() -> Self {
        let one = |name: &str| vec![name.to_owned()];
        Self {
            signed_in: one("urn:valetkey:acr:signed-in"),
            password: one("urn:valetkey:acr:password"),
            upstream: Vec::new(),
            fresh: one("urn:valetkey:acr:fresh"),
            fresh_for: Seconds::minutes(5),
        }
    }
}

impl AcrValues {
    /// Each of them once, from the least to the most telling.
    pub fn all(&self) -> Vec<&str> {
        let mut all: Vec<&str> = Vec::new();
        for name in [&self.signed_in, &self.upstream, &self.password, &self.fresh].into_iter().flatten() {
            if !all.contains(&name.as_str()) {
                all.push(name);
            }
        }
        all
    }
}

/// What of mutual TLS (RFC 8705) reaches this server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MutualTls {
    /// Whether certificates of clients come here at all: from our own listener, or in a header of a trusted proxy.
    pub arrives: bool,
    /// Whether the operator named authorities that vouch for them.
    pub vouched: bool,
    /// Where the endpoints are that ask for one, where those are not the usual ones (§5).
    pub url: Option<String>,
}

impl MutualTls {
    /// A path at the address that asks for certificates, where that is another one.
    pub fn at(&self, path: &str) -> Option<String> {
        self.url.as_ref().map(|base| format!("{base}{path}"))
    }
}

/// The server's settings.
#[derive(Debug, Clone)]
pub struct Settings {
    issuer: String,
    pub lifetimes: Lifetimes,
    pub registration: DynamicRegistration,
    pub metadata_documents: MetadataDocuments,
    /// RFC 9449 §8: whether each proof must carry a nonce of ours.
    pub dpop_nonce_required: bool,
    pub mutual_tls: MutualTls,
    /// RFC 9126 §5: of every client.
    pub require_pushed_authorization_requests: bool,
    /// OIDC Core §6.2: whether request objects are read where their clients registered them.
    pub request_uri_parameter_supported: bool,
    /// How many clients one address may register in an hour.
    pub registrations_per_hour: u32,
    pub portal: Portal,
    pub accounts: Accounts,
    pub acr: AcrValues,
    /// Whether the store is asked for revocations before each token is judged.
    pub strict_introspection: bool,
}

impl Settings {
    /// `issuer`: an absolute http(s) URL without query, fragment and trailing slash (RFC 8414 §2); checked by the configuration.
    pub fn new(issuer: &str, lifetimes: Lifetimes) -> Self {
        let registration = DynamicRegistration::Off;
        Self {
            issuer: issuer.trim_end_matches('/').to_owned(),
            lifetimes,
            registration,
            metadata_documents: MetadataDocuments::Off,
            dpop_nonce_required: false,
            mutual_tls: MutualTls::default(),
            require_pushed_authorization_requests: false,
            request_uri_parameter_supported: false,
            registrations_per_hour: REGISTRATIONS_PER_HOUR,
            portal: Portal::default(),
            accounts: Accounts::default(),
            acr: AcrValues::default(),
            strict_introspection: false,
        }
    }

    /// The same, asking the store before each token is judged.
    #[must_use]
    pub fn with_strict_introspection(self, strict_introspection: bool) -> Self {
        Self { strict_introspection, ..self }
    }

    /// The same where every authorization request must be pushed (RFC 9126 §5).
    #[must_use]
    pub fn with_required_pushing(self, required: bool) -> Self {
        Self { require_pushed_authorization_requests: required, ..self }
    }

    /// The same where request objects may come by reference (OIDC Core §6.2); they may not unless said.
    #[must_use]
    pub fn with_request_uris(self, supported: bool) -> Self {
        Self { request_uri_parameter_supported: supported, ..self }
    }

    /// The same with another number of clients that one address may register in an hour.
    #[must_use]
    pub fn with_registrations_per_hour(self, registrations_per_hour: u32) -> Self {
        Self { registrations_per_hour, ..self }
    }

    /// The same with clients' certificates; none unless said.
    #[must_use]
    pub fn with_mutual_tls(self, mutual_tls: MutualTls) -> Self {
        Self { mutual_tls, ..self }
    }

    /// The same, with a nonce of ours in each DPoP proof or without; without unless said.
    #[must_use]
    pub fn with_dpop_nonce_required(self, dpop_nonce_required: bool) -> Self {
        Self { dpop_nonce_required, ..self }
    }

    /// The same with a mode of dynamic registration; off unless said.
    #[must_use]
    pub fn with_registration(self, registration: DynamicRegistration) -> Self {
        Self { registration, ..self }
    }

    /// The same with clients that describe themselves at their address; none unless said.
    #[must_use]
    pub fn with_metadata_documents(self, metadata_documents: MetadataDocuments) -> Self {
        Self { metadata_documents, ..self }
    }

    /// The same with a developer portal other than the default.
    #[must_use]
    pub fn with_portal(self, portal: Portal) -> Self {
        Self { portal, ..self }
    }

    /// Whether somebody must look at an application of the portal before the public is let in: always where strangers make
    /// accounts, for then anybody registers one.
    pub fn reviews_applications(&self) -> bool {
        self.portal.review || !self.accounts.sign_up.is_empty()
    }

    /// The same with other rules for people's accounts than the default.
    #[must_use]
    pub fn with_accounts(self, accounts: Accounts) -> Self {
        Self { accounts, ..self }
    }

    /// The same with other names of ways to sign in.
    #[must_use]
    pub fn with_acr(self, acr: AcrValues) -> Self {
        Self { acr, ..self }
    }

    /// The issuer identifier: the one string, everywhere byte for byte the same.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The only builder of our own URLs: from the configured issuer, never from a request's headers.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.issuer)
    }

    pub fn is_https(&self) -> bool {
        self.issuer.starts_with("https://")
    }

    /// The issuer's host and port, as shown to people.
    pub fn host(&self) -> &str {
        let rest = self.issuer.split_once("://").map_or(self.issuer.as_str(), |(_, rest)| rest);
        rest.split('/').next().unwrap_or(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listed_address_holds_what_is_below_it_and_no_neighbour() {
        for (listed, id, holds) in [
            ("https://app.example/", "https://app.example/client.json", true),
            ("https://app.example", "https://app.example/a/b", true),
            ("https://app.example/apps", "https://app.example/apps/one", true),
            ("https://app.example/apps/", "https://app.example/apps/one", true),
            ("https://app.example/apps", "https://app.example/apps", true),
            ("https://app.example/apps", "https://app.example/apps-evil", false),
            ("https://app.example", "https://app.example.evil/client.json", false),
            ("https://app.example", "https://x.app.example/client.json", false),
            ("https://app.example", "https://app.example:8443/client.json", false),
            ("https://app.example", "http://app.example/client.json", false),
        ] {
            let mode = MetadataDocuments::AllowList(vec![Url::parse(listed).expect("a URL")]);
            assert_eq!(mode.allows(&Url::parse(id).expect("a URL")), holds, "{listed} {id}");
        }
        let url = Url::parse("https://app.example/x").expect("a URL");
        assert!(MetadataDocuments::Open.allows(&url) && !MetadataDocuments::Off.allows(&url));
    }
}
