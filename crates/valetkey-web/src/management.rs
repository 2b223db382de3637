//! The management listener: liveness, readiness and metrics, apart from the public port and its connection cap.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use http::header::{CONTENT_TYPE, RETRY_AFTER};

use crate::layer::routes::Form;
use crate::serve::Drain;

/// A readiness check that takes longer counts as failed (faults R09: false within 2 s).
const READY_WITHIN: Duration = Duration::from_millis(1500);

type Check = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync>;
type Render = Arc<dyn Fn() -> String + Send + Sync>;

/// What the management endpoints ask.
#[derive(Clone)]
pub struct Management {
    ready: Check,
    render: Render,
    drain: Drain,
}

impl fmt::Debug for Management {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Management").field("drain", &self.drain).finish_non_exhaustive()
    }
}

impl Management {
    /// `ready` answers whether requests can be served now (the database answers, keys are loaded), or why not, in
    /// words fit for an operator; `render` writes the metrics as Prometheus text; `drain` is the public listener's.
    pub fn new<F, R>(ready: R, render: impl Fn() -> String + Send + Sync + 'static, drain: Drain) -> Self
    where
        R: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        Self { ready: Arc::new(move || Box::pin(ready())), render: Arc::new(render), drain }
    }

    /// The paths, for [`Edge::new`](crate::layer::Edge::new).
    pub const ROUTES: [(&'static str, Form); 3] =
        [("/health/live", Form::Rest), ("/health/ready", Form::Rest), ("/metrics", Form::Rest)];

    pub fn router(self) -> Router {
        Router::new()
            .route("/health/live", get(live))
            .route("/health/ready", get(ready))
            .route("/metrics", get(metrics))
            .with_state(self)
    }

    async fn reason_not_ready(&self) -> Option<String> {
        tokio::select! {
            biased;
            // Also while a slow store is being asked: whoever balances loads is to hear it at once.
            () = self.drain.begun() => Some("the server is shutting down".to_owned()),
            answer = tokio::time::timeout(READY_WITHIN, (self.ready)()) => match answer {
                Ok(answer) => answer.err(),
                Err(_) => Some("the readiness check did not end in time".to_owned()),
            },
        }
    }
}

/// The process runs and answers. It stays true while the database is away: a restart would not bring that back.
async fn live() -> Response {
    state(StatusCode::OK, &serde_json::json!({ "status": "live" }))
}

async fn ready(State(management): State<Management>) -> Response {
    match management.reason_not_ready().await {
        None => state(StatusCode::OK, &serde_json::json!({ "status": "ready" })),
        Some(reason) => {
            let body = serde_json::json!({ "status": "not ready", "reason": reason });
            let mut response = state(StatusCode::SERVICE_UNAVAILABLE, &body);
            response.headers_mut().insert(RETRY_AFTER, http::HeaderValue::from_static("1"));
            response
        }
    }
}

async fn metrics(State(management): State<Management>) -> Response {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], (management.render)()).into_response()
}

fn state(status: StatusCode, body: &serde_json::Value) -> Response {
    (status, [(CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}
