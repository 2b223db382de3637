//! RFC 9700 §4.13 — whose address a request counts for: the peer's, or what a trusted proxy says of it.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use axum::extract::FromRequestParts;
use http::header::FORWARDED;
use http::request::Parts;
use http::{HeaderMap, HeaderName, StatusCode};

use super::Arrival;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The client's address, for throttling and the log. IPv4 in IPv6 clothes (`::ffff:1.2.3.4`) is undressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientAddr(pub IpAddr);

impl fmt::Display for ClientAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<S: Sync> FromRequestParts<S> for ClientAddr {
    type Rejection = StatusCode;

    /// # Errors
    /// 500 when the request did not come through the edge.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let arrival = parts.extensions.get::<Arrival>().ok_or(StatusCode::INTERNAL_SERVER_ERROR)?;
        Ok(arrival.client)
    }
}

/// Whether the peer itself, whatever it says of others, is a trusted proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrustedPeer(pub bool);

impl<S: Sync> FromRequestParts<S> for TrustedPeer {
    type Rejection = StatusCode;

    /// # Errors
    /// 500 when the request did not come through the edge.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let arrival = parts.extensions.get::<Arrival>().ok_or(StatusCode::INTERNAL_SERVER_ERROR)?;
        Ok(arrival.peer)
    }
}

/// The one header the trusted proxies write. Only that one is read: they would pass on the other as the client sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ForwardingHeader {
    #[default]
    XForwardedFor,
    /// RFC 7239.
    Forwarded,
}

/// A range of addresses: `10.0.0.0/8`, `2001:db8::/32`, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressRange {
    first: IpAddr,
    bits: u8,
}

/// The text is not an address range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadAddressRange;

impl fmt::Display for BadAddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected an address or a range such as 10.0.0.0/8 or 2001:db8::/32")
    }
}

impl std::error::Error for BadAddressRange {}

impl FromStr for AddressRange {
    type Err = BadAddressRange;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
        let address: IpAddr = address.parse().map_err(|_| BadAddressRange)?;
        let width: u8 = if address.is_ipv4() { 32 } else { 128 };
        let bits: u8 = bits.map_or(Ok(width), str::parse).map_err(|_| BadAddressRange)?;
        if bits > width {
            return Err(BadAddressRange);
        }
        // `::ffff:10.0.0.0/104` means `10.0.0.0/8`: addresses are compared undressed.
        let first = address.to_canonical();
        let bits =
            if first.is_ipv4() && width == 128 { bits.checked_sub(96).ok_or(BadAddressRange)? } else { bits };
        Ok(Self { first, bits })
    }
}

impl AddressRange {
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.first, address.to_canonical()) {
            (IpAddr::V4(first), IpAddr::V4(address)) => {
                let differing = first.to_bits() ^ address.to_bits();
                differing.checked_shr(32 - u32::from(self.bits)).unwrap_or(0) == 0
            }
            (IpAddr::V6(first), IpAddr::V6(address)) => {
                let differing = first.to_bits() ^ address.to_bits();
                differing.checked_shr(128 - u32::from(self.bits)).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

/// Which peers may speak for others; nobody by default.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies {
    pub ranges: Vec<AddressRange>,
    pub header: ForwardingHeader,
}

impl TrustedProxies {
    /// The right-most address that is not a trusted proxy. Everything left of it is the client's own claim.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> ClientAddr {
        let mut client = peer.to_canonical();
        if !self.trusts(client) {
            return ClientAddr(client);
        }
        let name = match self.header {
            ForwardingHeader::XForwardedFor => X_FORWARDED_FOR,
            ForwardingHeader::Forwarded => FORWARDED,
        };
        let lines: Vec<&str> = headers.get_all(name).iter().map(|line| line.to_str().unwrap_or("")).collect();
        for hop in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
            let named = match self.header {
                ForwardingHeader::XForwardedFor => address(hop),
                ForwardingHeader::Forwarded => forwarded_for(hop),
            };
            // What a trusted hop wrote and we cannot read (`unknown`, `_hidden`) ends the chain at that hop.
            let Some(named) = named else { break };
            client = named;
            if !self.trusts(client) {
                break;
            }
        }
        ClientAddr(client)
    }

    pub(super) fn peer(&self, peer: IpAddr) -> TrustedPeer {
        TrustedPeer(self.trusts(peer.to_canonical()))
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.ranges.iter().any(|range| range.contains(address))
    }
}

/// An address, with or without a port, IPv6 with or without brackets.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bracketed = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let ip = bracketed.unwrap_or(text).parse::<IpAddr>();
    let ip = ip.or_else(|_| text.parse::<SocketAddr>().map(|socket| socket.ip())).ok()?;
    Some(ip.to_canonical())
}

/// RFC 7239 §4: the `for` parameter of one element.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let mut named = element.split(';').filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then(|| value.trim())
    });
    let (value, again) = (named.next()?, named.next());
    let quoted = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    if again.is_some() { None } else { address(quoted.unwrap_or(value)) }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn client(header: ForwardingHeader, peer: &str, lines: &[&str]) -> String {
        let ranges = ["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"].map(|range| range.parse().unwrap());
        let proxies = TrustedProxies { ranges: ranges.to_vec(), header };
        let mut headers = HeaderMap::new();
        let name = if header == ForwardingHeader::Forwarded { FORWARDED } else { X_FORWARDED_FOR };
        for line in lines {
            headers.append(name.clone(), HeaderValue::from_str(line).unwrap());
        }
        proxies.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn rfc9700_4_13_only_trusted_peers_speak_for_others() {
        for (peer, lines, want) in [
            ("203.0.113.9", &[][..], "203.0.113.9"),
            ("203.0.113.9", &["198.51.100.1"], "203.0.113.9"),
            ("10.1.2.3", &[], "10.1.2.3"),
            ("10.1.2.3", &["198.51.100.1"], "198.51.100.1"),
            ("::ffff:10.1.2.3", &["198.51.100.1"], "198.51.100.1"),
            ("192.0.2.7", &["198.51.100.1"], "198.51.100.1"),
            ("192.0.2.8", &["198.51.100.1"], "192.0.2.8"),
            ("2001:db8::1", &["2001:dead::1"], "2001:dead::1"),
            // The client's own claims stand left of what the proxy appended.
            ("10.1.2.3", &["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
            ("10.1.2.3", &["1.1.1.1", "198.51.100.1"], "198.51.100.1"),
            ("10.1.2.3", &["1.1.1.1, 198.51.100.1, 10.9.9.9"], "198.51.100.1"),
            ("10.1.2.3", &["10.8.8.8, 10.9.9.9"], "10.8.8.8"),
            // Unreadable hops end the chain at the last one that is known.
            ("10.1.2.3", &["198.51.100.1, unknown"], "10.1.2.3"),
            ("10.1.2.3", &["198.51.100.1, unknown, 10.9.9.9"], "10.9.9.9"),
            ("10.1.2.3", &[""], "10.1.2.3"),
            ("10.1.2.3", &["198.51.100.1:4711"], "198.51.100.1"),
            ("10.1.2.3", &["[2001:dead::1]:4711"], "2001:dead::1"),
            ("10.1.2.3", &["[2001:dead::1]"], "2001:dead::1"),
            ("10.1.2.3", &["::ffff:198.51.100.1"], "198.51.100.1"),
        ] {
            assert_eq!(client(ForwardingHeader::XForwardedFor, peer, lines), want, "peer {peer}, {lines:?}");
        }
    }

    #[test]
    fn rfc7239_4_the_for_parameter_names_the_client() {
        for (lines, want) in [
            (&["for=198.51.100.1"][..], "198.51.100.1"),
            (&["for=198.51.100.1;proto=https;by=10.1.2.3"], "198.51.100.1"),
            (&["proto=https; For=\"198.51.100.1:4711\""], "198.51.100.1"),
            (&["for=\"[2001:dead::1]:4711\""], "2001:dead::1"),
            (&["for=1.1.1.1, for=198.51.100.1, for=10.9.9.9"], "198.51.100.1"),
            (&["for=198.51.100.1, for=_hidden"], "10.1.2.3"),
            (&["for=198.51.100.1;for=1.1.1.1"], "10.1.2.3"),
            (&["proto=https"], "10.1.2.3"),
        ] {
            assert_eq!(client(ForwardingHeader::Forwarded, "10.1.2.3", lines), want, "{lines:?}");
        }
    }

    #[test]
    fn the_header_the_proxies_do_not_write_is_not_read() {
        let ranges = vec!["10.0.0.0/8".parse().unwrap()];
        let proxies = TrustedProxies { ranges, header: ForwardingHeader::XForwardedFor };
        let headers = HeaderMap::from_iter([(FORWARDED, HeaderValue::from_static("for=1.1.1.1"))]);
        assert_eq!(proxies.client("10.1.2.3".parse().unwrap(), &headers).to_string(), "10.1.2.3");
    }

    #[test]
    fn ranges_are_read_and_compared() {
        for (range, address, want) in [
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "2001:db8::1", true),
            ("10.0.0.0/31", "10.0.0.1", true),
            ("10.0.0.0/31", "10.0.0.2", false),
            ("10.0.0.1", "10.0.0.1", true),
            ("::ffff:10.0.0.0/104", "10.200.0.1", true),
            ("2001:db8::/127", "2001:db8::1", true),
            ("2001:db8::/127", "2001:db8::2", false),
        ] {
            let range: AddressRange = range.parse().unwrap();
            assert_eq!(range.contains(address.parse().unwrap()), want, "{range:?} {address}");
        }
        for bad in [
            "",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0.0/8",
            "example.com",
            "::/129",
            "10.0.0.0/-1",
            "::ffff:1.2.3.4/8",
        ] {
            assert_eq!(bad.parse::<AddressRange>(), Err(BadAddressRange), "{bad}");
        }
    }
}
