//! The protocol of Valetkey: types, rules, flows and the ports it needs. No I/O, no clock, no randomness of its own.

pub mod audit;
pub mod client;
pub mod directory;
pub mod error;
pub mod grant;
pub mod ids;
pub mod jose;
pub mod scope;
pub mod secret;
pub mod store;
pub mod time;
