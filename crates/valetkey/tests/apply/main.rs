//! `apply`, `export`, the presets and the guides about them, from outside: the real binary and a shell.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must fail where it stands")]

mod export;
mod greeting;
mod guide;
mod person;
mod plan;
mod refused;
mod support;
