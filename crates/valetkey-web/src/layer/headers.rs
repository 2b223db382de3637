//! The security headers, in one place for every answer (ASVS 3.4; RFC 9700 §4.2.4, §4.16; OAuth 2.1 §3.2.3).

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
    REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};

use super::csp;
use super::request_id::RequestId;

/// The response header that names the request; the log and the error pages quote the same id.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const COOP: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const NO_REFERRER: HeaderValue = HeaderValue::from_static("no-referrer");
const DENY: HeaderValue = HeaderValue::from_static("DENY");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const SAME_ORIGIN: HeaderValue = HeaderValue::from_static("same-origin");
/// Passkeys stay usable on our own pages; nothing else is asked of the browser.
const PERMISSIONS: HeaderValue = HeaderValue::from_static(
    "camera=(), geolocation=(), microphone=(), payment=(), usb=(), publickey-credentials-get=(self)",
);
/// ASVS 3.4.1: at least a year. Subdomains are the operator's to decide.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Most answers carry this many headers beside the handler's own.
const OURS: usize = 10;

#[derive(Debug)]
pub(super) struct SecurityHeaders {
    https: bool,
}

impl SecurityHeaders {
    pub(super) fn new(https: bool) -> Self {
        Self { https }
    }

    /// Adds what is missing. A handler may say more about caching, referrers and its page's policy; the rest is ours.
    pub(super) fn apply(&self, headers: &mut HeaderMap, id: &RequestId) {
        headers.reserve(OURS);
        let page = is_page(headers);
        headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
        headers.insert(X_FRAME_OPTIONS, DENY);
        headers.insert(COOP, SAME_ORIGIN);
        headers.insert(PERMISSIONS_POLICY, PERMISSIONS);
        headers.entry(CACHE_CONTROL).or_insert(NO_STORE);
        headers.entry(REFERRER_POLICY).or_insert(NO_REFERRER);
        headers.entry(CONTENT_SECURITY_POLICY).or_insert(if page { csp::PAGE } else { csp::API });
        if self.https {
            headers.insert(STRICT_TRANSPORT_SECURITY, HSTS);
        }
        if let Some(id) = id.header() {
            headers.insert(X_REQUEST_ID, id);
        }
    }
}

fn is_page(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
}

#[cfg(test)]
mod tests {
    use super::super::request_id::RequestIds;
    use super::*;

    fn applied(https: bool, set: &[(HeaderName, &'static str)]) -> HeaderMap {
        let mut headers: HeaderMap =
            set.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect();
        SecurityHeaders::new(https).apply(&mut headers, &RequestIds::new([7; 16]).next());
        headers
    }

    #[test]
    fn an_answer_is_not_stored_unless_its_handler_says_so() {
        assert_eq!(applied(false, &[])[CACHE_CONTROL], "no-store");
        assert_eq!(applied(false, &[(CACHE_CONTROL, "max-age=3600")])[CACHE_CONTROL], "max-age=3600");
    }

    #[test]
    fn hsts_is_sent_for_https_issuers_only() {
        assert!(!applied(false, &[]).contains_key(STRICT_TRANSPORT_SECURITY));
        assert_eq!(applied(true, &[])[STRICT_TRANSPORT_SECURITY], "max-age=31536000");
    }

    #[test]
    fn a_page_keeps_the_policy_it_sets_and_gets_one_otherwise() {
        let html = (CONTENT_TYPE, "text/html; charset=utf-8");
        assert_eq!(applied(false, std::slice::from_ref(&html))[CONTENT_SECURITY_POLICY], csp::PAGE);
        assert_eq!(applied(false, &[])[CONTENT_SECURITY_POLICY], csp::API);
        let own = "default-src 'none'; frame-ancestors 'none'; form-action https://a.example";
        assert_eq!(applied(false, &[html, (CONTENT_SECURITY_POLICY, own)])[CONTENT_SECURITY_POLICY], own);
    }

    #[test]
    fn framing_and_sniffing_are_refused_whatever_the_handler_says() {
        let headers = applied(false, &[(X_FRAME_OPTIONS, "SAMEORIGIN"), (X_CONTENT_TYPE_OPTIONS, "x")]);
        assert_eq!(headers[X_FRAME_OPTIONS], "DENY");
        assert_eq!(headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(headers.get_all(X_FRAME_OPTIONS).iter().count(), 1);
    }
}
