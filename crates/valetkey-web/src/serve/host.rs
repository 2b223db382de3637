//! RFC 9112 §3.2 — a request names its host once, or is not answered

use axum::body::Body;
use http::header::HOST;
use http::{HeaderMap, Response, StatusCode, Version};

/// Whether the header is there as it must be. Nothing here believes it; whoever stands between us and the sender may.
pub(super) fn is_one(version: Version, headers: &HeaderMap) -> bool {
    let mut all = headers.get_all(HOST).iter();
    match (all.next(), all.next()) {
        // HTTP/1.0 has none, HTTP/2 its `:authority` (RFC 9113 §8.3.1).
        (None, _) => version != Version::HTTP_11,
        (Some(host), None) => host.as_bytes().iter().copied().all(is_of_authority),
        (Some(_), Some(_)) => false,
    }
}

/// RFC 3986 §3.2.2, §3.2.3: a host and a port; never user information.
const fn is_of_authority(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'!' | b'$' | b'%' | b'&'..=b'.' | b':' | b';' | b'=' | b'[' | b']' | b'_' | b'~')
}

/// The edge gives it words.
pub(super) fn refusal() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn rfc9112_section_3_2_a_request_has_one_host() {
        for (version, hosts, good) in [
            (Version::HTTP_11, &["id.example"][..], true),
            (Version::HTTP_11, &["id.example:8443"], true),
            (Version::HTTP_11, &["[::1]:8080"], true),
            (Version::HTTP_11, &[""], true),
            (Version::HTTP_11, &[], false),
            (Version::HTTP_11, &["id.example", "id.example"], false),
            (Version::HTTP_11, &["id.example", "evil.example"], false),
            (Version::HTTP_11, &["id.example, evil.example"], false),
            (Version::HTTP_11, &["id.example/path"], false),
            (Version::HTTP_11, &["me@id.example"], false),
            (Version::HTTP_11, &["id example"], false),
            (Version::HTTP_10, &[], true),
            (Version::HTTP_10, &["a", "b"], false),
            (Version::HTTP_2, &[], true),
            (Version::HTTP_2, &["a", "b"], false),
        ] {
            let mut headers = HeaderMap::new();
            for host in hosts {
                headers.append(HOST, HeaderValue::from_static(host));
            }
            assert_eq!(is_one(version, &headers), good, "{version:?} {hosts:?}");
        }
    }
}
