//! The server from outside, over HTTP: a file per feature, each test with its own database and clock.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must fail where it stands")]

mod account;
mod answers;
mod artefacts;
mod audit;
mod authorize_interaction;
mod authorize_prompt;
mod authorize_request;
mod authorize_response;
mod client_authentication;
mod client_credentials;
mod code_flow;
mod code_redemption;
mod consent;
mod consent_forgery;
mod cors;
mod discovery;
mod faults;
mod introspect;
mod issuer;
mod jwt;
mod login;
mod management;
mod nothing_stored;
mod refresh;
mod refresh_state;
mod registration;
mod revoke;
mod routes;
mod session;
mod setup;
mod support;
mod throttling;
mod token_endpoint;
mod userinfo;
