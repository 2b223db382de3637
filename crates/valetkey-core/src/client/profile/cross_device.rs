//! CIBA Core 1.0 §4 — how a client hears what a person decided elsewhere

use super::members;
use crate::client::Client;
use crate::client::metadata::BadMetadata;

members! {
    /// Of decisions on another device.
    pub struct CrossDevice {
        pub backchannel_token_delivery_mode: Option<String>,
    }
}

impl CrossDevice {
    pub(super) fn check(&self, _client: &Client) -> Result<(), BadMetadata> {
        Ok(())
    }
}
