//! Where the database is: what `database_url` may say, and what it means where it is silent.

use super::tls::Trust;
use crate::error::OpenError;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

/// How many connections a server keeps at most, beside the one that listens.
const POOL: usize = 16;
/// Until a host has answered that is there.
const CONNECT: Duration = Duration::from_secs(1);
/// Until a statement is given up by the database: before the caller gives up waiting.
const STATEMENT: Duration = Duration::from_millis(1700);

/// A database's address, taken apart: a configuration for each host, tried one beside the other.
#[derive(Debug, Clone)]
pub(super) struct Address {
    pub(super) hosts: Vec<Config>,
    pub(super) trust: Trust,
    /// Whether any host is reached over TLS.
    pub(super) encrypted: bool,
    pub(super) pool: usize,
    pub(super) statement_timeout: Duration,
    /// For people: without a password.
    pub(super) shown: String,
}

fn wrong(why: impl Into<String>) -> OpenError {
    OpenError::Address { why: why.into() }
}

/// What the address says of encryption.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encryption {
    Unsaid,
    Off,
    Verified,
}

/// The parameters that we understand ourselves; the rest is the driver's.
struct Own {
    encryption: Encryption,
    trust: Trust,
    pool: usize,
    statement_timeout: Duration,
    rest: String,
}

impl Address {
    /// Reads `postgres://user:password@host:port,host:port/database?parameter=value`.
    pub(super) fn parse(url: &str) -> Result<Self, OpenError> {
        let (scheme, after) = url.split_once("://").ok_or_else(|| wrong("expected postgres://…"))?;
        if !matches!(scheme, "postgres" | "postgresql") {
            return Err(wrong("expected postgres://…"));
        }
        let (place, query) = after.split_once('?').unwrap_or((after, ""));
        let (authority, database) = place.split_once('/').unwrap_or((place, ""));
        let (login, hosts) = authority.rsplit_once('@').map_or(("", authority), |(l, h)| (l, h));
        let own = Own::read(query)?;
        let login = if login.is_empty() { String::new() } else { format!("{login}@") };
        let mut configs = Vec::new();
        for host in hosts.split(',') {
            let text = format!("postgresql://{login}{host}/{database}?{}", own.rest);
            // The driver's words may repeat the address, and with it a password.
            let config: Config = text.parse().map_err(|_| {
                wrong("it cannot be read: look at its parameters, and write special characters as %XX")
            })?;
            configs.push(config);
        }
        let mut encrypted = false;
        for config in &mut configs {
            encrypted |= settle(config, own.encryption)?;
        }
        let shown = format!("postgres://{hosts}/{database}");
        let (trust, pool) = (own.trust, own.pool);
        Ok(Self { hosts: configs, trust, encrypted, pool, statement_timeout: own.statement_timeout, shown })
    }
}

/// Fills in what the address leaves open. Answers whether this host is reached over TLS.
fn settle(config: &mut Config, encryption: Encryption) -> Result<bool, OpenError> {
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        return Err(wrong("it names no host"));
    }
    let local =
        config.get_hosts().iter().all(is_local) && config.get_hostaddrs().iter().all(IpAddr::is_loopback);
    let encrypt = match encryption {
        Encryption::Unsaid => !local,
        Encryption::Off => false,
        Encryption::Verified => !config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_))),
    };
    config.ssl_mode(if encrypt { SslMode::Require } else { SslMode::Disable });
    if config.get_application_name().is_none() {
        config.application_name("valetkey");
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT);
    }
    if config.get_target_session_attrs() == TargetSessionAttrs::Any {
        // Codes and refresh tokens are never read from a replica.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    }
    config.keepalives_idle(Duration::from_secs(10));
    config.tcp_user_timeout(Duration::from_secs(5));
    Ok(encrypt)
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost"
                || name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        }
    }
}

impl Own {
    fn read(query: &str) -> Result<Self, OpenError> {
        let mut own = Self {
            encryption: Encryption::Unsaid,
            trust: Trust::default(),
            pool: POOL,
            statement_timeout: STATEMENT,
            rest: String::new(),
        };
        let (mut certificate, mut key) = (None, None);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let file = || Some(PathBuf::from(decoded(value)));
            match name {
                "sslmode" => own.encryption = encryption(value)?,
                "sslrootcert" if value == "system" => {}
                "sslrootcert" => own.trust.authorities = file(),
                "sslcert" => certificate = file(),
                "sslkey" => key = file(),
                "pool_size" => own.pool = number(name, value, 1, 1000)?,
                "statement_timeout" => {
                    let millis = number(name, value, 50, 60_000)?;
                    own.statement_timeout = Duration::from_millis(millis as u64);
                }
                _ => {
                    own.rest.push_str(pair);
                    own.rest.push('&');
                }
            }
        }
        own.trust.own = match (certificate, key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => return Err(wrong("sslcert and sslkey belong together")),
        };
        Ok(own)
    }
}

fn encryption(value: &str) -> Result<Encryption, OpenError> {
    match value {
        "disable" => Ok(Encryption::Off),
        // What asks for encryption gets all of it: without a look at the certificate it keeps nobody out.
        "require" | "verify-ca" | "verify-full" => Ok(Encryption::Verified),
        _ => Err(wrong(
            "sslmode is verify-full (the default for other machines) or disable; anything between lets a \
             man in the middle read along",
        )),
    }
}

fn number(name: &str, value: &str, least: usize, most: usize) -> Result<usize, OpenError> {
    let number = value.parse().ok().filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| wrong(format!("{name} is a number from {least} to {most}")))
}

/// `%2F` and the like.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        match hex.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modes(url: &str) -> Result<Vec<SslMode>, String> {
        let address = Address::parse(url).map_err(|error| error.to_string())?;
        Ok(address.hosts.iter().map(Config::get_ssl_mode).collect())
    }

    #[test]
    fn another_machine_is_reached_over_verified_tls_unless_the_address_says_otherwise() {
        use SslMode::{Disable, Require};
        for (url, want) in [
            ("postgres://v:p@db.example/valetkey", vec![Require]),
            ("postgres://v:p@10.0.0.7:5433/valetkey", vec![Require]),
            ("postgresql://v@a.example,b.example:5433/valetkey?sslmode=verify-full", vec![Require, Require]),
            ("postgres://v@db.example/valetkey?sslmode=require", vec![Require]),
            ("postgres://v@db.example/valetkey?sslmode=disable", vec![Disable]),
            ("postgres://v@127.0.0.1/valetkey", vec![Disable]),
            ("postgres://v@[::1]:5433/valetkey", vec![Disable]),
            ("postgres://v@localhost/valetkey?sslmode=verify-full", vec![Require]),
            ("postgres://v@%2Fvar%2Frun%2Fpostgresql/valetkey", vec![Disable]),
            ("postgres://v@localhost,db.example/valetkey", vec![Disable, Require]),
        ] {
            assert_eq!(modes(url), Ok(want), "{url}");
        }
    }

    #[test]
    fn an_address_that_would_let_others_read_along_or_makes_no_sense_is_refused() {
        for (url, words) in [
            ("postgres://v@db.example/valetkey?sslmode=prefer", "man in the middle"),
            ("postgres://v@db.example/valetkey?sslmode=allow", "man in the middle"),
            ("postgres:///valetkey", "names no host"),
            ("postgres://v@db.example/valetkey?sslcert=a.pem", "belong together"),
            ("postgres://v@db.example/valetkey?pool_size=0", "pool_size is a number"),
            ("postgres://v:swordfish@db.example/valetkey?colour=red", "cannot be read"),
            ("mysql://db/valetkey", "expected postgres://"),
        ] {
            let refusal = modes(url).expect_err(url);
            assert!(refusal.contains(words) && !refusal.contains("swordfish"), "{url}: {refusal}");
        }
    }

    #[test]
    fn what_the_address_leaves_open_has_a_bound() {
        let url = "postgres://v:p@a.example,b.example/valetkey?pool_size=4&statement_timeout=900&sslrootcert=%2Fca.pem";
        let address = Address::parse(url).expect("good");
        assert_eq!((address.pool, address.statement_timeout), (4, Duration::from_millis(900)));
        assert_eq!(address.trust.authorities, Some(PathBuf::from("/ca.pem")));
        assert_eq!(address.shown, "postgres://a.example,b.example/valetkey");
        for config in &address.hosts {
            assert_eq!(config.get_connect_timeout(), Some(&CONNECT));
            assert_eq!(config.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
        }
    }
}
