//! What a request is for: its method, and its path in the one normal form. Everything odd ends here.

use crate::challenge::Refusal;
use http::request::Parts;
use http::{Uri, Version};
use valetkey_core::path::Path;
use valetkey_core::route::Method;

/// The path of a request to the gateway itself.
pub(crate) fn path(parts: &Parts) -> Result<Path<'_>, Refusal<'static>> {
    // HTTP/2 has no other form; in HTTP/1 an absolute target is for proxies, and two hosts could be read from it.
    if parts.version < Version::HTTP_2 && (parts.uri.scheme().is_some() || parts.uri.authority().is_some()) {
        return Err(Refusal::Target("the request target must be a path"));
    }
    Path::normalise(parts.uri.path()).map_err(|ambiguous| Refusal::Target(ambiguous.0))
}

/// A method of which everybody knows what it means.
pub(crate) fn method(text: &str) -> Result<Method, Refusal<'static>> {
    Method::of_request(text).ok_or(Refusal::Method)
}

/// The address at the upstream. It has the very path that was judged.
pub(crate) fn upstream(upstream: &str, rest: &str, query: Option<&str>) -> Option<Uri> {
    let base = upstream.trim_end_matches('/');
    let is_bare = base.split_once("://").is_some_and(|(_, host)| !host.contains('/'));
    let rest = if rest.is_empty() && is_bare { "/" } else { rest };
    let query = query.filter(|query| !query.is_empty());
    let mut text = String::with_capacity(base.len() + rest.len() + query.map_or(0, |query| query.len() + 1));
    text.push_str(base);
    text.push_str(rest);
    if let Some(query) = query {
        text.push('?');
        text.push_str(query);
    }
    text.parse::<Uri>().ok().filter(|uri| uri.path().ends_with(rest) && uri.query() == query)
}

/// A path with a query, where there is one.
pub(crate) fn with_query(path: &str, query: Option<&str>) -> String {
    match query {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_below_the_prefix_is_appended_to_the_upstreams() {
        for (base, rest, query, want) in [
            ("http://a:1", "/x", None, "http://a:1/x"),
            ("http://a:1/", "/x/", Some("q=1"), "http://a:1/x/?q=1"),
            ("http://a:1", "", None, "http://a:1/"),
            ("http://a:1/base", "", Some(""), "http://a:1/base"),
            ("http://a:1/base/", "/x%20y", Some("a=%2F"), "http://a:1/base/x%20y?a=%2F"),
        ] {
            let uri = upstream(base, rest, query).expect(base);
            assert_eq!(uri.to_string(), want);
        }
    }
}
