//! The protocol's endpoints, one file each, and the two ways from a result to the wire.

pub(crate) mod authorize;
pub(crate) mod backchannel;
pub(crate) mod cors;
pub(crate) mod device_authorization;
pub(crate) mod dpop;
pub(crate) mod error;
pub(crate) mod introspect;
pub(crate) mod jwks;
pub(crate) mod metadata;
pub(crate) mod par;
pub(crate) mod register;
pub(crate) mod respond;
pub(crate) mod revoke;
pub(crate) mod token;
pub(crate) mod userinfo;
