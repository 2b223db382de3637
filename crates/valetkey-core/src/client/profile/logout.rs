//! OIDC Back-Channel Logout 1.0 §2.2, Front-Channel Logout 1.0 §2 — where a client hears that a session ended

use super::members;
use crate::client::Client;
use crate::client::metadata::BadMetadata;
use std::net::IpAddr;
use url::{Host, Url};

members! {
    /// Of logout.
    pub struct Logout {
        /// Where logout tokens are posted to.
        pub backchannel_logout_uri: Option<String>,
        /// Whether each token must name a session.
        pub backchannel_logout_session_required: bool,
        /// The page that is loaded in the person's browser.
        pub frontchannel_logout_uri: Option<String>,
        /// Whether `iss` and `sid` are added to it.
        pub frontchannel_logout_session_required: bool,
    }
}

const ADDRESS: &str =
    "must be an https address without fragment and user information; http only on this very machine";

impl Logout {
    /// Whether the client hears of the end of a session at all.
    pub fn takes_part(&self) -> bool {
        self.backchannel_logout_uri.is_some() || self.frontchannel_logout_uri.is_some()
    }

    pub fn back_channel(&self) -> Option<&str> {
        self.backchannel_logout_uri.as_deref()
    }

    pub fn front_channel(&self) -> Option<&str> {
        self.frontchannel_logout_uri.as_deref()
    }

    pub(super) fn check(&self, client: &Client) -> Result<(), BadMetadata> {
        let wrong = |name: &str, why: &str| Err(BadMetadata(format!("{name} {why}")));
        if self.back_channel().is_some_and(|uri| address(uri).is_none()) {
            return wrong("backchannel_logout_uri", ADDRESS);
        }
        let Some(uri) = self.front_channel() else { return Ok(()) };
        let Some(url) = address(uri) else { return wrong("frontchannel_logout_uri", ADDRESS) };
        // Front-Channel Logout §2: scheme, host and port of one of its redirect URIs.
        let known = |own: &String| Url::parse(own).is_ok_and(|own| own.origin() == url.origin());
        if !client.redirect_uris.iter().any(known) {
            return wrong(
                "frontchannel_logout_uri",
                "must have the scheme, host and port of one of the redirect URIs",
            );
        }
        Ok(())
    }
}

/// Letter for letter a web address: the store tells by its beginning whether there is one.
fn address(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    let fit = match (text.split_once("://")?.0, url.host()?) {
        ("https", _) => true,
        ("http", Host::Domain(name)) => name == "localhost",
        ("http", Host::Ipv4(ip)) => IpAddr::V4(ip).is_loopback(),
        ("http", Host::Ipv6(ip)) => IpAddr::V6(ip).is_loopback(),
        _ => false,
    };
    (plain && fit && text.len() <= 2000).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::tests::client;

    #[test]
    fn section_2_2_a_back_channel_address_is_https_without_fragment() {
        for (uri, good) in [
            ("https://app.example/out", true),
            ("https://app.example/out?a=1", true),
            ("https://10.0.0.1:8443/out", true),
            ("http://localhost:3000/out", true),
            ("http://127.0.0.1/out", true),
            ("http://[::1]:9/out", true),
            ("http://app.example/out", false),
            ("https://app.example/out#x", false),
            ("https://u:p@app.example/out", false),
            ("HTTPS://app.example/out", false),
            ("javascript:alert(1)", false),
            ("/out", false),
            ("", false),
        ] {
            let uri = Some(uri.to_owned());
            let own = Logout { backchannel_logout_uri: uri.clone(), ..Logout::default() };
            assert_eq!(own.check(&client("app")).is_ok(), good, "{uri:?}");
        }
    }

    #[test]
    fn front_channel_section_2_the_page_is_at_home_where_the_redirect_uris_are() {
        for (uri, good) in [
            ("https://app.example/out", true),
            ("https://app.example/out?a=1", true),
            ("https://app.example:8443/out", false),
            ("https://evil.example/out", false),
            ("http://localhost/out", false),
        ] {
            let own = Logout { frontchannel_logout_uri: Some(uri.to_owned()), ..Logout::default() };
            assert_eq!(own.check(&client("app")).is_ok(), good, "{uri:?}");
        }
    }
}
