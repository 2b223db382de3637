//! Every configuration key, its default, and its words: the one list behind reading, checking, schema and dump.

use super::sign_up::SignUp;
use super::values::{
    AcrName, DatabaseUrl, Destination, DocumentPlace, Many, PersonalClaim, Proxy, SecretText, Span, UrlPath,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::PathBuf;
use valetkey_core::claims;
use valetkey_core::settings::{
    AcrValues, Lifetimes as CoreLifetimes, Portal, REGISTRATIONS_PER_HOUR, SignUpLimits,
};

/// Valetkey's configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// The address under which people and applications reach this server, such as `https://id.example.com`.
    /// The one key that `serve` needs. It names the server for ever: changing it invalidates what was issued.
    pub(crate) issuer: Option<String>,
    /// Where the database, the master key and the lock are kept.
    pub(crate) data_dir: PathBuf,
    /// `sqlite:PATH` or `postgres://user:password@host/database`. Default: `valetkey.db` in the data directory.
    pub(crate) database_url: Option<DatabaseUrl>,
    /// 32 random bytes as base64 or hex; the keys in the database are wrapped by it. Default: the file `master.key`
    /// in the data directory, made on first start.
    pub(crate) master_key: Option<SecretText>,
    /// `memory`: tokens are judged from memory, and a revocation on another server holds within a second. `strict`: the
    /// database is asked before each token is judged.
    pub(crate) introspection: Introspecting,
    /// Whether every application must push its authorization requests (RFC 9126). One application alone: its metadata of
    /// the same name.
    pub(crate) require_pushed_authorization_requests: bool,
    /// Whether a request object may come by reference (`request_uri`, OpenID Connect Core 6.2): this server then reads it at
    /// an address that the application registered (`request_uris`).
    pub(crate) request_uri_parameter_supported: bool,
    pub(crate) http: Http,
    pub(crate) dpop: Dpop,
    pub(crate) management: Management,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) login: Login,
    pub(crate) accounts: Accounts,
    pub(crate) log: Log,
    pub(crate) templates: Templates,
    pub(crate) registration: Registration,
    pub(crate) developer: Developer,
    pub(crate) gateway: Gateway,
    pub(crate) outbound: Outbound,
    pub(crate) console: Console,
}

/// Keys whose values are secret: shown as `***`, readable from a file through the environment (`…__FILE`).
pub(crate) const SECRETS: [&str; 1] = ["master_key"];

/// What else may be read from a file, since it may hold a password.
pub(crate) const DATABASE_URL: &str = "database_url";

impl Default for Config {
    fn default() -> Self {
        Self {
            issuer: None,
            data_dir: "./valetkey-data".into(),
            database_url: None,
            master_key: None,
            introspection: Introspecting::default(),
            require_pushed_authorization_requests: false,
            request_uri_parameter_supported: false,
            http: Http::default(),
            dpop: Dpop::default(),
            management: Management::default(),
            lifetimes: Lifetimes::default(),
            login: Login::default(),
            accounts: Accounts::default(),
            log: Log::default(),
            templates: Templates::default(),
            registration: Registration::default(),
            developer: Developer::default(),
            gateway: Gateway::default(),
            outbound: Outbound::default(),
            console: Console::default(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Introspecting {
    #[default]
    Memory,
    Strict,
}

/// The public listener.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Http {
    /// One address or a list.
    pub(crate) listen: Many<SocketAddr>,
    /// Addresses or ranges of reverse proxies that may say for whom they speak. Nobody by default.
    pub(crate) trusted_proxies: Many<Proxy>,
    /// The one header in which those proxies say it.
    pub(crate) forwarding_header: ForwardingHeader,
    pub(crate) limits: Limits,
    pub(crate) aliases: Aliases,
    pub(crate) client_certificates: ClientCertificates,
}

/// Certificates of clients (RFC 8705).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ClientCertificates {
    /// The header in which trusted proxies say the certificate of a client: `Client-Cert` (RFC 9440), Envoy's
    /// `X-Forwarded-Client-Cert`, or any with PEM (also escaped, as nginx's `$ssl_client_escaped_cert`) or base64 in it.
    pub(crate) header: Option<String>,
    /// Certificates (PEM) of the authorities that vouch for clients with `tls_client_auth`.
    pub(crate) ca_file: Option<PathBuf>,
    /// The address under which clients with certificates reach this server, where it is not the issuer's.
    pub(crate) url: Option<String>,
    /// Where this server itself ends TLS and asks for a certificate: one address or a list.
    pub(crate) listen: Many<SocketAddr>,
    /// The server's certificate (PEM) there, with its chain.
    pub(crate) certificate_file: Option<PathBuf>,
    /// The key of that certificate (PEM).
    pub(crate) key_file: Option<PathBuf>,
}

/// Proofs of possession (RFC 9449).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Dpop {
    /// Whether each proof must carry a nonce of this server's.
    pub(crate) require_nonce: bool,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: Many(vec![SocketAddr::from(([127, 0, 0, 1], 8080))]),
            trusted_proxies: Many::default(),
            forwarding_header: ForwardingHeader::default(),
            limits: Limits::default(),
            aliases: Aliases::default(),
            client_certificates: ClientCertificates::default(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ForwardingHeader {
    #[default]
    XForwardedFor,
    /// RFC 7239.
    Forwarded,
}

/// What one client may cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Limits {
    /// Until a request's headers are there.
    pub(crate) header_timeout: Span,
    /// Until a request's body is there.
    pub(crate) body_timeout: Span,
    /// Between two requests on one connection.
    pub(crate) idle_timeout: Span,
    /// A request that takes longer loses its connection.
    pub(crate) request_timeout: Span,
    /// How long requests in flight may take when the server is told to end.
    pub(crate) drain_timeout: Span,
    /// Bytes of request line and headers.
    pub(crate) max_header_bytes: usize,
    /// Bytes of a request's body.
    pub(crate) max_body_bytes: usize,
    /// Connections open at once, over all public listeners.
    pub(crate) max_connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        let seconds = |duration: std::time::Duration| {
            Span::seconds(i64::try_from(duration.as_secs()).unwrap_or(i64::MAX))
        };
        let (edge, body) =
            (valetkey_web::serve::Limits::default(), valetkey_web::layer::body::BodyLimits::default());
        Self {
            header_timeout: seconds(edge.header_timeout),
            body_timeout: seconds(body.timeout),
            idle_timeout: seconds(edge.idle_timeout),
            request_timeout: seconds(edge.request_timeout),
            drain_timeout: seconds(edge.drain_timeout),
            max_header_bytes: edge.max_header_bytes,
            max_body_bytes: body.max_bytes,
            max_connections: edge.max_connections,
        }
    }
}

/// Further paths for an endpoint, for applications that expect it elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Aliases {
    pub(crate) authorize: Many<UrlPath>,
    pub(crate) par: Many<UrlPath>,
    pub(crate) token: Many<UrlPath>,
    pub(crate) revoke: Many<UrlPath>,
    pub(crate) introspect: Many<UrlPath>,
    pub(crate) userinfo: Many<UrlPath>,
    pub(crate) logout: Many<UrlPath>,
    pub(crate) jwks: Many<UrlPath>,
    pub(crate) metadata: Many<UrlPath>,
    pub(crate) openid_configuration: Many<UrlPath>,
}

impl Aliases {
    /// Each endpoint's name with a further path of its.
    pub(crate) fn pairs(&self) -> Vec<(&'static str, &str)> {
        let all = [
            ("authorize", &self.authorize),
            ("par", &self.par),
            ("token", &self.token),
            ("revoke", &self.revoke),
            ("introspect", &self.introspect),
            ("userinfo", &self.userinfo),
            ("logout", &self.logout),
            ("jwks", &self.jwks),
            ("metadata", &self.metadata),
            ("openid_configuration", &self.openid_configuration),
        ];
        all.into_iter()
            .flat_map(|(name, own)| own.0.iter().map(move |alias| (name, alias.0.as_str())))
            .collect()
    }
}

/// The listener for health checks and metrics; never meant for the public.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Management {
    /// One address or a list.
    pub(crate) listen: Many<SocketAddr>,
}

impl Default for Management {
    fn default() -> Self {
        Self { listen: Many(vec![SocketAddr::from(([127, 0, 0, 1], 9000))]) }
    }
}

/// How long things live.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Lifetimes {
    /// An authorization code.
    pub(crate) code: Span,
    /// An access token, unless its client or API says otherwise.
    pub(crate) access_token: Span,
    /// A refresh token that is not used.
    pub(crate) refresh_idle: Span,
    /// A refresh token, however often it is used.
    pub(crate) refresh_absolute: Span,
    /// How long a spent refresh token still gets the successor it was given.
    pub(crate) retry_window: Span,
    /// A session in a browser, whatever happens.
    pub(crate) session: Span,
    /// A session in a browser that is not used.
    pub(crate) session_idle: Span,
}

impl Default for Lifetimes {
    fn default() -> Self {
        let core = CoreLifetimes::default();
        Self {
            code: Span(core.code),
            access_token: Span(core.access_token),
            refresh_idle: Span(core.refresh_idle),
            refresh_absolute: Span(core.refresh_absolute),
            retry_window: Span(core.retry_window),
            session: Span(core.session),
            session_idle: Span(core.session_idle),
        }
    }
}

/// Signing in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Login {
    /// Password hashes computed at once, 19 MiB and one core each. Default: one less than there are cores, at most 4.
    pub(crate) parallel_hashes: Option<usize>,
    pub(crate) acr: Acr,
}

/// The names (`acr`) by which applications ask for a way to sign in and are told of it: one or a list each, the one that is
/// told unasked first. An empty list: that way has no name of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Acr {
    /// In any way.
    pub(crate) signed_in: Many<AcrName>,
    /// By a password here.
    pub(crate) password: Many<AcrName>,
    /// At a provider elsewhere.
    pub(crate) upstream: Many<AcrName>,
    /// In any way, a short while ago at most. Told only where it was asked for.
    pub(crate) fresh: Many<AcrName>,
    /// That while.
    pub(crate) fresh_for: Span,
}

impl Default for Acr {
    fn default() -> Self {
        let own = AcrValues::default();
        let many = |names: Vec<String>| Many(names.into_iter().map(AcrName).collect());
        Self {
            signed_in: many(own.signed_in),
            password: many(own.password),
            upstream: many(own.upstream),
            fresh: many(own.fresh),
            fresh_for: Span(own.fresh_for),
        }
    }
}

/// What is logged, on standard error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Log {
    /// `auto` is text on a terminal and JSON elsewhere.
    pub(crate) format: LogFormat,
    /// `error`, `warn`, `info`, `debug` or `trace`; or directives such as `info,valetkey::access=info`, which logs a
    /// line for every request.
    pub(crate) level: String,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::default(), level: "info".to_owned() }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    #[default]
    Auto,
    Text,
    Json,
}

/// Pages of one's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Templates {
    /// A directory whose `.html` files take the place of the built-in ones of the same name.
    pub(crate) dir: Option<PathBuf>,
}

/// The interactive documentation at `/console`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Console {
    /// Whether it is there. It shows applications and APIs to signed-in people only.
    pub(crate) enabled: bool,
}

impl Default for Console {
    fn default() -> Self {
        Self { enabled: true }
    }
}

/// Applications that register themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Registration {
    /// Registration by the application (RFC 7591).
    pub(crate) dynamic: DynamicRegistration,
    /// How many applications one address may register before it has to wait for an hour.
    pub(crate) per_hour: u32,
    /// Applications whose client_id is the address of a document that describes them.
    pub(crate) metadata_documents: MetadataDocuments,
    /// For `allow-list`: hosts, or addresses below which the documents may be.
    pub(crate) metadata_documents_allow: Many<DocumentPlace>,
}

impl Default for Registration {
    fn default() -> Self {
        Self {
            dynamic: DynamicRegistration::default(),
            per_hour: REGISTRATIONS_PER_HOUR,
            metadata_documents: MetadataDocuments::default(),
            metadata_documents_allow: Many::default(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum DynamicRegistration {
    #[default]
    Off,
    Token,
    Open,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum MetadataDocuments {
    #[default]
    Off,
    AllowList,
    Open,
}

/// APIs behind this server, as `valetkey api` registers them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Gateway {
    /// Until a connection to an API stands.
    pub(crate) connect_timeout: Span,
    /// Until an API begins to answer. Default: nine tenths of `http.limits.request_timeout`, which it must not exceed.
    pub(crate) response_timeout: Option<Span>,
    /// Bytes of a request's body.
    pub(crate) max_body_bytes: usize,
    /// Certificates (PEM) that an `https` API may show beside those that the system knows.
    pub(crate) ca_file: Option<PathBuf>,
}

impl Default for Gateway {
    fn default() -> Self {
        let own = valetkey_gateway::Limits::default();
        let connect = i64::try_from(own.connect_timeout.as_secs()).unwrap_or(i64::MAX);
        Self {
            connect_timeout: Span::seconds(connect),
            response_timeout: None,
            max_body_bytes: own.max_body_bytes,
            ca_file: None,
        }
    }
}

/// What this server asks of others: metadata documents, keys, sign-in providers. Private addresses are never called unless
/// they stand here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Outbound {
    /// Host names, addresses and ranges that may be called although they are private. `dev` allows this machine.
    pub(crate) allow: Many<Destination>,
    /// Certificates (PEM) that count beside the system's.
    pub(crate) ca_file: Option<PathBuf>,
    /// Until the last byte of an answer.
    pub(crate) timeout: Span,
}

impl Default for Outbound {
    fn default() -> Self {
        Self { allow: Many::default(), ca_file: None, timeout: Span::seconds(5) }
    }
}

/// People's accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Accounts {
    /// Where people make accounts for themselves, at `/sign-up` and where an application asks for it (`prompt=create`):
    /// `true` in the directory `default`, or the ids of the tenants that take strangers.
    pub(crate) sign_up: SignUp,
    /// How many accounts one address may try to make before it has to wait for an hour.
    pub(crate) sign_ups_per_hour: u32,
    /// The same for one network (an IPv4 /24, an IPv6 /48), in each hour of the clock.
    pub(crate) sign_ups_per_hour_and_network: u32,
    /// The same for the whole server, in each ten minutes of the clock.
    pub(crate) sign_ups_per_ten_minutes: u32,
    /// Whether an account gets no tokens, whatever the grant, before its e-mail address is confirmed: by
    /// `valetkey user update --email-verified true`, or by a provider elsewhere that vouches for the address.
    pub(crate) require_verified_email: bool,
    /// What people may change of themselves on the account page; an empty list: nothing.
    pub(crate) editable_claims: Many<PersonalClaim>,
}

impl Default for Accounts {
    fn default() -> Self {
        let all = claims::ALL.iter().map(|claim| claim.name).filter(|name| claims::is_personal(name));
        let all = all.map(|name| PersonalClaim(name.to_owned())).collect();
        let limits = SignUpLimits::default();
        Self {
            sign_up: SignUp::default(),
            sign_ups_per_hour: limits.address,
            sign_ups_per_hour_and_network: limits.network,
            sign_ups_per_ten_minutes: limits.server,
            require_verified_email: false,
            editable_claims: Many(all),
        }
    }
}

/// The developer portal, where people register applications of their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Developer {
    /// Whether there is one, at `/developer`.
    pub(crate) portal: bool,
    /// Whether an application waits for `valetkey client approve` before anybody but its owners can sign in to it.
    pub(crate) review: bool,
    /// How many applications one person may own.
    pub(crate) max_applications: u32,
}

impl Default for Developer {
    fn default() -> Self {
        let core = Portal::default();
        Self { portal: core.open, review: core.review, max_applications: core.max_applications }
    }
}
