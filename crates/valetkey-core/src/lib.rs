//! The protocol of Valetkey: types, rules, flows and the ports it needs. No I/O, no clock, no randomness of its own.

pub mod audit;
pub mod authorize;
pub mod catalog;
pub mod client;
pub mod context;
pub mod directory;
pub mod endpoint;
pub mod error;
pub mod grant;
pub mod ids;
pub mod interaction;
pub mod jose;
pub mod login;
pub mod manage;
pub mod outbound;
pub mod params;
pub mod path;
pub mod proof;
pub mod route;
pub mod scope;
pub mod seal;
pub mod secret;
pub mod settings;
pub mod store;
pub mod time;
pub mod token;
