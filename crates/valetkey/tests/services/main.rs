//! The five services of the brief, each from its preset: the requests that its document prints, sent as printed.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must fail where it stands")]

mod service_mastodon;
mod service_own_provider;
mod service_service_account;
mod service_toon;
mod service_tout;
mod support;
#[path = "../shared/wire.rs"]
mod wire;
