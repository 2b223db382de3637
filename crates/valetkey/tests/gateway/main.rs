//! The gateway from outside: the real binary, a real upstream that says what it received, requests byte by byte.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must fail where it stands")]

mod authority;
mod bound;
mod browser;
mod cors;
mod forward_auth;
mod guide;
mod headers;
mod hostile;
mod mutual_tls;
mod mutual_tls_proxy;
mod operator;
mod passing;
mod person;
mod reference;
mod refused_certificates;
mod support;
mod upstreams;
mod visitor;
#[path = "../shared/wire.rs"]
mod wire;
