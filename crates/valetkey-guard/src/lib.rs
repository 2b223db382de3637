//! Access tokens at the door of a Rust API.
//!
//! A [`Guard`] knows one issuer and one API. It verifies RFC 9068 JWTs with the issuer's published keys, and opaque tokens
//! by asking the issuer (RFC 7662). As a [Tower](tower) layer it lets a request in with its [`Caller`], or answers it as
//! RFC 6750 says: 401 without a good token, 403 without the scopes, 503 when nobody can say because the issuer is away; and
//! as RFC 9470 says where a route wants the person to have signed in in a better way, or more recently. Tokens that are bound
//! to a certificate (RFC 8705) are good with it: see [`PeerCertificate`].
//! It knows nothing of Valetkey; any OAuth server that publishes metadata (RFC 8414) will do.
//!
//! ```no_run
//! # #[cfg(feature = "axum")]
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use axum::{Router, routing::get};
//! use std::time::Duration;
//! use valetkey_guard::{Caller, Guard};
//!
//! let guard = Guard::discover("https://login.example")
//!     .audience("https://photos.example")
//!     .introspect_as("photos", "its secret")
//!     .build()
//!     .await?;
//! let app: Router = Router::new()
//!     .route("/me", get(|caller: Caller| async move { caller.subject }))
//!     .route("/photos", get(|| async { "[]" }).layer(guard.require("photos.read")))
//!     .route("/wipe", get(|| async {}).layer(guard.require("photos.write").max_age(Duration::from_mins(5))))
//!     .layer(guard.layer());
//! # Ok(())
//! # }
//! ```
//!
//! Refused on purpose: tokens in a query or a body (RFC 9700 §4.3.2), tokens without our audience, tokens bound to a DPoP key
//! (`cnf`), whose proof cannot be checked here yet, and every algorithm but EdDSA, ES256 and RS256.

mod builder;
mod caller;
mod certificate;
mod claims;
mod clock;
mod discovery;
mod fetch;
mod flight;
mod guard;
mod introspection;
mod jwk;
mod jwt;
mod keys;
mod layer;
mod needs;
mod refusal;

pub use builder::{BuildError, Builder};
pub use caller::{Caller, Scope};
pub use certificate::PeerCertificate;
pub use clock::{Clock, SystemClock};
pub use guard::Guard;
pub use layer::{GuardLayer, GuardService};
pub use refusal::Refusal;
