//! Whom we ask: https servers on the internet, and what the operator lists besides.

use crate::address::is_special;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;
use url::{Host, Url};
use valetkey_core::outbound::Unfetched;

/// A host name, an address or a range that may be asked although it is not on the internet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allowed {
    Host(String),
    Range(IpAddr, u32),
}

/// The text is neither a host nor an address nor a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAllowed;

impl std::fmt::Display for NotAllowed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("expected a host name, an address, or a range such as 10.1.0.0/16")
    }
}

impl std::error::Error for NotAllowed {}

impl FromStr for Allowed {
    type Err = NotAllowed;

    fn from_str(text: &str) -> Result<Self, NotAllowed> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(own, bits)| (own, Some(bits)));
        if let Ok(address) = address.parse::<IpAddr>() {
            let most = if address.is_ipv4() { 32 } else { 128 };
            let bits = bits.map_or(Ok(most), str::parse).map_err(|_| NotAllowed)?;
            return (bits <= most).then_some(Self::Range(address, bits)).ok_or(NotAllowed);
        }
        if bits.is_some() {
            return Err(NotAllowed);
        }
        match Host::parse(text) {
            Ok(Host::Domain(name)) => Ok(Self::Host(name)),
            _ => Err(NotAllowed),
        }
    }
}

impl Allowed {
    fn holds(&self, host: &Host<&str>, address: IpAddr) -> bool {
        match (self, address) {
            (Self::Host(own), _) => matches!(host, Host::Domain(name) if name.eq_ignore_ascii_case(own)),
            (Self::Range(IpAddr::V4(first), bits), IpAddr::V4(own)) => {
                same(u128::from(first.to_bits()), u128::from(own.to_bits()), 32 - bits)
            }
            (Self::Range(IpAddr::V6(first), bits), IpAddr::V6(own)) => {
                same(first.to_bits(), own.to_bits(), 128 - bits)
            }
            _ => false,
        }
    }
}

fn same(one: u128, other: u128, rest: u32) -> bool {
    (one ^ other).checked_shr(rest).unwrap_or(0) == 0
}

/// Whom this server may ask.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    pub allowed: Vec<Allowed>,
}

impl Policy {
    /// What `valetkey dev` allows: this very machine.
    pub fn loopback() -> [Allowed; 2] {
        [
            Allowed::Range(IpAddr::from([127, 0, 0, 0]), 8),
            Allowed::Range(IpAddr::V6(Ipv6Addr::LOCALHOST), 128),
        ]
    }

    /// An address that may be asked as far as its text tells: https, or http where only this machine can answer.
    pub fn url(text: &str) -> Result<Url, Unfetched> {
        let url = Url::parse(text).map_err(|_| Unfetched::BadAddress)?;
        let named = url.username().is_empty() && url.password().is_none() && url.host().is_some();
        if !named || !matches!(url.scheme(), "https" | "http") {
            return Err(Unfetched::BadAddress);
        }
        Ok(url)
    }

    /// Whether the server at this address may be called for that URL.
    pub fn check(&self, url: &Url, address: IpAddr) -> Result<(), Unfetched> {
        let Some(host) = url.host() else { return Err(Unfetched::BadAddress) };
        let listed = || self.allowed.iter().any(|own| own.holds(&host, address));
        // Plain http is readable and changeable on the way: only where there is no way.
        if url.scheme() != "https" {
            let allowed = address.is_loopback() && listed();
            return if allowed { Ok(()) } else { Err(Unfetched::BadAddress) };
        }
        if is_special(address) && !listed() { Err(Unfetched::Forbidden) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_called_only_where_the_operator_lists_them() {
        let policy = |allowed: &[&str]| Policy {
            allowed: allowed.iter().map(|text| text.parse().expect(text)).collect(),
        };
        for (allowed, url, address, want) in [
            (vec![], "https://app.example/x", "93.184.216.34", Ok(())),
            (vec![], "https://app.example/x", "10.0.0.1", Err(Unfetched::Forbidden)),
            (vec!["10.0.0.0/8"], "https://app.example/x", "10.9.8.7", Ok(())),
            (vec!["10.0.0.0/8"], "https://app.example/x", "11.0.0.1", Ok(())),
            (vec!["10.0.0.0/8"], "https://app.example/x", "192.168.0.1", Err(Unfetched::Forbidden)),
            (vec!["10.0.0.1"], "https://app.example/x", "10.0.0.2", Err(Unfetched::Forbidden)),
            (vec!["app.example"], "https://app.example/x", "10.0.0.1", Ok(())),
            (vec!["APP.example"], "https://app.EXAMPLE/x", "10.0.0.1", Ok(())),
            (vec!["app.example"], "https://x.app.example/x", "10.0.0.1", Err(Unfetched::Forbidden)),
            (vec!["app.example"], "http://app.example/x", "10.0.0.1", Err(Unfetched::BadAddress)),
            (vec!["app.example"], "http://app.example/x", "93.184.216.34", Err(Unfetched::BadAddress)),
            (vec![], "http://127.0.0.1/x", "127.0.0.1", Err(Unfetched::BadAddress)),
            (vec!["127.0.0.1"], "http://127.0.0.1/x", "127.0.0.1", Ok(())),
            (vec!["localhost"], "http://localhost/x", "127.0.0.1", Ok(())),
            (vec!["127.0.0.0/8"], "http://localhost/x", "::1", Err(Unfetched::BadAddress)),
            (vec!["::1"], "http://[::1]:8/x", "::1", Ok(())),
            (vec!["127.0.0.0/8"], "https://x.example/", "::ffff:127.0.0.1", Err(Unfetched::Forbidden)),
            (vec!["0.0.0.0/0"], "https://x.example/", "10.0.0.1", Ok(())),
        ] {
            let policy = policy(&allowed);
            let parsed = Policy::url(url).expect("a URL");
            assert_eq!(policy.check(&parsed, address.parse().expect("an address")), want, "{url} {address}");
        }
    }

    #[test]
    fn what_is_no_address_of_a_server_is_not_asked() {
        for url in [
            "",
            "x",
            "ftp://a.example/",
            "file:///etc/passwd",
            "https://u:p@a.example/",
            "https://u@a.example/",
        ] {
            assert_eq!(Policy::url(url).map(drop), Err(Unfetched::BadAddress), "{url}");
        }
        for text in ["10.0.0.0/33", "::/129", "a b", "x/8", "", "https://a.example"] {
            assert_eq!(text.parse::<Allowed>(), Err(NotAllowed), "{text}");
        }
    }
}
