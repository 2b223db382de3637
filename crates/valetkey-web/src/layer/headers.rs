//! The security headers, in one place for every answer (ASVS 3.4; RFC 9700 §4.2.4, §4.16; OAuth 2.1 §3.2.3).

use http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
    REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};

use super::csp::Policy;
use super::request_id::RequestId;

/// The response header that names the request; the log and the error pages quote the same id.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const COOP: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

const JSON: HeaderValue = HeaderValue::from_static("application/json");
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

/// The complete sets, one for pages and one for everything else. An answer starts as a copy of its set, into which
/// the handler's headers go: copying costs a fraction of inserting one by one, and this is on every request's path.
#[derive(Debug)]
pub(super) struct SecurityHeaders {
    api: HeaderMap,
    /// `api` with the only header that most answers bring.
    json: HeaderMap,
    page: HeaderMap,
}

impl SecurityHeaders {
    pub(super) fn new(https: bool) -> Self {
        let api = set(https, Policy::Api);
        let mut json = api.clone();
        json.remove(CONTENT_LENGTH);
        json.insert(CONTENT_TYPE, JSON);
        Self { api, json, page: set(https, Policy::Stays) }
    }

    /// An upstream's answer is its own, but for the request id and what holds for the whole host.
    pub(super) fn pass(&self, headers: &mut HeaderMap, id: &RequestId) {
        if let Some(id) = id.header() {
            headers.insert(X_REQUEST_ID, id);
        }
        match self.api.get(STRICT_TRANSPORT_SECURITY) {
            Some(hsts) => headers.insert(STRICT_TRANSPORT_SECURITY, hsts.clone()),
            None => headers.remove(STRICT_TRANSPORT_SECURITY),
        };
    }

    /// Completes an answer. A handler may say more about caching, referrers and its page's policy; the rest is ours.
    pub(super) fn apply(&self, headers: &mut HeaderMap, id: &RequestId) {
        if headers.len() == 1 && headers.get(CONTENT_TYPE).is_some_and(|kind| kind == JSON) {
            *headers = self.json.clone();
            match id.header() {
                Some(id) => headers.insert(X_REQUEST_ID, id),
                None => headers.remove(X_REQUEST_ID),
            };
            return;
        }
        let mut whole = if is_page(headers) { self.page.clone() } else { self.api.clone() };
        let (mut kind, mut length) = (false, false);
        let mut last = None;
        for (name, value) in headers.drain() {
            // A further value of a name (Set-Cookie) comes without it.
            let Some(name) = name else {
                if let Some(last) = &last {
                    whole.append(last, value);
                }
                continue;
            };
            last = None;
            if is_ours(&name) {
                continue;
            }
            kind |= name == CONTENT_TYPE;
            length |= name == CONTENT_LENGTH;
            last = Some(name.clone());
            whole.insert(name, value);
        }
        if let Some(id) = id.header() {
            whole.insert(X_REQUEST_ID, id);
        }
        for name in
            [(!kind).then_some(CONTENT_TYPE), (!length).then_some(CONTENT_LENGTH)].into_iter().flatten()
        {
            whole.remove(name);
        }
        *headers = whole;
    }
}

/// Put on an answer, in its extensions, by the one page that other sites must be able to frame.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Framable;

/// What no handler may weaken.
fn is_ours(name: &HeaderName) -> bool {
    *name == X_CONTENT_TYPE_OPTIONS || *name == X_FRAME_OPTIONS || *name == STRICT_TRANSPORT_SECURITY
}

fn set(https: bool, policy: Policy) -> HeaderMap {
    // Places for the headers nearly every answer has, so that a copy need not grow; removed if not taken.
    let later = HeaderValue::from_static("");
    let mut set = HeaderMap::from_iter([
        (CONTENT_TYPE, later.clone()),
        (CONTENT_LENGTH, later.clone()),
        (X_REQUEST_ID, later),
        (CACHE_CONTROL, NO_STORE),
        (X_CONTENT_TYPE_OPTIONS, NOSNIFF),
        (X_FRAME_OPTIONS, DENY),
        (REFERRER_POLICY, NO_REFERRER),
        (CONTENT_SECURITY_POLICY, policy.header()),
        (COOP, SAME_ORIGIN),
        (PERMISSIONS_POLICY, PERMISSIONS),
    ]);
    if https {
        set.insert(STRICT_TRANSPORT_SECURITY, HSTS);
    }
    set
}

fn is_page(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
}

#[cfg(test)]
mod tests {
    use http::header::{LOCATION, SET_COOKIE};

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
    fn a_handlers_own_headers_stay_all_of_them_and_no_empty_ones_are_added() {
        let cookies = [(SET_COOKIE, "a=1"), (SET_COOKIE, "b=2"), (LOCATION, "/x"), (SET_COOKIE, "c=3")];
        let mut headers = HeaderMap::new();
        for (name, value) in cookies {
            headers.append(name, HeaderValue::from_static(value));
        }
        SecurityHeaders::new(false).apply(&mut headers, &RequestIds::new([7; 16]).next());
        assert_eq!(headers.get_all(SET_COOKIE).iter().collect::<Vec<_>>(), ["a=1", "b=2", "c=3"]);
        assert_eq!(headers[LOCATION], "/x");
        assert!(!headers.contains_key(CONTENT_TYPE) && !headers.contains_key(CONTENT_LENGTH));
        assert!(headers.values().all(|value| !value.is_empty()));
    }

    #[test]
    fn an_answer_of_json_gets_what_any_other_gets() {
        let json = applied(true, &[(CONTENT_TYPE, "application/json")]);
        let mut other = applied(true, &[(CONTENT_TYPE, "application/jwt")]);
        other.insert(CONTENT_TYPE, JSON);
        assert_eq!(json, other);
        assert!(json.contains_key(X_REQUEST_ID) && json.values().all(|value| !value.is_empty()));
    }

    #[test]
    fn hsts_is_sent_for_https_issuers_only() {
        assert!(!applied(false, &[]).contains_key(STRICT_TRANSPORT_SECURITY));
        assert_eq!(applied(true, &[])[STRICT_TRANSPORT_SECURITY], "max-age=31536000");
    }

    #[test]
    fn a_page_keeps_the_policy_it_sets_and_gets_one_otherwise() {
        let html = (CONTENT_TYPE, "text/html; charset=utf-8");
        assert_eq!(
            applied(false, std::slice::from_ref(&html))[CONTENT_SECURITY_POLICY],
            Policy::Stays.header()
        );
        assert_eq!(applied(false, &[])[CONTENT_SECURITY_POLICY], Policy::Api.header());
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
