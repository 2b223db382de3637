//! NIST SP 800-63B §3.2.2 — throttling that slows guessing down and locks nobody out
//!
//! Guesses are counted by (account, address) first, so that one attacker only ever slows himself. An address is counted over
//! all accounts. The account as a whole is counted last and patiently; it slows strangers only, never a browser that the
//! person has used before.

use crate::ids::{ClientId, TenantId, UserId};
use crate::secret::digest_of;
use crate::store::AttemptKey;
use crate::time::Seconds;
use std::net::IpAddr;

/// Through what an attempt comes.
#[derive(Debug, Clone, Copy)]
pub enum Through<'a> {
    /// A browser that the person has used before.
    Known(&'a str),
    Browser,
    /// The grant `password`: the address is an application's, behind which many people are. What it tries on all of them
    /// together stops nobody at our own page, nor at another application.
    Client(&'a ClientId),
}

/// The counters that an attempt moves.
pub fn counters(
    tenant: &TenantId,
    account: &str,
    address: Option<IpAddr>,
    through: Through<'_>,
) -> Vec<AttemptKey> {
    let tenant = tenant.as_str().as_bytes();
    let account = account.as_bytes();
    if let Through::Known(device) = through {
        return vec![counter(
            &[b"device", tenant, account, device.as_bytes()],
            20,
            Seconds(30),
            Seconds::minutes(15),
        )];
    }
    let block = block(address);
    let client = if let Through::Client(client) = through { client.as_str().as_bytes() } else { &[] };
    vec![
        counter(&[b"pair", tenant, account, &block], 10, Seconds(30), Seconds::minutes(15)),
        // Shared: who has an account here must not wipe out what he tried on other people's.
        AttemptKey {
            shared: true,
            ..counter(&[b"address", &block, client], 200, Seconds(10), Seconds::minutes(15))
        },
        // At most 100 consecutive failures, then a slow lane for strangers.
        // Whoever comes from a fresh address has two tries all the same: else those who fill the lane, from however
        // many addresses, would keep the person out who sits at a new one.
        AttemptKey { spares: 2, ..counter(&[b"account", tenant, account], 100, Seconds(5), Seconds(30)) },
    ]
}

/// The counters that a typed user code moves (RFC 8628 §5.1). All are shared: whoever has a good code of their own must not
/// wipe out what they guessed beside it.
pub fn code_counters(address: Option<IpAddr>, browser: &str, user: Option<&UserId>) -> Vec<AttemptKey> {
    let shared = |parts: &[&[u8]], free| AttemptKey {
        shared: true,
        ..counter(parts, free, Seconds(10), Seconds::minutes(15))
    };
    let block = block(address);
    let mut counters = vec![
        shared(&[b"user code", b"address", &block], 50),
        shared(&[b"user code", b"browser", browser.as_bytes()], 10),
    ];
    counters.extend(user.map(|user| shared(&[b"user code", b"user", user.as_str().as_bytes()], 10)));
    counters
}

fn counter(parts: &[&[u8]], free: i64, wait: Seconds, longest: Seconds) -> AttemptKey {
    AttemptKey { key: digest_of(parts), free, wait, longest, spares: 0, shared: false }
}

/// The address by which a guard counts what comes from one place: the whole IPv4 address, or the /64
/// that one IPv6 subscriber commands.
pub fn neighbourhood(address: Option<IpAddr>) -> Option<IpAddr> {
    address.map(|address| prefix(address, 4, 8))
}

/// The wider block that one network may be given, by whose many addresses it would be counted as many: /24, /48.
pub fn network(address: Option<IpAddr>) -> Option<IpAddr> {
    address.map(|address| prefix(address, 3, 6))
}

fn block(address: Option<IpAddr>) -> Vec<u8> {
    match neighbourhood(address) {
        Some(IpAddr::V4(ip)) => ip.octets().to_vec(),
        Some(IpAddr::V6(ip)) => ip.octets().to_vec(),
        None => Vec::new(),
    }
}

/// The first bytes of an address, and zeros.
fn prefix(address: IpAddr, of_v4: usize, of_v6: usize) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(ip) => {
            let mut octets = ip.octets();
            octets[of_v4..].fill(0);
            octets.into()
        }
        IpAddr::V6(ip) => {
            let mut octets = ip.octets();
            octets[of_v6..].fill(0);
            octets.into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(account: &str, address: &str, device: Option<&str>) -> Vec<[u8; 32]> {
        let address = address.parse().expect("address");
        let through = device.map_or(Through::Browser, Through::Known);
        counters(&TenantId::default(), account, Some(address), through).iter().map(|c| c.key).collect()
    }

    #[test]
    fn an_attacker_elsewhere_shares_only_the_patient_account_counter_with_the_person() {
        let (attacker, person) = (keys("alice", "192.0.2.1", None), keys("alice", "198.51.100.7", None));
        assert_eq!(
            attacker.iter().zip(&person).map(|(a, b)| a == b).collect::<Vec<_>>(),
            [false, false, true]
        );
        let known = keys("alice", "192.0.2.1", Some("cookie"));
        assert!(
            known.iter().all(|key| !attacker.contains(key)),
            "a known device shares nothing with an attacker"
        );
    }

    #[test]
    fn what_an_application_tries_over_all_accounts_is_counted_apart() {
        let address = "192.0.2.1".parse().ok();
        let [one, two] = ["one", "two"].map(ClientId::from);
        let all = [Through::Browser, Through::Client(&one), Through::Client(&two)]
            .map(|through| counters(&TenantId::default(), "alice", address, through));
        for (nth, shared) in [true, false, true].into_iter().enumerate() {
            let keys: std::collections::BTreeSet<_> = all.iter().map(|own| own[nth].key).collect();
            assert_eq!(keys.len(), if shared { 1 } else { 3 }, "counter {nth}");
        }
    }

    #[test]
    fn one_ipv6_subscriber_is_one_address() {
        assert_eq!(keys("a", "2001:db8::1", None), keys("a", "2001:db8::2", None));
        assert_eq!(keys("a", "::ffff:192.0.2.1", None), keys("a", "192.0.2.1", None));
        let place = |text: &str| neighbourhood(text.parse().ok());
        assert_eq!(place("2001:db8::1"), place("2001:db8::ffff:1"));
        assert_ne!(place("2001:db8::1"), place("2001:db8:0:1::1"));
        assert_eq!(place("::ffff:192.0.2.1"), place("192.0.2.1"));
        assert_ne!(place("192.0.2.2"), place("192.0.2.1"));
        let wide = |text: &str| network(text.parse().ok());
        assert_eq!(wide("2001:db8:0:1::1"), wide("2001:db8:0:ffff::2"));
        assert_ne!(wide("2001:db8:1::1"), wide("2001:db8::1"));
        assert_eq!(wide("::ffff:192.0.2.1"), wide("192.0.2.200"));
        assert_ne!(wide("192.0.3.1"), wide("192.0.2.1"));
    }
}
