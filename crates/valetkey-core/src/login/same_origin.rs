//! Fetch Metadata, RFC 6454 §7 — whether a browser says that a page of our own origin sent a request

use crate::settings::Settings;

/// What the browser says of where a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// From a page of this origin.
    SameOrigin,
    /// From no page: the person typed an address or followed a bookmark.
    ByPerson,
    /// From elsewhere.
    Cross,
    /// It does not say.
    Unsaid,
}

/// Reads `Sec-Fetch-Site` and `Origin`. No page can set the first; browsers that do not know it send the second with
/// whatever changes something. Both must agree, but for `null`, which a page without referrer sends even to itself.
pub fn came(settings: &Settings, site: Option<&[u8]>, origin: Option<&[u8]>) -> Came {
    let origin = origin.map(|origin| if origin == b"null" { None } else { Some(is_own(settings, origin)) });
    match (site, origin) {
        (_, Some(Some(false))) => Came::Cross,
        (Some(b"same-origin"), _) | (None, Some(Some(true))) => Came::SameOrigin,
        (Some(b"none"), _) => Came::ByPerson,
        (Some(_), _) => Came::Cross,
        (None, _) => Came::Unsaid,
    }
}

fn is_own(settings: &Settings, origin: &[u8]) -> bool {
    let rest = settings.issuer().as_bytes().strip_prefix(origin);
    origin.len() > "http://".len() && rest.is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Lifetimes;

    #[test]
    fn a_request_is_of_our_origin_where_the_browser_says_so_and_nothing_says_otherwise() {
        let settings = Settings::new("https://id.example/base", Lifetimes::default());
        let own = "https://id.example";
        for (site, origin, want) in [
            (Some("same-origin"), None, Came::SameOrigin),
            (Some("same-origin"), Some(own), Came::SameOrigin),
            (Some("same-origin"), Some("null"), Came::SameOrigin),
            (Some("same-origin"), Some("https://evil.example"), Came::Cross),
            (Some("same-site"), Some(own), Came::Cross),
            (Some("cross-site"), None, Came::Cross),
            (Some("Same-Origin"), None, Came::Cross),
            (Some(""), None, Came::Cross),
            (Some("none"), None, Came::ByPerson),
            (None, Some(own), Came::SameOrigin),
            (None, Some("https://id.example.evil"), Came::Cross),
            (None, Some("https://id.exam"), Came::Cross),
            (None, Some("http://id.example"), Came::Cross),
            (None, Some("https://"), Came::Cross),
            (None, Some(""), Came::Cross),
            (None, Some("null"), Came::Unsaid),
            (None, None, Came::Unsaid),
        ] {
            let got = came(&settings, site.map(str::as_bytes), origin.map(str::as_bytes));
            assert_eq!(got, want, "{site:?} {origin:?}");
        }
    }
}
