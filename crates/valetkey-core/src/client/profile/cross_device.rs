//! CIBA Core §4 — how a client hears what a person decided elsewhere

use super::members;
use crate::client::Client;
use crate::client::keys::{self, Keys};
use crate::client::metadata::BadMetadata;
use crate::grant::GrantType;
use crate::jose::jwk::Algorithm;

/// `push` is none of them: tokens would go to whoever answers at an address (FAPI-CIBA §5.2.2).
pub const DELIVERY_MODES: [&str; 2] = ["poll", "ping"];

members! {
    /// Of decisions on another device.
    #[expect(clippy::struct_field_names, reason = "CIBA Core §4 calls them so")]
    pub struct CrossDevice {
        /// `poll` where nothing is said.
        pub backchannel_token_delivery_mode: Option<String>,
        /// Where a client in ping mode is told that there is an answer.
        pub backchannel_client_notification_endpoint: Option<String>,
        /// By which algorithm it signs its requests; where it is said, none that is not signed is taken.
        pub backchannel_authentication_request_signing_alg: Option<String>,
        /// Whether it sends a `user_code`: there is none here.
        pub backchannel_user_code_parameter: bool,
    }
}

impl CrossDevice {
    /// Where the client is told, if it is to be told at all.
    pub fn notified_at(&self) -> Option<&str> {
        let ping = self.backchannel_token_delivery_mode.as_deref() == Some("ping");
        self.backchannel_client_notification_endpoint.as_deref().filter(|_| ping)
    }

    pub(super) fn check(&self, client: &Client) -> Result<(), BadMetadata> {
        self.flaw(client).map_or(Ok(()), |flaw| Err(BadMetadata(flaw.to_owned())))
    }

    fn flaw(&self, client: &Client) -> Option<&'static str> {
        let mode = self.backchannel_token_delivery_mode.as_deref();
        let endpoint = self.backchannel_client_notification_endpoint.as_deref();
        let signing = self.backchannel_authentication_request_signing_alg.as_deref();
        if mode.is_some_and(|mode| !DELIVERY_MODES.contains(&mode)) {
            return Some("backchannel_token_delivery_mode must be poll or ping");
        }
        if self.backchannel_user_code_parameter {
            return Some(
                "backchannel_user_code_parameter: there are no user codes here, so it must be false",
            );
        }
        if endpoint.is_some_and(|endpoint| !keys::is_readable(endpoint)) {
            return Some("backchannel_client_notification_endpoint must be an https address");
        }
        if mode == Some("ping") && endpoint.is_none() {
            return Some("ping mode needs a backchannel_client_notification_endpoint");
        }
        if Algorithm::parse(signing?).is_none_or(|own| !client.profile.security.takes(own)) {
            return Some(
                "backchannel_authentication_request_signing_alg must be an algorithm that discovery names, and that the client's profile allows",
            );
        }
        let unsigned = client.allows(GrantType::Ciba) && Keys::of(client).is_none();
        unsigned.then_some("signed requests need the client's public keys: a jwks or jwks_uri")
    }
}
