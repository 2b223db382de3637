//! The guarded fetcher against real servers on this machine, most of them hostile.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail where it stands")]

mod exchange;
mod keeping;
mod refusing;
mod server;
mod strangers;
mod tls;
