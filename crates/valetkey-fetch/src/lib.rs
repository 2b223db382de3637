//! The guarded fetcher: asks other people's servers without being led into one's own network.
//!
//! RFC 9700 §4.13 and draft-ietf-oauth-client-id-metadata-document §8 say what must hold: no special-use address unless the
//! operator lists it, the address that was checked is the one that is called, https, no redirect, bounds on time and size.

mod address;
mod cache;
mod connect;
mod fetcher;
mod freshness;
mod policy;
mod resolve;
mod tls;
mod turns;

pub use address::is_special;
pub use fetcher::{Guarded, Limits};
pub use policy::{Allowed, NotAllowed, Policy};
pub use resolve::{Resolve, System};
pub use tls::{Unready, certificates, config as tls};
