//! RFC 6890 §2.2 — special-purpose addresses: those that are nobody's server on the internet, as IANA lists them today

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What it is, its first address, and how many bits of it are the block's.
type Block<T> = (&'static str, T, u32);

const fn v4(a: u8, b: u8, c: u8, d: u8) -> Ipv4Addr {
    Ipv4Addr::new(a, b, c, d)
}

const V4: [Block<Ipv4Addr>; 16] = [
    ("this network", v4(0, 0, 0, 0), 8),
    ("private", v4(10, 0, 0, 0), 8),
    ("shared by carriers", v4(100, 64, 0, 0), 10),
    ("loopback", v4(127, 0, 0, 0), 8),
    ("link-local, and the metadata of clouds", v4(169, 254, 0, 0), 16),
    ("private", v4(172, 16, 0, 0), 12),
    ("protocol assignments", v4(192, 0, 0, 0), 24),
    ("documentation", v4(192, 0, 2, 0), 24),
    ("AS112", v4(192, 31, 196, 0), 24),
    ("AMT", v4(192, 52, 193, 0), 24),
    ("6to4 relays", v4(192, 88, 99, 0), 24),
    ("private", v4(192, 168, 0, 0), 16),
    ("AS112", v4(192, 175, 48, 0), 24),
    ("benchmarks", v4(198, 18, 0, 0), 15),
    ("documentation", v4(198, 51, 100, 0), 24),
    ("documentation", v4(203, 0, 113, 0), 24),
];

/// Multicast, reserved and broadcast: everything from here.
const V4_END: Ipv4Addr = v4(224, 0, 0, 0);

const fn v6(segments: [u16; 8]) -> Ipv6Addr {
    let mut bits = 0;
    let mut nth = 0;
    while nth < segments.len() {
        bits = bits << 16 | segments[nth] as u128;
        nth += 1;
    }
    Ipv6Addr::from_bits(bits)
}

/// Within the one block that is given to servers (2000::/3); everything outside of it is special.
const V6: [Block<Ipv6Addr>; 6] = [
    ("protocol assignments, with Teredo, ORCHID and benchmarks", v6([0x2001, 0, 0, 0, 0, 0, 0, 0]), 23),
    ("documentation", v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0]), 32),
    ("6to4: an IPv4 address inside", v6([0x2002, 0, 0, 0, 0, 0, 0, 0]), 16),
    ("AS112", v6([0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0]), 48),
    ("documentation", v6([0x3fff, 0, 0, 0, 0, 0, 0, 0]), 20),
    ("the old test network", v6([0x3ffe, 0, 0, 0, 0, 0, 0, 0]), 16),
];

/// Given to servers of the internet.
const V6_UNICAST: Block<Ipv6Addr> = ("global unicast", v6([0x2000, 0, 0, 0, 0, 0, 0, 0]), 3);
/// RFC 6052 §2.1: an IPv4 address in its last 32 bits, and that one counts.
const NAT64: Block<Ipv6Addr> = ("NAT64", v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0]), 96);

fn v4_in(address: Ipv4Addr, (_, first, bits): &Block<Ipv4Addr>) -> bool {
    (address.to_bits() ^ first.to_bits()) >> (32 - bits) == 0
}

fn v6_in(address: Ipv6Addr, (_, first, bits): &Block<Ipv6Addr>) -> bool {
    (address.to_bits() ^ first.to_bits()) >> (128 - bits) == 0
}

/// Whether an address is private, or of any other use than being a server on the internet.
pub fn is_special(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address >= V4_END || V4.iter().any(|block| v4_in(address, block)),
        IpAddr::V6(address) if v6_in(address, &NAT64) => {
            let [.., a, b, c, d] = address.octets();
            is_special(IpAddr::V4(v4(a, b, c, d)))
        }
        IpAddr::V6(address) => !v6_in(address, &V6_UNICAST) || V6.iter().any(|block| v6_in(address, block)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVERS: &str = "8.8.8.8 1.1.1.1 93.184.216.34 223.255.255.255 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 \
        126.255.255.255 128.0.0.0 169.253.255.255 172.15.255.255 172.32.0.0 192.0.1.0 192.167.255.255 \
        192.169.0.0 198.17.255.255 198.20.0.0";
    const SPECIAL: &str = "0.0.0.0 0.1.2.3 10.0.0.0 10.255.255.255 100.64.0.0 100.127.255.255 127.0.0.1 127.255.255.254 \
        169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.8 192.0.0.170 192.0.2.1 192.31.196.1 \
        192.52.193.1 192.88.99.1 192.168.1.1 192.175.48.1 198.18.0.1 198.19.255.255 198.51.100.7 \
        203.0.113.9 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255";
    const SERVERS_6: &str =
        "2606:4700:4700::1111 2a00:1450:4001:81b::200e 2001:4860:4860::8888 2001:200::1 64:ff9b::8.8.8.8";
    const SPECIAL_6: &str = ":: ::1 ::127.0.0.1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:8.8.8.8 ::ffff:0:127.0.0.1 \
        64:ff9b::127.0.0.1 64:ff9b::10.0.0.1 64:ff9b::a9fe:a9fe 64:ff9b::1:0:0 64:ff9b:1::7f00:1 100::1 \
        100:0:0:1::1 2001::1 2001:2::1 2001:10::1 2001:20::1 2001:1ff:ffff::1 2001:db8::1 2002:7f00:1:: \
        2002:0808:0808::1 2620:4f:8000::1 3ffe::1 3fff::1 3fff:fff::1 5f00::1 4000::1 fc00::1 \
        fd12:3456::1 fe80::1 fec0::1 ff02::1";

    #[test]
    fn only_addresses_of_servers_on_the_internet_are_called() {
        for (list, special) in [(SERVERS, false), (SPECIAL, true), (SERVERS_6, false), (SPECIAL_6, true)] {
            for text in list.split_whitespace() {
                assert_eq!(is_special(text.parse().expect("an address")), special, "{text}");
            }
        }
    }
}
