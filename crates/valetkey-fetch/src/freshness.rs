//! RFC 9111 §5.2.2 — how long a document stays good: what its server says, within bounds of ours

use http::HeaderMap;
use http::header::CACHE_CONTROL;

/// Seconds a document is kept whatever its server says: between asking once and asking for each request.
const LEAST: u64 = 10;
/// Where the server says nothing.
const USUAL: u64 = 300;
/// Where it says more: a changed key or address is heard of within an hour.
const MOST: u64 = 3600;

/// Seconds for which the answer may be used.
pub(crate) fn seconds(headers: &HeaderMap) -> u64 {
    let lines = headers.get_all(CACHE_CONTROL).iter().filter_map(|line| line.to_str().ok());
    let mut age = None;
    for directive in lines.flat_map(|line| line.split(',')) {
        let directive = directive.trim().to_ascii_lowercase();
        match directive.split_once('=') {
            None if matches!(directive.as_str(), "no-store" | "no-cache") => return LEAST,
            Some(("max-age", value)) => age = value.trim_matches('"').parse().ok().or(Some(0)),
            _ => {}
        }
    }
    age.unwrap_or(USUAL).clamp(LEAST, MOST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn rfc9111_section_5_2_2_the_servers_word_counts_within_bounds() {
        for (line, want) in [
            ("", 300),
            ("public", 300),
            ("max-age=60", 60),
            ("public, Max-Age=\"60\"", 60),
            ("max-age=0", 10),
            ("max-age=999999999", 3600),
            ("max-age=99999999999999999999999", 10),
            ("max-age=-1", 10),
            ("no-store, max-age=600", 10),
            ("max-age=600, no-cache", 10),
        ] {
            let headers = HeaderMap::from_iter([(CACHE_CONTROL, HeaderValue::from_static(line))]);
            assert_eq!(seconds(&headers), want, "{line}");
        }
    }
}
