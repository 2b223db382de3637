//! Content-Security-Policy: a closed set of policies, so that no input can add a directive.

use http::HeaderValue;

/// What an answer may do in a browser. None allows inline style or script, frames, or a third party.
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
            Self::Console => {
                "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
            }
        })
    }
}
