//! How an application under test is put together.

use crate::app::CLIENT_SECRET;
use crate::parts::{TestClock, TestEntropy, TestHasher};
use crate::place::Place;
use axum::http::HeaderMap;
use data_encoding::BASE64;
use std::sync::Arc;
use valetkey_core::context::{Parts, Server};
use valetkey_core::proof::certificate::Certificate;
use valetkey_core::seal::SealingKey;
use valetkey_core::settings::{
    Accounts, AcrValues, DynamicRegistration, Lifetimes, MetadataDocuments, MutualTls, Portal,
    REGISTRATIONS_PER_HOUR, Settings,
};
use valetkey_core::time::Timestamp;
use valetkey_fetch::{Guarded, Limits, Policy};
use valetkey_store::Store;
use valetkey_web::app::{App, Demo, Inner};
use valetkey_web::layer::body::BodyLimits;
use valetkey_web::layer::{Edge, EdgeSettings};
use valetkey_web::pages::render::Renderer;
use valetkey_web::pages::respond::edge_errors;
use valetkey_web::pages::view::Site;
use valetkey_web::router::{express, router};

/// What differs from the plain case.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is one switch of a test")]
pub struct Builder {
    issuer: String,
    lifetimes: Lifetimes,
    aliases: Vec<(String, String)>,
    demo: bool,
    console: bool,
    registration: DynamicRegistration,
    documents: MetadataDocuments,
    calls_loopback: bool,
    request_uris: bool,
    registrations_per_hour: u32,
    portal: Portal,
    accounts: Accounts,
    certificates: bool,
    acr: AcrValues,
    certificates_at: Option<String>,
    pub(crate) own_keys: bool,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            issuer: "https://id.example".to_owned(),
            lifetimes: Lifetimes::default(),
            aliases: Vec::new(),
            demo: false,
            console: true,
            registration: DynamicRegistration::Off,
            documents: MetadataDocuments::Off,
            calls_loopback: false,
            request_uris: false,
            registrations_per_hour: REGISTRATIONS_PER_HOUR,
            portal: Portal::default(),
            accounts: Accounts::default(),
            certificates: false,
            acr: AcrValues::default(),
            certificates_at: None,
            own_keys: false,
        }
    }
}

impl Builder {
    #[must_use]
    pub fn issuer(mut self, issuer: &str) -> Self {
        issuer.clone_into(&mut self.issuer);
        self
    }

    #[must_use]
    pub fn lifetimes(mut self, change: impl FnOnce(&mut Lifetimes)) -> Self {
        change(&mut self.lifetimes);
        self
    }

    #[must_use]
    pub fn alias(mut self, endpoint: &str, path: &str) -> Self {
        self.aliases.push((endpoint.to_owned(), path.to_owned()));
        self
    }

    #[must_use]
    pub fn registration(mut self, mode: DynamicRegistration) -> Self {
        self.registration = mode;
        self
    }

    #[must_use]
    pub fn metadata_documents(mut self, mode: MetadataDocuments) -> Self {
        self.documents = mode;
        self
    }

    /// May ask servers on this machine, as `valetkey dev` may.
    #[must_use]
    pub fn calling_loopback(mut self) -> Self {
        self.calls_loopback = true;
        self
    }

    /// Request objects may come by reference.
    #[must_use]
    pub fn request_uris(mut self) -> Self {
        self.request_uris = true;
        self
    }

    #[must_use]
    pub fn registrations_per_hour(mut self, registrations: u32) -> Self {
        self.registrations_per_hour = registrations;
        self
    }

    /// With a developer portal other than the default.
    #[must_use]
    pub fn portal(mut self, change: impl FnOnce(&mut Portal)) -> Self {
        change(&mut self.portal);
        self
    }

    /// With other names for the ways to sign in.
    #[must_use]
    pub fn acr(mut self, change: impl FnOnce(&mut AcrValues)) -> Self {
        change(&mut self.acr);
        self
    }

    /// With other rules for people's accounts than the default.
    #[must_use]
    pub fn accounts(mut self, change: impl FnOnce(&mut Accounts)) -> Self {
        change(&mut self.accounts);
        self
    }

    /// With `/dev/callback`.
    #[must_use]
    pub fn demo(mut self) -> Self {
        self.demo = true;
        self
    }

    /// Without the console.
    #[must_use]
    pub fn no_console(mut self) -> Self {
        self.console = false;
        self
    }

    /// With keys that no other application of this process has. Making them takes longer than most tests.
    #[must_use]
    pub fn own_keys(mut self) -> Self {
        self.own_keys = true;
        self
    }

    /// Everybody is a proxy that says certificates: `client-cert` one that is vouched for, `client-cert-unvouched` one that
    /// is not, in base64.
    #[must_use]
    pub fn seeing_certificates(mut self) -> Self {
        self.certificates = true;
        self
    }

    /// Clients come with certificates to this address, and not to the issuer's (RFC 8705 §5).
    #[must_use]
    pub fn aliased(mut self, url: &str) -> Self {
        self.certificates_at = Some(url.to_owned());
        self
    }

    /// A server on that database.
    pub(crate) async fn server(
        &self,
        place: &Place,
        clock: &Arc<TestClock>,
        hasher: &Arc<TestHasher>,
    ) -> (Arc<Server>, Store) {
        let store = place.open().await;
        let parts = Parts {
            settings: Settings::new(&self.issuer, self.lifetimes)
                .with_registration(self.registration)
                .with_request_uris(self.request_uris)
                .with_registrations_per_hour(self.registrations_per_hour)
                .with_metadata_documents(self.documents.clone())
                .with_portal(self.portal)
                .with_acr(self.acr.clone())
                .with_accounts(self.accounts.clone())
                .with_mutual_tls(MutualTls {
                    arrives: self.certificates,
                    vouched: self.certificates,
                    url: self.certificates_at.clone(),
                }),
            store: Arc::new(store.clone()),
            hasher: Arc::<TestHasher>::clone(hasher),
            clock: Arc::<TestClock>::clone(clock),
            entropy: Arc::new(TestEntropy),
            fetcher: Arc::new(self.fetcher(clock)),
            master: SealingKey::new("master".into(), Timestamp(0), &[7; 32]).expect("32 bytes"),
        };
        (Server::open(parts).await.expect("an open server"), store)
    }

    fn fetcher(&self, clock: &Arc<TestClock>) -> Guarded {
        let allowed = if self.calls_loopback { Policy::loopback().to_vec() } else { Vec::new() };
        let clock = Arc::<TestClock>::clone(clock);
        Guarded::new(Policy { allowed }, Limits::default(), None, clock).expect("a fetcher")
    }

    pub(crate) fn edge(&self, server: &Arc<Server>) -> Edge {
        let demo = self.demo.then(|| Demo {
            client_id: "demo".to_owned(),
            client_secret: CLIENT_SECRET.to_owned(),
            redirect_uri: format!("{}/dev/callback", self.issuer),
            secrets: vec![("demo".to_owned(), CLIENT_SECRET.to_owned())],
            code_verifier: crate::VERIFIER.to_owned(),
        });
        let app = App::new(Inner {
            server: Arc::clone(server),
            renderer: Renderer::new(None).expect("templates"),
            site: Site::new("Valetkey", server.settings.host()),
            body_limits: BodyLimits::default(),
            console: self.console,
            demo,
        });
        let (error_page, express) = (edge_errors(&app), express(&app));
        let (service, routes) = router(app, &self.aliases).expect("aliases");
        let mut settings = EdgeSettings::new([3; 16]);
        settings.https = server.settings.is_https();
        (settings.error_page, settings.express) = (error_page, express);
        if self.certificates {
            settings.trusted_proxies.ranges = vec!["0.0.0.0/0".parse().expect("everybody")];
            settings.certificates = Some(Arc::new(certificate));
        }
        let held = Arc::clone(server);
        settings.further = Arc::new(move |path| held.in_force().endpoint_at(path));
        Edge::new(service, routes, settings)
    }
}

fn certificate(headers: &HeaderMap) -> Option<Arc<Certificate>> {
    let said = |name: &str| BASE64.decode(headers.get(name)?.as_bytes()).ok();
    let vouched = said("client-cert");
    let der = vouched.clone().or_else(|| said("client-cert-unvouched"))?;
    Certificate::read(&der, vouched.is_none().then_some("unvouched")).map(Arc::new)
}
