//! RFC 9110 §7.6 — what of a request and an answer is not passed on: connection headers, and whatever only we may say

use http::header::{
    CONNECTION, CONTENT_LENGTH, COOKIE, HeaderMap, HeaderName, HeaderValue, SET_COOKIE, UPGRADE,
};

use valetkey_core::login::cookie;

/// For one connection only (RFC 9110 §7.6.1), or made anew for the next one.
const HOP_BY_HOP: [&str; 12] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-authentication-info",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "http2-settings",
    "expect",
];

/// Names by which upstreams learn who calls, from where, or what is really meant. Only we say that.
const OURS: [&str; 20] = [
    "authorization",
    "dpop",
    "client-cert",
    "client-cert-chain",
    "x-client-cert",
    "host",
    "forwarded",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "true-client-ip",
    "x-request-id",
    "x-original-url",
    "x-original-uri",
    "x-original-method",
    "x-original-host",
    "x-rewrite-url",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
];
const OUR_FAMILIES: [&str; 6] =
    ["remote-", "x-remote-", "x-forwarded-", "x-auth-request-", "ssl-client-", "x-ssl-client-"];

/// A name as CGI-like servers read it: `Remote_User`, `remote.user` and `REMOTE-USER` are one (RFC 3875 §4.1.18).
fn folded(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect()
}

fn is_ours(name: &str) -> bool {
    // Almost every name ends the question at its first letter.
    if !name.starts_with(['r', 'x', 'a', 'h', 'f', 't', 'd', 'c', 's']) {
        return false;
    }
    let name = folded(name);
    OURS.contains(&name.as_str())
        || name == "remote"
        || OUR_FAMILIES.iter().any(|family| name.starts_with(family))
}

/// RFC 9110 §7.6.1: what stands in `Connection` is for this connection too.
fn named_by_connection(headers: &HeaderMap) -> Vec<HeaderName> {
    let lines = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).filter_map(|name| name.trim().parse().ok()).collect()
}

fn strip_connection(headers: &mut HeaderMap) {
    for name in named_by_connection(headers) {
        headers.remove(name);
    }
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}

/// Whether an HTTP/1.1 request asks to speak WebSocket (RFC 6455 §4.1). Other protocols are not passed on.
pub(crate) fn asks_for_websocket(headers: &HeaderMap) -> bool {
    let mut protocols = headers.get_all(UPGRADE).iter();
    let websocket = protocols.next().is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"));
    websocket && protocols.next().is_none() && named_by_connection(headers).contains(&UPGRADE)
}

/// Says on both sides that the connection changes its protocol.
pub(crate) fn upgrade(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
}

/// Takes from a request what the upstream must not believe or see: forged identities in every spelling, the token,
/// Valetkey's own cookies.
pub(crate) fn strip(headers: &mut HeaderMap) {
    strip_connection(headers);
    headers.remove(CONTENT_LENGTH);
    let ours: Vec<HeaderName> = headers.keys().filter(|name| is_ours(name.as_str())).cloned().collect();
    for name in ours {
        headers.remove(name);
    }
    strip_cookies(headers);
}

fn strip_cookies(headers: &mut HeaderMap) {
    let pairs = headers.get_all(COOKIE).iter().flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    // RFC 9113 §8.2.3: what came in several lines becomes one for HTTP/1.
    if headers.get_all(COOKIE).iter().count() < 2 && !pairs.into_iter().any(cookie::is_ours) {
        return;
    }
    let kept = others_cookies(headers);
    headers.remove(COOKIE);
    if !kept.is_empty() {
        headers.insert(COOKIE, kept);
    }
}

/// The cookies of a request that are not ours, in one line.
pub(crate) fn others_cookies(headers: &HeaderMap) -> HeaderValue {
    let pairs = headers.get_all(COOKIE).iter().flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    let kept: Vec<&[u8]> = pairs.filter(|pair| !cookie::is_ours(pair)).map(<[u8]>::trim_ascii).collect();
    HeaderValue::from_bytes(&kept.join(&b"; "[..])).unwrap_or(HeaderValue::from_static(""))
}

/// Takes from an answer what is for the connection to the upstream only, and cookies that would pass for ours.
pub(crate) fn strip_answer(headers: &mut HeaderMap) {
    strip_connection(headers);
    // Both reach beyond the prefix, to pages of ours.
    headers.remove("service-worker-allowed");
    headers.remove("clear-site-data");
    let ours = |line: &HeaderValue| cookie::is_ours(line.as_bytes());
    if headers.get_all(SET_COOKIE).iter().any(ours) {
        let kept: Vec<HeaderValue> =
            headers.get_all(SET_COOKIE).iter().filter(|line| !ours(line)).cloned().collect();
        headers.remove(SET_COOKIE);
        for line in kept {
            headers.append(SET_COOKIE, line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            let name: HeaderName = name.parse().expect(name);
            headers.append(name, HeaderValue::from_str(value).expect(value));
        }
        headers
    }

    #[test]
    fn only_we_say_who_calls_in_every_spelling() {
        for name in [
            "Remote-User",
            "remote-user",
            "REMOTE_USER",
            "Remote_User",
            "remote.user",
            "remote~user",
            "Remote-Groups",
            "Remote-Identity",
            "X-Remote-User",
            "X_Remote_User",
            "X-Forwarded-For",
            "X_Forwarded_For",
            "x-forwarded_user",
            "X-Forwarded-Prefix",
            "Forwarded",
            "X-Real-IP",
            "x_real_ip",
            "X-Original-URL",
            "X-Rewrite-URL",
            "X-HTTP-Method-Override",
            "X-Method-Override",
            "x_http_method",
            "X-Auth-Request-User",
            "Authorization",
            "Host",
            "X-Request-Id",
            "True-Client-IP",
        ] {
            let mut headers = map(&[(name, "root"), ("accept", "text/plain")]);
            strip(&mut headers);
            assert_eq!(headers.len(), 1, "{name}");
        }
    }

    #[test]
    fn rfc9110_section_7_6_1_connection_headers_end_here() {
        let mut headers = map(&[
            ("connection", "close, X-Secret"),
            ("connection", "x-other , keep-alive"),
            ("x-secret", "1"),
            ("x-other", "2"),
            ("keep-alive", "timeout=5"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("proxy-authorization", "Basic x"),
            ("upgrade", "h2c"),
            ("http2-settings", "AA"),
            ("expect", "100-continue"),
            ("x-kept", "3"),
        ]);
        strip(&mut headers);
        assert_eq!(headers, map(&[("x-kept", "3")]));
    }

    #[test]
    fn our_cookies_stay_here_and_nobody_else_sets_them() {
        let mut headers = map(&[
            ("cookie", "a=1; __Host-vk_session=s; vk_browser=b; __Secure-vk_api_x=n; b=2"),
            ("cookie", "c=3"),
        ]);
        strip(&mut headers);
        assert_eq!(headers["cookie"], "a=1; b=2; c=3");
        let mut headers = map(&[("cookie", "a=1"), ("cookie", "b=2")]);
        strip(&mut headers);
        assert_eq!(headers, map(&[("cookie", "a=1; b=2")]));
        let mut answer = map(&[("set-cookie", "vk_session=evil; Path=/"), ("set-cookie", "theme=dark")]);
        strip_answer(&mut answer);
        assert_eq!(answer, map(&[("set-cookie", "theme=dark")]));
    }

    #[test]
    fn only_websocket_is_an_upgrade() {
        for (pairs, want) in [
            (&[("connection", "keep-alive, Upgrade"), ("upgrade", "WebSocket")][..], true),
            (&[("upgrade", "websocket")], false),
            (&[("connection", "upgrade"), ("upgrade", "h2c")], false),
            (&[("connection", "upgrade"), ("upgrade", "websocket"), ("upgrade", "h2c")], false),
            (&[("connection", "upgrade")], false),
        ] {
            assert_eq!(asks_for_websocket(&map(pairs)), want, "{pairs:?}");
        }
    }
}
