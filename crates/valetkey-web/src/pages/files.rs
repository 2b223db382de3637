//! `/assets/…`: stylesheets, icon and scripts, under names that change with their content.

use super::assets::{Asset, find};
use super::respond::plain_error;
use super::view::ErrorKind;
use crate::extract::Call;
use axum::body::Body;
use axum::response::Response;
use http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use http::{HeaderMap, HeaderValue};

pub(crate) async fn get(call: Call) -> Response {
    let Some((asset, cache)) = find(call.uri.path()) else { return plain_error(&call, ErrorKind::NotFound) };
    file(asset, cache, &call.headers)
}

/// RFC 9110 §12.5.3: compressed for those who say they take it. Nothing secret is in these files.
fn file(asset: &'static Asset, cache: &'static str, asked: &HeaderMap) -> Response {
    let packed = takes_gzip(asked) && !asset.gzip.is_empty();
    let mut response = Response::new(Body::from(if packed { asset.gzip.as_slice() } else { asset.bytes }));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if packed {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// Whether `gzip` is named and not refused by `q=0`.
fn takes_gzip(asked: &HeaderMap) -> bool {
    let values = asked.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|one| {
        let (name, weight) = one.split_once(';').unwrap_or((one, ""));
        let refused = weight.trim().strip_prefix("q=").is_some_and(|q| q.trim_matches(['0', '.']).is_empty());
        name.trim().eq_ignore_ascii_case("gzip") && !refused
    })
}

/// Browsers ask for this whatever the page says.
pub(crate) async fn icon() -> Response {
    file(&super::assets::ASSETS.icon, "public, max-age=86400", &HeaderMap::new())
}

/// Nothing here is for search engines.
pub(crate) async fn robots() -> Response {
    let mut response = Response::new(Body::from("User-agent: *\nDisallow: /\n"));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc9110_12_5_3_compressed_only_for_those_who_take_it() {
        for (asked, want) in [
            ("gzip, deflate, br", true),
            ("GZIP;q=0.5", true),
            ("br, gzip", true),
            ("", false),
            ("br", false),
            ("gzip;q=0", false),
            ("gzip; q=0.000", false),
            ("xgzip", false),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(asked))]);
            assert_eq!(takes_gzip(&headers), want, "{asked}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
