//! The server from outside, over HTTP: a file per feature, each test with its own database and clock.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail where it stands")]

mod code_flow;
