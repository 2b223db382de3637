//! Past the router: an endpoint that is asked so much that a second search for its route, and what the router hangs on a
//! request on the way, would cost more than reading its form.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::body::Body;
use http::{Request, Response};

use super::Arrival;

pub(crate) type Answering = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

type Answer = dyn Fn(Request<Body>, Arrival) -> Answering + Send + Sync;

/// What answers the POSTs to one path. The router has the same handler there, for whatever else comes.
#[derive(Clone)]
pub struct Express {
    pub(super) path: &'static str,
    answer: Arc<Answer>,
}

impl fmt::Debug for Express {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Express({})", self.path)
    }
}

impl Express {
    pub(crate) fn new(
        path: &'static str,
        answer: impl Fn(Request<Body>, Arrival) -> Answering + Send + Sync + 'static,
    ) -> Self {
        Self { path, answer: Arc::new(answer) }
    }

    pub(super) fn answer(&self, request: Request<Body>, arrival: Arrival) -> Answering {
        (self.answer)(request, arrival)
    }
}
