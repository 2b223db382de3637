//! The Tower layer: a request gets its caller, or an answer.

use crate::caller::{Caller, Scope};
use crate::certificate::PeerCertificate;
use crate::guard::Guard;
use crate::needs::Needs;
use crate::refusal::Refusal;
use http::{Request, Response};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tower::{Layer, Service};

/// Made by [`Guard::layer`] and [`Guard::require`].
#[derive(Debug, Clone)]
pub struct GuardLayer {
    guard: Guard,
    needs: Arc<Needs>,
}

impl GuardLayer {
    pub(crate) fn new(guard: Guard, scopes: Vec<String>) -> Self {
        Self { guard, needs: Arc::new(Needs { scopes, ..Needs::default() }) }
    }

    /// Wants the person to have been authenticated in one of these ways (`acr`), separated by spaces, the best first.
    /// Whoever was not is told which (RFC 9470).
    #[must_use]
    pub fn acr_values(mut self, values: &str) -> Self {
        Arc::make_mut(&mut self.needs).acr_values = Scope::parse(values).into_names();
        self
    }

    /// Wants the person to have been authenticated no longer ago than this (`auth_time`), in whole seconds. Whoever was not
    /// is told so (RFC 9470).
    #[must_use]
    pub fn max_age(mut self, most: Duration) -> Self {
        Arc::make_mut(&mut self.needs).max_age = Some(Duration::from_secs(most.as_secs()));
        self
    }
}

impl<S> Layer<S> for GuardLayer {
    type Service = GuardService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        GuardService { layer: self.clone(), inner }
    }
}

/// A service behind a guard. What it answers with can be made of a `String`, such as `axum::body::Body` and
/// `http_body_util::Full<Bytes>`.
#[derive(Debug, Clone)]
pub struct GuardService<S> {
    layer: GuardLayer,
    inner: S,
}

/// Leaves word for a layer further in that this guard let the request pass.
#[derive(Debug, Clone)]
struct Passed(Guard);

impl<S, B, R> Service<Request<B>> for GuardService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
    B: Send + 'static,
    R: From<String>,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let layer = self.layer.clone();
        // The one that was ready goes with the request; its clone waits for the next.
        let next = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, next);
        let (mut parts, body) = request.into_parts();
        Box::pin(async move {
            match layer.admit(&parts).await {
                Ok(caller) => {
                    parts.extensions.insert(caller);
                    parts.extensions.insert(Passed(layer.guard));
                    inner.call(Request::from_parts(parts, body)).await
                }
                Err(refusal) => Ok(refusal.answer(layer.guard.challenge(), &layer.needs)),
            }
        })
    }
}

impl GuardLayer {
    async fn admit(&self, parts: &http::request::Parts) -> Result<Caller, Refusal> {
        let passed = parts.extensions.get::<Passed>().filter(|passed| passed.0.is(&self.guard));
        let caller = if let Some(caller) = passed.and_then(|_| parts.extensions.get::<Caller>()) {
            caller.clone()
        } else {
            let certificate = parts.extensions.get::<PeerCertificate>();
            self.guard.verify_with_certificate(&parts.headers, certificate).await?
        };
        self.guard.check(&self.needs, &caller)?;
        Ok(caller)
    }
}
