//! Servers as processes of their own on one PostgreSQL, with a wire between them and it that can be cut
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must fail where it stands")]

mod backup;
mod deploy;
mod hangup;
mod moving;
mod outage;
mod pooler;
mod several;
mod start;
mod support;
#[path = "../shared/wire.rs"]
mod wire;
