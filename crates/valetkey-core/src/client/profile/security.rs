//! RFC 9126 §6, RFC 9101 §10.5, RFC 9449 §5.2 — what a client binds itself to

use super::members;
use crate::client::Client;
use crate::client::metadata::BadMetadata;

members! {
    /// What is demanded of its requests.
    pub struct Security {
        pub require_pushed_authorization_requests: bool,
    }
}

impl Security {
    pub(super) fn check(&self, _client: &Client) -> Result<(), BadMetadata> {
        Ok(())
    }
}
