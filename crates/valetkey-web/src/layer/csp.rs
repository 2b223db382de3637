//! Content-Security-Policy, built from a closed set of sources so that no input can add a directive.

use http::HeaderValue;
use url::{Host, Url};

/// For answers that are no pages: nothing may load, nothing may frame them.
pub(super) const API: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// For pages that set none themselves.
pub(super) const PAGE: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; \
     form-action 'self'",
);

/// The policy of one page: no inline style, no inline script, forms only to ourselves.
///
/// Chromium holds every redirect that follows a form post against `form-action`, so a page whose form may end at a
/// client's redirect URI has to name that place: [`form_action`](Self::form_action).
#[derive(Debug, Clone)]
pub struct Csp {
    scripts: bool,
    form_action: String,
}

impl Csp {
    pub fn page() -> Self {
        Self { scripts: false, form_action: "'self'".to_owned() }
    }

    /// Forms may also lead to where `redirect_uri` points: its origin, or its scheme if it is an app's own.
    #[must_use]
    pub fn form_action(mut self, redirect_uri: &Url) -> Self {
        let source = source_of(redirect_uri);
        if !self.form_action.split(' ').any(|known| known == source) {
            self.form_action.push(' ');
            self.form_action.push_str(&source);
        }
        self
    }

    /// Script files of our own, and requests back to us, for the pages that need them (passkeys, `form_post`).
    #[must_use]
    pub fn scripts(mut self) -> Self {
        self.scripts = true;
        self
    }

    /// The header's value. [`header_name`](http::header::CONTENT_SECURITY_POLICY) is the name.
    pub fn header(&self) -> HeaderValue {
        let scripts = if self.scripts { "script-src 'self'; connect-src 'self'; " } else { "" };
        let policy = format!(
            "default-src 'none'; {scripts}style-src 'self'; img-src 'self' data:; base-uri 'none'; \
             frame-ancestors 'none'; form-action {}",
            self.form_action
        );
        HeaderValue::try_from(policy).unwrap_or(PAGE)
    }
}

/// CSP Level 3 §2.3.1: a host-source where the grammar has one, else a scheme-source.
fn source_of(uri: &Url) -> String {
    // A URL's scheme has letters, digits, `+`, `-` and `.` only, so it cannot end the directive.
    let scheme = uri.scheme();
    let host = match uri.host() {
        Some(Host::Domain(name)) if matches!(scheme, "http" | "https") => name.to_owned(),
        Some(Host::Ipv4(address)) => address.to_string(),
        // The grammar has no IPv6 literals, and app schemes have no origin.
        _ => return format!("{scheme}:"),
    };
    if !host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)) {
        return format!("{scheme}:");
    }
    uri.port().map_or_else(|| format!("{scheme}://{host}"), |port| format!("{scheme}://{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forms_target_is_named_by_origin_or_by_scheme() {
        for (uri, want) in [
            ("https://printer.example.com/callback?a=1", "https://printer.example.com"),
            ("https://printer.example.com:8443/callback", "https://printer.example.com:8443"),
            ("https://user:pass@printer.example.com/cb", "https://printer.example.com"),
            ("http://127.0.0.1:49152/callback", "http://127.0.0.1:49152"),
            ("http://[::1]:49152/callback", "http:"),
            ("http://localhost/cb", "http://localhost"),
            ("com.example.app:/oauth", "com.example.app:"),
            ("com.example.app://host/oauth", "com.example.app:"),
            ("https://bücher.example/", "https://xn--bcher-kva.example"),
        ] {
            assert_eq!(source_of(&Url::parse(uri).unwrap()), want, "{uri}");
        }
    }

    #[test]
    fn no_redirect_uri_can_add_a_directive() {
        for uri in [
            "https://a.example;script-src */",
            "https://a.example,b/",
            "x:;script-src *",
            "https://a'b.example/",
        ] {
            let Ok(uri) = Url::parse(uri) else { continue };
            let policy = Csp::page().form_action(&uri).header();
            let policy = policy.to_str().unwrap();
            assert!(!policy.contains("script-src") && !policy.contains(','), "{policy}");
            assert_eq!(policy.matches(';').count(), 5, "{policy}");
        }
    }

    #[test]
    fn a_page_without_more_is_the_default_page() {
        assert_eq!(Csp::page().header(), PAGE);
        let twice = Csp::page().form_action(&Url::parse("https://a.example/1").unwrap());
        let twice = twice.form_action(&Url::parse("https://a.example/2").unwrap());
        assert!(twice.header().to_str().unwrap().ends_with("form-action 'self' https://a.example"));
        assert!(Csp::page().scripts().header().to_str().unwrap().contains("script-src 'self';"));
    }
}
