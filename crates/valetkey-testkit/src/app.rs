//! The whole application behind its edge, without a socket.

use crate::browser::Browser;
use crate::builder::Builder;
use crate::log;
use crate::parts::{TestClock, TestHasher};
use crate::place::Place;
use crate::reply::Reply;
use axum::Router;
use axum::body::Body;
use http::Request;
use http_body_util::BodyExt;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpListener;
use valetkey_core::audit::{Actor, Record};
use valetkey_core::client::Client;
use valetkey_core::context::{Caller, Context, Server};
use valetkey_core::directory::User;
use valetkey_core::ids::TenantId;
use valetkey_core::manage;
use valetkey_core::manage::client::NewClient;
use valetkey_core::manage::user::NewUser;
use valetkey_core::secret::Secret;
use valetkey_core::store::{Api, AuditFilter, Audits, Page, ScopeWords, Upkeep};
use valetkey_store::Store;
use valetkey_web::layer::Edge;

/// Every test user's password.
pub const PASSWORD: &str = "seven unrelated garden tools";
/// Every confidential test client's secret.
pub const CLIENT_SECRET: &str = "test-client-secret-0123456789abcdef";

/// A running application with its own database.
#[derive(Debug)]
pub struct TestApp {
    pub server: Arc<Server>,
    pub clock: Arc<TestClock>,
    pub hasher: Arc<TestHasher>,
    pub store: Store,
    edge: Edge,
    secrets: Mutex<Vec<String>>,
    /// Where the log stood when this began.
    logged: usize,
    sent: AtomicBool,
    builder: Builder,
    place: Arc<Place>,
}

impl Builder {
    pub async fn start(self) -> TestApp {
        let logged = log::install();
        let place = Arc::new(Place::fresh(self.own_keys).await);
        let (clock, hasher) = (Arc::new(TestClock::default()), Arc::new(TestHasher::default()));
        let (server, store) = self.server(&place, &clock, &hasher).await;
        manage::key::ensure(&Context::new(&server, Caller::default())).await.expect("keys");
        let edge = self.edge(&server);
        let secrets = Mutex::default();
        TestApp {
            server,
            clock,
            hasher,
            store,
            edge,
            secrets,
            logged,
            sent: AtomicBool::new(false),
            builder: self,
            place,
        }
    }
}

impl TestApp {
    /// `https://id.example`, default lifetimes, nothing registered.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub async fn start() -> Self {
        Self::builder().start().await
    }

    /// Stops the server and starts another on the same database.
    pub async fn restart(&mut self) {
        self.store.close().await;
        (self.server, self.store) = self.beside().await;
        self.edge = self.builder.edge(&self.server);
    }

    /// Another process on the same database, such as a management command or a second node.
    pub async fn beside(&self) -> (Arc<Server>, Store) {
        self.builder.server(&self.place, &self.clock, &self.hasher).await
    }

    /// Another node: a server of its own on the same database, with its own memory.
    pub async fn node(&self) -> Self {
        let (server, store) = self.beside().await;
        Self {
            edge: self.builder.edge(&server),
            server,
            store,
            clock: Arc::clone(&self.clock),
            hasher: Arc::clone(&self.hasher),
            secrets: Mutex::default(),
            logged: log::install(),
            sent: AtomicBool::new(false),
            builder: self.builder.clone(),
            place: Arc::clone(&self.place),
        }
    }

    /// A context of this moment, as a management command has it.
    pub fn cx(&self) -> Context {
        Context::new(&self.server, Caller::default())
    }

    /// Registers a client; a confidential one gets `CLIENT_SECRET`.
    pub async fn client(&self, mut new: NewClient) -> Client {
        let public = new.auth_method.is_some_and(|method| !method.is_by_secret());
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

    /// Answers on a socket too, for who asks over the network.
    #[expect(clippy::disallowed_methods, reason = "tests ask nicely: no limits are needed")]
    pub fn listen(&self, listener: TcpListener) {
        let edge = self.edge.clone();
        let answer = move |request: Request<Body>| {
            let edge = edge.clone();
            async move { edge.respond(request, IpAddr::from([127, 0, 0, 1])).await }
        };
        let router = Router::new().fallback(answer);
        tokio::spawn(async move { axum::serve(listener, router).await });
    }

    /// A browser at 192.0.2.1 with an empty cookie jar.
    pub fn browser(&self) -> Browser<'_> {
        Browser::new(self, IpAddr::from([192, 0, 2, 1]))
    }

    /// Sends a request and remembers every secret of the answer, for the look into the log at the end.
    pub async fn send(&self, request: Request<Body>, from: IpAddr) -> Reply {
        self.sent.store(true, Ordering::Relaxed);
        let (parts, body) = self.edge.respond(request, from).await.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        let body = String::from_utf8_lossy(&bytes).into_owned();
        let reply = Reply { status: parts.status, headers: parts.headers, body };
        self.remember_secrets(&reply);
        reply
    }

    /// Keeps what must not stand in the log at the end. What is shorter than 16 bytes is not looked for: it could stand
    /// there by chance.
    pub(crate) fn remember(&self, secrets: impl IntoIterator<Item = String>) {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner).extend(secrets);
    }

    fn remember_secrets(&self, reply: &Reply) {
        let text = format!("{} {}", reply.location(), reply.body);
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)));
        self.remember(words.filter(|word| is_secret(word)).map(str::to_owned));
        self.remember(reply.cookies().into_iter().map(|(_, value)| value).filter(|value| value.len() > 20));
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.call("GET", path).send().await
    }

    /// GET with `Authorization: Bearer`.
    pub async fn get_with_token(&self, path: &str, token: &str) -> Reply {
        self.call("GET", path).bearer(token).send().await
    }

    /// Posts a form, with Basic credentials where given.
    pub async fn post(&self, path: &str, basic: Option<(&str, &str)>, fields: &[(&str, &str)]) -> Reply {
        let call = self.call("POST", path).form(fields);
        match basic {
            Some((id, secret)) => call.basic(id, secret).send().await,
            None => call.send().await,
        }
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

/// What stands in the database.
impl TestApp {
    /// How many rows each table has.
    pub async fn rows(&self) -> BTreeMap<String, u64> {
        self.store.row_counts().await.expect("counts").into_iter().collect()
    }

    /// The audit trail, oldest first.
    pub async fn records(&self) -> Vec<Record> {
        let mut records =
            self.store.records(&AuditFilter::default(), &Page::first(1000)).await.expect("records");
        records.reverse();
        records
    }
}

impl Drop for TestApp {
    /// Design rule 9: no secret in the log, checked for every test of the suite.
    fn drop(&mut self) {
        if std::thread::panicking() || !self.sent.load(Ordering::Relaxed) {
            return;
        }
        let mut secrets = std::mem::take(&mut *self.secrets.lock().unwrap_or_else(PoisonError::into_inner));
        secrets.extend([PASSWORD.to_owned(), CLIENT_SECRET.to_owned()]);
        let leaked = log::leaked(self.logged, &secrets);
        assert!(leaked.is_empty(), "secrets in the log: {leaked:?}");
    }
}

/// A sealed artefact, or a JWT.
fn is_secret(word: &str) -> bool {
    word.len() > 40 && (word.starts_with("vk_") || word.starts_with("eyJ"))
}

pub(crate) fn encode(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}
