//! What a server does on its own account, again and again.

pub mod logout;
pub mod ping;
