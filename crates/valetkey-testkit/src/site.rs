//! Somebody else's web server on this machine, for what the server under test asks elsewhere.

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use http::header::CONTENT_TYPE;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpListener;

/// A request that came in.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Method, path and query.
    pub line: String,
    pub authorization: String,
    pub body: String,
}

type Answers = BTreeMap<String, (u16, Vec<(String, String)>, String)>;

#[derive(Debug, Default)]
struct Inner {
    answers: Mutex<Answers>,
    asked: Mutex<Vec<Asked>>,
}

/// Answers each path as it was told to; 404 elsewhere.
#[derive(Debug)]
pub struct Site {
    /// `http://127.0.0.1:PORT`
    pub origin: String,
    inner: Arc<Inner>,
}

impl Site {
    #[expect(clippy::disallowed_methods, reason = "tests ask nicely: no limits are needed")]
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let inner = Arc::<Inner>::default();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&inner));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { origin, inner }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// Serves a JSON document.
    pub fn serve(&self, path: &str, json: &Value) {
        self.answer(path, 200, &[("content-type", "application/json")], &json.to_string());
    }

    pub fn answer(&self, path: &str, status: u16, headers: &[(&str, &str)], body: &str) {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        lock(&self.inner.answers).insert(path.to_owned(), (status, headers, body.to_owned()));
    }

    /// What was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        lock(&self.inner.asked).clone()
    }

    /// How often a path was asked for.
    pub fn count(&self, path: &str) -> usize {
        self.asked()
            .iter()
            .filter(|asked| asked.line.split_once(' ').is_some_and(|(_, at)| at == path))
            .count()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn answer(State(inner): State<Arc<Inner>>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    let header = |name: &str| {
        parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    };
    lock(&inner.asked).push(Asked {
        line: format!("{} {}", parts.method, parts.uri),
        authorization: header("authorization"),
        body: String::from_utf8_lossy(&body).into_owned(),
    });
    let found = lock(&inner.answers).get(parts.uri.path()).cloned();
    let (status, headers, body) =
        found.unwrap_or((404, vec![(CONTENT_TYPE.to_string(), "text/plain".to_owned())], String::new()));
    let mut response = Response::builder().status(StatusCode::from_u16(status).expect("a status"));
    for (name, value) in headers {
        response = response.header(name, value);
    }
    response.body(Body::from(body)).expect("a response")
}
