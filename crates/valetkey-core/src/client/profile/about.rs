//! RFC 7591 §2, OIDC Registration §2 — what an application says of itself to people
//!
//! Nobody checked it. Of its addresses the picture's alone is called, by the guarded fetcher; browsers get what came of it
//! from us. At the head of a sign-in page it stands only where an operator registered or approved the application.

use super::members;
use crate::client::Client;
use crate::client::metadata::BadMetadata;
use crate::client::redirect_uri::{self, Destination};
use crate::grant::GrantType;
use url::Url;

/// Bytes of any of them.
const LONGEST: usize = 2000;
/// A statement is a JWT.
const LONGEST_STATEMENT: usize = 16 * 1024;

members! {
    /// What it says of itself.
    pub struct About {
        pub contacts: Vec<String>,
        pub logo_uri: Option<String>,
        pub policy_uri: Option<String>,
        pub tos_uri: Option<String>,
        /// `web` or `native`.
        pub application_type: Option<String>,
        pub software_id: Option<String>,
        pub software_version: Option<String>,
        /// RFC 7591 §3.2.1: as it was sent.
        pub software_statement: Option<String>,
    }
}

impl About {
    pub(super) fn check(&self, client: &Client) -> Result<(), BadMetadata> {
        let refuse = |text: &str| Err(BadMetadata(text.to_owned()));
        let page = |text: &String| {
            text.len() <= LONGEST
                && Url::parse(text)
                    .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        };
        let pages = [&self.logo_uri, &self.policy_uri, &self.tos_uri];
        if !pages.into_iter().flatten().all(page) {
            return refuse("logo_uri, policy_uri and tos_uri are http or https addresses");
        }
        let texts = self.contacts.iter().chain(&self.software_id).chain(&self.software_version);
        if self.contacts.len() > 20 || texts.into_iter().any(|text| text.len() > LONGEST) {
            return refuse("at most 20 contacts, and no text of more than 2000 bytes");
        }
        if self.software_statement.as_ref().is_some_and(|text| text.len() > LONGEST_STATEMENT) {
            return refuse("the software_statement is too long");
        }
        match self.application_type.as_deref() {
            // OIDC Registration §2: the answer comes by the browser, to a server that others cannot be.
            Some("web")
                if client.allows(GrantType::Implicit)
                    && !client.redirect_uris.iter().all(|uri| is_https(uri)) =>
            {
                refuse(
                    "a web application with the implicit grant has https redirect URIs, and not on localhost",
                )
            }
            Some("web") if client.redirect_uris.iter().any(|uri| is_app(uri)) => {
                refuse("a web application has no redirect URI with a scheme of its own")
            }
            None | Some("native" | "web") => Ok(()),
            Some(_) => refuse("application_type is web or native"),
        }
    }
}

fn is_https(uri: &str) -> bool {
    Url::parse(uri).is_ok_and(|url| url.scheme() == "https" && url.host_str() != Some("localhost"))
}

fn is_app(uri: &str) -> bool {
    matches!(redirect_uri::check(uri), Ok(Destination::App(_)))
}
