//! The only file that names every crate: it puts store, hasher, clock and keys together into a server.

pub(crate) use valetkey_store::ServerLock;

use crate::certificates;
use crate::clock::{OsEntropy, SystemClock};
use crate::config::values::{AcrName, DatabaseUrl, DocumentPlace, Many, Span};
use crate::config::{Config, keys};
use crate::durations::Metrics;
use crate::hasher::{Argon2Hasher, default_permits};
use crate::home::{Home, MasterKey};
use anyhow::{Context as _, Result, bail};
use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse;
use http::{Request, StatusCode};
use std::sync::Arc;
use valetkey_core::context::{Parts, Server};
use valetkey_core::seal::SealingKey;
use valetkey_core::settings::{
    Accounts, AcrValues, DynamicRegistration, Lifetimes, MetadataDocuments, Portal, Settings, SignUpLimits,
};
use valetkey_core::store::{Keys, Upkeep};
use valetkey_core::time::Timestamp;
use valetkey_fetch::{Guarded, Policy};
use valetkey_gateway::{Answer, Caller, Gateway};
use valetkey_store::{OpenError, Options, PostgresOptions, Store};
use valetkey_web::app::{App, Demo};
use valetkey_web::layer::body::BodyLimits;
use valetkey_web::layer::client_addr::{ClientAddr, ForwardingHeader, TrustedPeer, TrustedProxies};
use valetkey_web::layer::request_id::RequestId;
use valetkey_web::layer::{ClientCertificate, Edge, EdgeSettings, Gateways};
use valetkey_web::management::Management;
use valetkey_web::pages::browser_mode;
use valetkey_web::pages::render::Renderer;
use valetkey_web::pages::respond::edge_errors;
use valetkey_web::pages::view::Site;
use valetkey_web::router::{BadAlias, express, router};
use valetkey_web::serve::Drain;

/// Who opens the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opening {
    /// A server: it makes what is missing.
    Server,
    /// A management command: it works on what is there.
    Existing,
}

/// An open store with the protocol on top.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) server: Arc<Server>,
    pub(crate) store: Store,
    pub(crate) hasher: Argon2Hasher,
}

/// Opens the store of a data directory and reads what a server holds in memory.
pub(crate) async fn open(config: &Config, home: &Home, issuer: &str, opening: Opening) -> Result<Opened> {
    let key = home.master_key(config)?;
    let store = open_store(home, opening).await?;
    let key = match key {
        Some(key) => key,
        None => missing_key(&store, home, opening).await?,
    };
    // A command beside a database server may have no data directory, and needs none.
    if opening == Opening::Server || home.dir.is_dir() {
        home.mark()?;
    }
    let permits = config.login.parallel_hashes.unwrap_or_else(default_permits);
    let hasher = Argon2Hasher::new(permits, Arc::new(OsEntropy));
    let parts = Parts {
        settings: settings(config, issuer),
        store: Arc::new(store.clone()),
        hasher: Arc::new(hasher.clone()),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(OsEntropy),
        fetcher: Arc::new(fetcher(config)?),
        master: SealingKey::new("master".into(), Timestamp(0), key.bytes())?,
    };
    let server = Server::open(parts).await.context("cannot read the store")?;
    Ok(Opened { server, store, hasher })
}

async fn open_store(home: &Home, opening: Opening) -> Result<Store> {
    let create = opening == Opening::Server;
    let marker = Some(home.marker().to_owned());
    Ok(match &home.postgres {
        Some(url) => Store::connect(&PostgresOptions { url: url.0.clone(), create, marker }).await?,
        None => Store::open(&Options { path: home.database.clone(), create, marker })?,
    })
}

/// Moves a SQLite store to a server. Answers how many rows each table has there now.
pub(crate) async fn transfer(home: &Home, url: &DatabaseUrl) -> Result<Vec<(String, u64)>> {
    let from = Options { path: home.database.clone(), create: false, marker: Some(home.marker().to_owned()) };
    let to = PostgresOptions { url: url.0.clone(), create: true, marker: None };
    Ok(valetkey_store::transfer(&from, &to).await?)
}

/// Whether a server's address can be understood.
pub(crate) fn check_database(url: &str) -> Result<(), String> {
    Store::check_address(url).map_err(|error| match error {
        OpenError::Address { why } => why,
        other => other.to_string(),
    })
}

/// A first start makes the master key. A store that has keys already was wrapped by one that is lost: never a new one.
async fn missing_key(store: &Store, home: &Home, opening: Opening) -> Result<MasterKey> {
    if !store.keys().await?.is_empty() {
        bail!(
            "{} is missing, and the keys in the database cannot be opened without it: restore it, or give it as \
             VALETKEY__MASTER_KEY__FILE",
            home.marker().display()
        );
    }
    match opening {
        Opening::Server => home.make_master_key(&OsEntropy),
        Opening::Existing => {
            bail!("this data directory was never used: start `valetkey serve` or `valetkey dev` first")
        }
    }
}

/// The one way to other people's servers.
fn fetcher(config: &Config) -> Result<Guarded> {
    let own = &config.outbound;
    let allowed = own.allow.0.iter().map(|text| text.0.parse().map_err(anyhow::Error::new));
    let policy = Policy { allowed: allowed.collect::<Result<_>>()? };
    let limits =
        valetkey_fetch::Limits { total: own.timeout.duration(), ..valetkey_fetch::Limits::default() };
    Guarded::new(policy, limits, own.ca_file.as_deref(), Arc::new(SystemClock)).context("outbound.ca_file")
}

/// The two faces of a server.
#[derive(Debug)]
pub(crate) struct Edges {
    pub(crate) public: Edge,
    pub(crate) management: Edge,
}

/// Puts pages, protocol and management endpoints on top of an open store.
pub(crate) fn edges(
    config: &Config,
    opened: &Opened,
    demo: Option<Demo>,
    metrics: Metrics,
    drain: &Drain,
) -> Result<Edges> {
    let server = &opened.server;
    let limits = &config.http.limits;
    let app = App::new(valetkey_web::app::Inner {
        server: Arc::clone(server),
        renderer: Renderer::new(config.templates.dir.clone())?,
        site: Site::new("Valetkey", server.settings.host()),
        body_limits: BodyLimits { max_bytes: limits.max_body_bytes, timeout: limits.body_timeout.duration() },
        console: config.console.enabled,
        demo,
    });
    let (error_page, express) = (edge_errors(&app), express(&app));
    let (router, paths) = router(app.clone(), &aliases(config)).map_err(|bad| bad_alias(&bad))?;
    let held = Arc::clone(server);
    let settings = EdgeSettings {
        https: server.settings.is_https(),
        trusted_proxies: trusted_proxies(config)?,
        certificates: certificates::from_header(&config.http.client_certificates)?,
        error_page,
        express,
        further: Arc::new(move |path| held.in_force().endpoint_at(path)),
        ..EdgeSettings::new(server.random())
    };
    let public = Edge::new(behind(router, gateway(server, config)?, app), paths, settings);

    let (store, hearing) = (opened.store.clone(), Arc::clone(server));
    let ready = move || {
        let (store, hearing) = (store.clone(), Arc::clone(&hearing));
        async move {
            store.ping().await.map_err(|fault| fault.to_string())?;
            if hearing.is_hearing() {
                Ok(())
            } else {
                Err("changes made elsewhere are not heard of".to_owned())
            }
        }
    };
    let health = Management::new(ready, move || metrics.render(), drain.clone());
    let management = Edge::new(health.router(), Management::ROUTES, EdgeSettings::new(server.random()));
    Ok(Edges { public, management })
}

/// The gateway; where it is not told otherwise, it gives up on an upstream a little before the edge gives up on it.
fn gateway(server: &Arc<Server>, config: &Config) -> Result<Gateway> {
    let own = &config.gateway;
    let edge = config.http.limits.request_timeout.duration();
    let response_timeout = own.response_timeout.map_or_else(|| edge.mul_f32(0.9), Span::duration);
    let limits = valetkey_gateway::Limits {
        connect_timeout: own.connect_timeout.duration(),
        response_timeout,
        max_body_bytes: own.max_body_bytes,
    };
    let tls = valetkey_fetch::tls(own.ca_file.as_deref()).context("gateway.ca_file")?;
    Ok(Gateway::new(Arc::clone(server), limits, tls))
}

/// What none of our own routes answers may belong to an API.
fn behind(router: Router, gateway: Gateway, app: App) -> Router {
    let answer = |address: ClientAddr, peer: TrustedPeer, id: RequestId, request: Request<Body>| async move {
        let own = request.extensions().get::<ClientCertificate>();
        let certificate = own.map(|ClientCertificate(own)| own.fingerprint);
        let caller =
            Caller { address: address.0, trusted_peer: peer.0, certificate, request_id: id.as_str() };
        let (mut response, whose) = match gateway.answer(request, caller).await {
            Answer::NotOurs => return StatusCode::NOT_FOUND.into_response(),
            Answer::Own(response) => (response, Gateways::Own),
            Answer::Passed(response) => (response, Gateways::Passed),
            Answer::SignIn { api, target, parts } => {
                (browser_mode::sign_in(&app, *parts, &api, &target).await, Gateways::Own)
            }
            Answer::SignOut { api, parts } => {
                (browser_mode::sign_out(&app, *parts, &api).await, Gateways::Own)
            }
        };
        response.extensions_mut().insert(whose);
        response
    };
    router.fallback(answer)
}

fn aliases(config: &Config) -> Vec<(String, String)> {
    let pairs = config.http.aliases.pairs();
    pairs.into_iter().map(|(name, path)| (name.to_owned(), path.to_owned())).collect()
}

fn bad_alias(bad: &BadAlias) -> anyhow::Error {
    anyhow::anyhow!("http.aliases: {bad}")
}

/// What a server would refuse that the configuration alone does not show.
pub(crate) fn check(config: &Config) -> Result<()> {
    Home::new(config).master_key(config)?;
    valetkey_web::router::can_have(&aliases(config)).map_err(|bad| bad_alias(&bad))
}

fn trusted_proxies(config: &Config) -> Result<TrustedProxies> {
    let ranges =
        config.http.trusted_proxies.0.iter().map(|proxy| proxy.0.parse().map_err(anyhow::Error::new));
    let header = match config.http.forwarding_header {
        keys::ForwardingHeader::XForwardedFor => ForwardingHeader::XForwardedFor,
        keys::ForwardingHeader::Forwarded => ForwardingHeader::Forwarded,
    };
    Ok(TrustedProxies { ranges: ranges.collect::<Result<_>>()?, header })
}

/// The edge's limits as configured.
pub(crate) fn limits(own: &keys::Limits) -> valetkey_web::serve::Limits {
    valetkey_web::serve::Limits {
        header_timeout: own.header_timeout.duration(),
        idle_timeout: own.idle_timeout.duration(),
        request_timeout: own.request_timeout.duration(),
        drain_timeout: own.drain_timeout.duration(),
        max_connections: own.max_connections,
        max_header_bytes: own.max_header_bytes,
        ..valetkey_web::serve::Limits::default()
    }
}

fn settings(config: &Config, issuer: &str) -> Settings {
    let registration = match config.registration.dynamic {
        keys::DynamicRegistration::Off => DynamicRegistration::Off,
        keys::DynamicRegistration::Token => DynamicRegistration::Token,
        keys::DynamicRegistration::Open => DynamicRegistration::Open,
    };
    let documents = match config.registration.metadata_documents {
        keys::MetadataDocuments::Off => MetadataDocuments::Off,
        keys::MetadataDocuments::Open => MetadataDocuments::Open,
        keys::MetadataDocuments::AllowList => {
            let places = &config.registration.metadata_documents_allow.0;
            MetadataDocuments::AllowList(places.iter().filter_map(DocumentPlace::url).collect())
        }
    };
    Settings::new(issuer, lifetimes(config))
        .with_registration(registration)
        .with_metadata_documents(documents)
        .with_portal(Portal {
            open: config.developer.portal,
            review: config.developer.review,
            max_applications: config.developer.max_applications,
        })
        .with_accounts(accounts(config))
        .with_mutual_tls(certificates::mutual_tls(&config.http.client_certificates))
        .with_dpop_nonce_required(config.dpop.require_nonce)
        .with_strict_introspection(config.introspection == keys::Introspecting::Strict)
        .with_required_pushing(config.require_pushed_authorization_requests)
        .with_request_uris(config.request_uri_parameter_supported)
        .with_registrations_per_hour(config.registration.per_hour)
        .with_acr(acr_values(&config.login.acr))
}

fn acr_values(own: &keys::Acr) -> AcrValues {
    let names = |many: &Many<AcrName>| many.0.iter().map(|name| name.0.clone()).collect();
    AcrValues {
        signed_in: names(&own.signed_in),
        password: names(&own.password),
        upstream: names(&own.upstream),
        fresh: names(&own.fresh),
        fresh_for: own.fresh_for.0,
    }
}

fn accounts(config: &Config) -> Accounts {
    let own = &config.accounts;
    Accounts {
        sign_up: own.sign_up.tenants(),
        require_verified_email: own.require_verified_email,
        editable_claims: Some(own.editable_claims.0.iter().map(|claim| claim.0.clone()).collect()),
        sign_up_limits: SignUpLimits {
            address: own.sign_ups_per_hour,
            network: own.sign_ups_per_hour_and_network,
            server: own.sign_ups_per_ten_minutes,
        },
    }
}

pub(crate) fn lifetimes(config: &Config) -> Lifetimes {
    let own = &config.lifetimes;
    Lifetimes {
        code: own.code.0,
        access_token: own.access_token.0,
        refresh_idle: own.refresh_idle.0,
        refresh_absolute: own.refresh_absolute.0,
        retry_window: own.retry_window.0,
        session: own.session.0,
        session_idle: own.session_idle.0,
        ..Lifetimes::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::values::SecretText;
    use valetkey_core::secret::Secret;

    #[test]
    fn what_a_server_would_refuse_is_found_without_starting_one() {
        let dir = tempfile::tempdir().expect("a directory");
        let good = Config { data_dir: dir.path().to_owned(), ..Config::default() };
        assert!(check(&good).is_ok());
        let mut short = good.clone();
        short.master_key = Some(SecretText(Secret::new("short")));
        assert!(format!("{:#}", check(&short).expect_err("no key")).contains("32 random bytes"));
        let mut taken = good;
        taken.http.aliases.authorize = toml::from_str::<toml::Table>("p = [\"/login\"]").expect("TOML")["p"]
            .clone()
            .try_into()
            .expect("paths");
        assert!(check(&taken).expect_err("taken").to_string().contains("/login"));
    }
}
