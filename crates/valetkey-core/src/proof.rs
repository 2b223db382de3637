//! What a request must prove beside the client's credentials.

pub mod dpop;
pub mod pkce;
