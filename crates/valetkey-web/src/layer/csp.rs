//! Content-Security-Policy: a closed set of policies, so that no input can add a directive.

use http::HeaderValue;
use url::Origin;

/// What an answer may do in a browser. None allows inline style or script, or a third party; of
/// others' pages, one frames those that the person is signed out of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// No page: nothing may load, nothing may frame it.
    Api,
    /// Its forms end on this server.
    Stays,
    /// Its form may end, by redirect, at an app. Browsers apply `form-action` to every hop of that redirect, and the
    /// app's callback may hop on to anywhere, so the directive would cut people off: it is left out.
    LeadsOut,
    /// `LeadsOut`, with our one script that submits the form.
    Script,
    /// The page that other sites frame to ask whether somebody is still signed in: one script of ours, and nothing else.
    Framed,
    /// Modules of ours that talk with this server alone. They submit no form, and the browser itself refuses them to
    /// turn text into markup.
    Console,
}

impl Policy {
    /// The header's value.
    pub const fn header(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Api => "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            Self::Stays => {
                "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
            }
            Self::LeadsOut => {
                "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"
            }
            Self::Script => {
                "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; base-uri 'none'; frame-ancestors 'none'"
            }
            Self::Framed => "default-src 'none'; script-src 'self'; form-action 'none'; base-uri 'none'",
            Self::Console => {
                "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
            }
        })
    }

    /// `Stays`, on a page that frames others: these origins and no more.
    pub fn framing(origins: &[Origin]) -> HeaderValue {
        let stays = Self::Stays.header();
        let web = |origin: &&Origin| origin.is_tuple();
        let origins: Vec<_> = origins.iter().filter(web).map(Origin::ascii_serialization).collect();
        if origins.is_empty() {
            return stays;
        }
        let text = format!("{}; frame-src {}", stays.to_str().unwrap_or_default(), origins.join(" "));
        HeaderValue::try_from(text).unwrap_or(stays)
    }
}
