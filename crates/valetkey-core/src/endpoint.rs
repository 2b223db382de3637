//! The endpoints beside authorization and token.

pub mod discovery;
pub mod introspect;
pub mod logout;
pub mod mastodon;
pub mod revoke;
pub mod userinfo;
