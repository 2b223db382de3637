//! What a request must prove beside the client's credentials.

pub mod certificate;
pub mod dpop;
pub mod holder;
pub mod pkce;
