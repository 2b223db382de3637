//! RFC 8693, RFC 7523 — what an operator lets a client do with others' tokens; no application says it of itself

use super::members;
use crate::client::Client;
use crate::client::metadata::BadMetadata;

members! {
    /// The operator's alone.
    pub struct Federation {
        /// Audiences that it may exchange tokens for.
        pub token_exchange_audiences: Vec<String>,
    }
}

impl Federation {
    pub(super) fn check(&self, _client: &Client) -> Result<(), BadMetadata> {
        Ok(())
    }
}
