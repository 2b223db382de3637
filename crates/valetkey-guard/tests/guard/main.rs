//! A guard against a small issuer in this process.

#![expect(clippy::expect_used, reason = "a test's helper that fails fails the test")]

mod introspection;
mod issuer;
mod jwt;
mod layer;
mod signer;
