//! OIDC Back-Channel Logout 1.0 §2.2, Front-Channel Logout 1.0 §2 — where a client hears that a session ended

use super::members;
use crate::client::Client;
use crate::client::metadata::BadMetadata;

members! {
    /// Of logout.
    pub struct Logout {
        pub backchannel_logout_uri: Option<String>,
    }
}

impl Logout {
    pub(super) fn check(&self, _client: &Client) -> Result<(), BadMetadata> {
        Ok(())
    }
}
