//! The whole application behind its edge, without a socket.

use crate::browser::Browser;
use crate::log;
use crate::parts::{TestClock, TestEntropy, TestHasher};
use crate::reply::Reply;
use axum::body::Body;
use data_encoding::BASE64;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Method, Request};
use http_body_util::BodyExt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tempfile::TempDir;
use valetkey_core::audit::Actor;
use valetkey_core::client::Client;
use valetkey_core::context::{Caller, Context, Parts, Server};
use valetkey_core::directory::User;
use valetkey_core::ids::TenantId;
use valetkey_core::manage;
use valetkey_core::manage::client::NewClient;
use valetkey_core::manage::user::NewUser;
use valetkey_core::seal::SealingKey;
use valetkey_core::secret::Secret;
use valetkey_core::settings::{Lifetimes, Settings};
use valetkey_core::store::{Api, ScopeWords};
use valetkey_core::time::Timestamp;
use valetkey_store::{Options, Store};
use valetkey_web::app::{App, Demo, Inner};
use valetkey_web::layer::body::BodyLimits;
use valetkey_web::layer::{Edge, EdgeSettings};
use valetkey_web::pages::render::Renderer;
use valetkey_web::pages::view::Site;
use valetkey_web::router::router;

/// Every test user's password.
pub const PASSWORD: &str = "seven unrelated garden tools";
/// Every confidential test client's secret.
pub const CLIENT_SECRET: &str = "test-client-secret-0123456789abcdef";

/// What differs from the plain case.
#[derive(Debug, Clone)]
pub struct Builder {
    issuer: String,
    lifetimes: Lifetimes,
    aliases: Vec<(String, String)>,
    demo: bool,
}

/// A running application with its own database.
#[derive(Debug)]
pub struct TestApp {
    pub server: Arc<Server>,
    pub clock: Arc<TestClock>,
    edge: Edge,
    secrets: Mutex<Vec<String>>,
    _directory: TempDir,
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

    /// With `/dev/callback`.
    #[must_use]
    pub fn demo(mut self) -> Self {
        self.demo = true;
        self
    }

    pub async fn start(self) -> TestApp {
        log::install();
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("valetkey.db");
        let store = Store::open(&Options { path, create: true, marker: None }).expect("a fresh store");
        let clock = Arc::new(TestClock::default());
        let parts = Parts {
            settings: Settings::new(&self.issuer, self.lifetimes),
            store: Arc::new(store),
            hasher: Arc::new(TestHasher),
            clock: Arc::<TestClock>::clone(&clock),
            entropy: Arc::new(TestEntropy),
            master: SealingKey::new("master".into(), Timestamp(0), &[7; 32]).expect("32 bytes"),
        };
        let server = Server::open(parts).await.expect("an open server");
        manage::key::ensure(&Context::new(&server, Caller::default())).await.expect("keys");
        let edge = self.edge(&server);
        TestApp { server, clock, edge, secrets: Mutex::default(), _directory: directory }
    }

    fn edge(&self, server: &Arc<Server>) -> Edge {
        let demo = self.demo.then(|| Demo {
            client_id: "demo".to_owned(),
            client_secret: CLIENT_SECRET.to_owned(),
            redirect_uri: format!("{}/dev/callback", self.issuer),
            code_verifier: crate::VERIFIER.to_owned(),
        });
        let app = App::new(Inner {
            server: Arc::clone(server),
            renderer: Renderer::new(None).expect("templates"),
            site: Site::new("Valetkey", server.settings.host()),
            body_limits: BodyLimits::default(),
            demo,
        });
        let (router, routes) = router(app, &self.aliases).expect("aliases");
        let mut settings = EdgeSettings::new([3; 16]);
        settings.https = server.settings.is_https();
        Edge::new(router, routes, settings)
    }
}

impl TestApp {
    /// `https://id.example`, default lifetimes, nothing registered.
    pub fn builder() -> Builder {
        let issuer = "https://id.example".to_owned();
        Builder { issuer, lifetimes: Lifetimes::default(), aliases: Vec::new(), demo: false }
    }

    pub async fn start() -> Self {
        Self::builder().start().await
    }

    /// A context of this moment, as a management command has it.
    pub fn cx(&self) -> Context {
        Context::new(&self.server, Caller::default())
    }

    /// Registers a client; a confidential one gets `CLIENT_SECRET`.
    pub async fn client(&self, mut new: NewClient) -> Client {
        let public = new.auth_method == Some(valetkey_core::client::AuthMethod::None);
        if !public && new.secret.is_none() {
            new.secret = Some(Secret::new(CLIENT_SECRET));
        }
        if new.name.is_empty() {
            "Photo Printer".clone_into(&mut new.name);
        }
        manage::client::create(&self.cx(), Actor::Operator, new).await.expect("a client").client
    }

    /// A confidential web client `id` with `https://app.example/cb`, for `read write` and the standard scopes.
    pub async fn web_client(&self, id: &str) -> Client {
        self.client(NewClient {
            id: Some(id.to_owned()),
            redirect_uris: vec!["https://app.example/cb".to_owned()],
            ..NewClient::default()
        })
        .await
    }

    pub async fn user(&self, username: &str) -> User {
        let new = NewUser {
            username: username.to_owned(),
            name: Some(format!("{username} Example")),
            email: Some(format!("{username}@example.org")),
            tenant: TenantId::default(),
            password: Some(Secret::new(PASSWORD)),
            admin: false,
        };
        manage::user::create(&self.cx(), Actor::Operator, new).await.expect("a user")
    }

    pub async fn scope(&self, name: &str, description: &str) {
        let words = ScopeWords {
            name: name.to_owned(),
            description: description.to_owned(),
            detail: String::new(),
            default: false,
            standard: false,
        };
        manage::scope::create(&self.cx(), Actor::Operator, words).await.expect("a scope");
    }

    pub async fn api(&self, api: Api) {
        manage::api::create(&self.cx(), Actor::Operator, api).await.expect("an API");
    }

    /// A browser at 192.0.2.1 with an empty cookie jar.
    pub fn browser(&self) -> Browser<'_> {
        Browser::new(self, IpAddr::from([192, 0, 2, 1]))
    }

    /// Sends a request and remembers every secret of the answer, for the look into the log at the end.
    pub async fn send(&self, request: Request<Body>, from: IpAddr) -> Reply {
        let (parts, body) = self.edge.respond(request, from).await.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        let body = String::from_utf8(bytes.to_vec()).expect("text");
        let reply = Reply { status: parts.status, headers: parts.headers, body };
        self.remember_secrets(&reply);
        reply
    }

    fn remember_secrets(&self, reply: &Reply) {
        let mut secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        let text = format!("{} {}", reply.location(), reply.body);
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)));
        secrets.extend(words.filter(|word| is_secret(word)).map(str::to_owned));
        secrets.extend(reply.cookies().into_iter().map(|(_, value)| value).filter(|value| value.len() > 20));
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.send(request(Method::GET, path).body(Body::empty()).expect("a request"), LOCAL).await
    }

    /// GET with `Authorization: Bearer`.
    pub async fn get_with_token(&self, path: &str, token: &str) -> Reply {
        let request = request(Method::GET, path).header(AUTHORIZATION, format!("Bearer {token}"));
        self.send(request.body(Body::empty()).expect("a request"), LOCAL).await
    }

    /// Posts a form, with Basic credentials where given.
    pub async fn post(&self, path: &str, basic: Option<(&str, &str)>, fields: &[(&str, &str)]) -> Reply {
        let mut request =
            request(Method::POST, path).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some((id, secret)) = basic {
            let credentials = BASE64.encode(format!("{id}:{secret}").as_bytes());
            request = request.header(AUTHORIZATION, format!("Basic {credentials}"));
        }
        self.send(request.body(Body::from(encode(fields))).expect("a request"), LOCAL).await
    }

    /// The token endpoint, as `client` with its secret by Basic.
    pub async fn token(&self, client: &str, fields: &[(&str, &str)]) -> Reply {
        self.post("/oauth/token", Some((client, CLIENT_SECRET)), fields).await
    }

    /// Whether a token is active, by introspection as `client`.
    pub async fn is_active(&self, client: &str, token: &str) -> bool {
        let reply = self.post("/oauth/introspect", Some((client, CLIENT_SECRET)), &[("token", token)]).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.json()["active"].as_bool().expect("active")
    }
}

impl Drop for TestApp {
    /// Design rule 9: no secret in the log, checked for every test of the suite.
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let mut secrets = std::mem::take(&mut *self.secrets.lock().unwrap_or_else(PoisonError::into_inner));
        secrets.extend([PASSWORD.to_owned(), CLIENT_SECRET.to_owned()]);
        let leaked = log::leaked(&secrets);
        assert!(leaked.is_empty(), "secrets in the log: {leaked:?}");
    }
}

const LOCAL: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

/// A sealed artefact, or a JWT.
fn is_secret(word: &str) -> bool {
    word.len() > 40 && (word.starts_with("vk_") || word.starts_with("eyJ"))
}

pub(crate) fn request(method: Method, path: &str) -> http::request::Builder {
    Request::builder().method(method).uri(path)
}

pub(crate) fn encode(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}
