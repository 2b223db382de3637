//! An issuer that counts how often it is asked, and a clock that moves when it is told to.

use crate::signer::Signer;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use valetkey_guard::{Builder, Clock, Guard};

pub(crate) const AUDIENCE: &str = "https://photos.example";
/// Where the clock begins.
pub(crate) const START: u64 = 1_800_000_000;

#[derive(Debug)]
pub(crate) struct MovableClock(AtomicU64);

impl MovableClock {
    pub(crate) fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds, SeqCst);
    }
}

impl Clock for MovableClock {
    fn now(&self) -> Duration {
        Duration::from_secs(self.0.load(SeqCst))
    }
}

#[derive(Default)]
pub(crate) struct World {
    url: String,
    pub(crate) keys: Mutex<Vec<Signer>>,
    /// What introspection answers; a token that is not here is inactive.
    pub(crate) tokens: Mutex<HashMap<String, Value>>,
    /// Answers 503 to everything.
    pub(crate) away: AtomicBool,
    /// Never answers.
    pub(crate) silent: AtomicBool,
    key_calls: AtomicUsize,
    introspections: AtomicUsize,
}

pub(crate) struct Issuer {
    pub(crate) world: Arc<World>,
    pub(crate) clock: Arc<MovableClock>,
}

impl Issuer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("address"));
        let world = Arc::new(World { url, ..World::default() });
        let app = Router::new()
            .route("/.well-known/oauth-authorization-server", get(metadata))
            .route("/jwks", get(jwks))
            .route("/introspect", post(introspect))
            .with_state(Arc::clone(&world));
        #[expect(clippy::disallowed_methods, reason = "the tests' issuer has no strangers to fear")]
        let serving = axum::serve(listener, app);
        tokio::spawn(serving.into_future());
        Self { world, clock: Arc::new(MovableClock(AtomicU64::new(START))) }
    }

    pub(crate) fn url(&self) -> &str {
        &self.world.url
    }

    pub(crate) fn builder(&self) -> Builder {
        Guard::discover(self.url()).audience(AUDIENCE).clock(Arc::clone(&self.clock) as Arc<dyn Clock>)
    }

    pub(crate) async fn guard(&self) -> Guard {
        self.builder().introspect_as("photos", "s3cret:%").build().await.expect("a guard")
    }

    /// Publishes a key, instead of any of its name.
    pub(crate) fn publish(&self, signer: Signer) {
        self.world.keys.lock().expect("keys").push(signer);
    }

    /// Claims of a good token, changed; null takes a claim out.
    pub(crate) fn claims(&self, change: &Value) -> Value {
        let mut claims = json!({
            "iss": self.url(), "aud": AUDIENCE, "sub": "usr_alice", "client_id": "app_1",
            "scope": "photos.read", "iat": START, "exp": START + 600, "jti": "1",
        });
        merge(&mut claims, change);
        claims
    }

    /// A good token of the first key, with its header and claims changed.
    pub(crate) fn token(&self, header: &Value, claims: &Value) -> String {
        let keys = self.world.keys.lock().expect("keys");
        let mut head = keys[0].header();
        merge(&mut head, header);
        keys[0].sign(&head, &self.claims(claims))
    }

    /// Makes introspection know a token.
    pub(crate) fn know(&self, token: &str, change: &Value) {
        let mut answer = self.claims(&json!({"active": true, "token_type": "Bearer"}));
        merge(&mut answer, change);
        self.world.tokens.lock().expect("tokens").insert(token.to_owned(), answer);
    }

    pub(crate) fn forget(&self, token: &str) {
        self.world.tokens.lock().expect("tokens").remove(token);
    }

    pub(crate) fn go_away(&self, away: bool) {
        self.world.away.store(away, SeqCst);
    }

    pub(crate) fn fall_silent(&self) {
        self.world.silent.store(true, SeqCst);
    }

    pub(crate) fn key_calls(&self) -> usize {
        self.world.key_calls.load(SeqCst)
    }

    pub(crate) fn introspections(&self) -> usize {
        self.world.introspections.load(SeqCst)
    }
}

fn merge(into: &mut Value, change: &Value) {
    let into = into.as_object_mut().expect("an object");
    for (name, value) in change.as_object().unwrap_or(&Map::new()) {
        match value {
            Value::Null => into.remove(name),
            value => into.insert(name.clone(), value.clone()),
        };
    }
}

impl World {
    async fn answer(&self, json: Value) -> Response {
        if self.silent.load(SeqCst) {
            std::future::pending::<()>().await;
        }
        if self.away.load(SeqCst) {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        ([(CACHE_CONTROL, "public, max-age=600")], Json(json)).into_response()
    }
}

async fn metadata(State(world): State<Arc<World>>) -> Response {
    let url = &world.url;
    let json = json!({
        "issuer": url, "jwks_uri": format!("{url}/jwks"), "introspection_endpoint": format!("{url}/introspect"),
    });
    world.answer(json).await
}

async fn jwks(State(world): State<Arc<World>>) -> Response {
    world.key_calls.fetch_add(1, SeqCst);
    let keys: Vec<Value> = world.keys.lock().expect("keys").iter().map(Signer::jwk).collect();
    world.answer(json!({"keys": keys})).await
}

async fn introspect(State(world): State<Arc<World>>, headers: HeaderMap, body: String) -> Response {
    world.introspections.fetch_add(1, SeqCst);
    // "photos:s3cret%3A%25"
    if headers[AUTHORIZATION] != "Basic cGhvdG9zOnMzY3JldCUzQSUyNQ==" {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let form: HashMap<String, String> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let known = world.tokens.lock().expect("tokens").get(&form["token"]).cloned();
    world.answer(known.unwrap_or(json!({"active": false}))).await
}
