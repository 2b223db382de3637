//! The accept loop and the edge, over real sockets: what is closed, refused, cut, finished and said.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

#[path = "serve/drain.rs"]
mod drain;
#[path = "serve/edge.rs"]
mod edge;
#[path = "serve/http2.rs"]
mod http2;
#[path = "serve/limits.rs"]
mod limits;
#[path = "serve/log.rs"]
mod log;
#[path = "serve/management.rs"]
mod management;
#[path = "serve/rest.rs"]
mod rest;
#[path = "serve/support.rs"]
mod support;
