//! RFC 6749 §3.1.2, RFC 8252 §7 — redirect URIs: what may be registered, and the one comparison

use url::{Host, Url};

/// Why a URI cannot be registered, as a sentence for the person who registers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadRedirectUri(pub &'static str);

/// How the browser leaves us: what the consent page says about the destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// `https`, with the host shown.
    Web(String),
    /// Loopback: a program on this very device.
    Loopback(String),
    /// A private-use scheme: whichever app on this device claims it.
    App(String),
}

/// The out-of-band address of programs that cannot take a redirect: the code is shown on a page of ours.
pub const OOB: &str = "urn:ietf:wg:oauth:2.0:oob";

pub fn is_oob(uri: &str) -> bool {
    uri == OOB
}

/// Checks a URI at registration; `oob`: whether the client has the opt-in of that name.
pub fn check_for(uri: &str, oob: bool) -> Result<(), BadRedirectUri> {
    if oob && is_oob(uri) { Ok(()) } else { check(uri).map(drop) }
}

/// Checks a URI at registration, for a client without opt-ins.
pub fn check(uri: &str) -> Result<Destination, BadRedirectUri> {
    if uri.bytes().any(|b| !b.is_ascii_graphic() || b == b'\\') {
        return Err(BadRedirectUri(
            "a redirect URI is printable ASCII without spaces and backslashes; percent-encode the rest",
        ));
    }
    let url = Url::parse(uri).map_err(|_| {
        BadRedirectUri("a redirect URI must be absolute, such as https://app.example/callback")
    })?;
    // RFC 6749 §3.1.2.
    if uri.contains('#') {
        return Err(BadRedirectUri("a redirect URI must not have a fragment (#…)"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(BadRedirectUri("a redirect URI must not hold a user name or password"));
    }
    match url.scheme() {
        // RFC 9700 §2.1: exact strings only, so a wildcard would never match what it seems to promise.
        "https" | "http" if uri.contains('*') => {
            Err(BadRedirectUri("a redirect URI is one address, without wildcards: register each by itself"))
        }
        // OAuth 2.1 §2.3.1: the full URI, with its path.
        "https" if !has_path(uri) => {
            Err(BadRedirectUri("a redirect URI names its path too, if only a slash: https://app.example/"))
        }
        "https" => Ok(Destination::Web(authority(&url))),
        // RFC 9700 §2.6: plain http only on this very device.
        "http" if is_loopback(&url) => Ok(Destination::Loopback(authority(&url))),
        "http" => Err(BadRedirectUri("http is only for 127.0.0.1, [::1] or localhost; use https")),
        "urn" => Err(BadRedirectUri(
            "urn:ietf:wg:oauth:2.0:oob, where the code is shown on a page, needs the opt-in oob",
        )),
        // RFC 8252 §7.1, §8.4: reverse domain names, so that two apps do not meet by accident.
        scheme if scheme.contains('.') => Ok(Destination::App(scheme.to_owned())),
        _ => Err(BadRedirectUri(
            "an app's own scheme must be a reverse domain name, such as com.example.app:/callback",
        )),
    }
}

/// Whether something stands after the host, as it was written.
fn has_path(uri: &str) -> bool {
    uri.split_once("://").is_some_and(|(_, rest)| rest.contains('/'))
}

fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// RFC 6749 §4.2 with RFC 9700 §2.1 — for a token in the address nothing may differ, not even a loopback port.
pub fn matches_exactly(registered: &str, presented: &str) -> bool {
    registered == presented
}

/// RFC 9700 §2.1 — exact string comparison; only the port of a loopback IP literal may differ (RFC 8252 §7.3).
/// This and `matches_exactly` are the only comparisons of redirect URIs in Valetkey.
pub fn matches(registered: &str, presented: &str) -> bool {
    registered == presented
        || without_loopback_port(registered)
            .zip(without_loopback_port(presented))
            .is_some_and(|(own, other)| own == other)
}

/// `http://127.0.0.1:1234/x` as (`http://127.0.0.1`, `/x`): strictly host, then digits, then path, query or end.
fn without_loopback_port(uri: &str) -> Option<(&str, &str)> {
    let host = ["http://127.0.0.1", "http://[::1]"].into_iter().find(|host| uri.starts_with(host))?;
    let rest = &uri[host.len()..];
    let rest = match rest.strip_prefix(':') {
        Some(port) => {
            let digits = port.bytes().take_while(u8::is_ascii_digit).count();
            port[..digits].parse::<u16>().ok().filter(|port| *port > 0)?;
            &port[digits..]
        }
        None => rest,
    };
    (rest.is_empty() || rest.starts_with(['/', '?'])).then_some((host, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc6749_section_3_1_2_only_absolute_safe_uris_are_registered() {
        for (uri, ok) in [
            ("https://app.example/cb", true),
            ("https://app.example/", true),
            ("https://app.example", false),
            ("https://app.example?x=1", false),
            ("https://app.example/*", false),
            ("https://app.example/cb?x=1", true),
            ("http://127.0.0.1/cb", true),
            ("http://[::1]:8000/cb", true),
            ("http://localhost:3000/cb", true),
            ("com.example.app:/cb", true),
            ("http://app.example/cb", false),
            ("http://127.0.0.1.evil.example/cb", false),
            ("https://app.example/cb#x", false),
            ("https://user:pw@app.example/cb", false),
            ("https://*.example/cb", false),
            ("/cb", false),
            ("myapp:/cb", false),
            (OOB, false),
            ("urn:ietf:wg:oauth:2.0:oob:auto", false),
            ("javascript:alert(1)", false),
            ("data:text/html,x", false),
            ("https://app.example/a b", false),
            ("https://app.example\\@evil.example/", false),
            ("", false),
        ] {
            assert_eq!(check(uri).is_ok(), ok, "{uri}");
        }
    }

    #[test]
    fn rfc9700_section_2_1_redirect_uris_match_exactly_but_for_a_loopback_port() {
        for (registered, presented, same) in [
            ("https://app.example/cb", "https://app.example/cb", true),
            ("https://app.example/cb", "https://app.example/cb/", false),
            ("https://app.example/cb", "https://APP.example/cb", false),
            ("https://app.example/cb", "https://app.example/cb?x", false),
            ("https://app.example/cb", "https://app.example:443/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:5000/cb", true),
            ("http://127.0.0.1:1/cb", "http://127.0.0.1:5000/cb", true),
            ("http://[::1]/cb", "http://[::1]:5000/cb", true),
            ("http://127.0.0.1/cb", "http://127.0.0.1:5000/other", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:5000@evil.example/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1@evil.example/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:0/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:99999/cb", false),
            ("http://127.0.0.1/cb", "http://[::1]/cb", false),
            ("http://127.0.0.1/cb", "https://127.0.0.1/cb", false),
            ("http://localhost/cb", "http://localhost:5000/cb", false),
        ] {
            assert_eq!(matches(registered, presented), same, "{registered} ~ {presented}");
        }
    }

    #[test]
    fn the_out_of_band_address_needs_the_opt_in_and_opens_nothing_else() {
        for (uri, without, with) in [
            (OOB, false, true),
            ("urn:ietf:wg:oauth:2.0:oob:auto", false, false),
            ("URN:IETF:WG:OAUTH:2.0:OOB", false, false),
            ("urn:ietf:wg:oauth:2.0:oob?x", false, false),
            ("https://app.example/cb", true, true),
            ("http://app.example/cb", false, false),
        ] {
            let got = (check_for(uri, false).is_ok(), check_for(uri, true).is_ok());
            assert_eq!(got, (without, with), "{uri}");
        }
    }
}
