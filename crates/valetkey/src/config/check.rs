//! What the types cannot say: ranges, files, and what `serve` refuses.

use super::keys::{Config, MetadataDocuments};
use super::values::{DatabaseUrl, Span};
use crate::{logging, wire};
use url::{Host, Url};
use valetkey_core::manage::apply::SETTINGS;
use valetkey_core::time::Seconds;

/// A key and what is wrong with its value.
pub(crate) type Wrong = (&'static str, String);

/// The rules of every command.
pub(crate) fn check(config: &Config) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    ranges(config, &mut wrong);
    relations(config, &mut wrong);
    if let Some(issuer) = &config.issuer
        && let Err(message) = check_issuer(issuer)
    {
        wrong.push(("issuer", message));
    }
    if let Err(message) = logging::filter(&config.log.level) {
        wrong.push(("log.level", message));
    }
    if let Some(url) = &config.database_url
        && let Err(message) = check_database(url)
    {
        wrong.push(("database_url", message));
    }
    let documents = &config.registration;
    let listed = !documents.metadata_documents_allow.0.is_empty();
    if documents.metadata_documents == MetadataDocuments::AllowList && !listed {
        let message = "name the hosts or addresses: with an empty list no document is read";
        wrong.push(("registration.metadata_documents_allow", message.to_owned()));
    }
    wrong
}

/// What only a server needs.
pub(crate) fn check_serve(config: &Config) -> Vec<Wrong> {
    if config.issuer.is_none() {
        let message = "`issuer` is missing: give the public address of this server, such as \
                       issuer = \"https://id.example.com\" (or try `valetkey dev`)";
        return vec![("issuer", message.to_owned())];
    }
    Vec::new()
}

/// RFC 8414 §2, and what makes two spellings of one issuer impossible: it is compared byte for byte everywhere.
pub(crate) fn check_issuer(text: &str) -> Result<(), String> {
    let url =
        Url::parse(text).map_err(|_| "expected an address such as \"https://id.example.com\"".to_owned())?;
    if !matches!(url.scheme(), "https" | "http") || url.host().is_none() {
        return Err("expected an https address such as \"https://id.example.com\"".to_owned());
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err("an http issuer must be this machine (localhost, 127.0.0.1 or [::1]); \
                    use https, ended here or at a reverse proxy in front"
            .to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(
            "an issuer has no query and no fragment (RFC 8414 §2): remove what follows `?` or `#`".to_owned()
        );
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("an issuer has no user name and no password in it".to_owned());
    }
    if url.path() != "/" {
        return Err(
            "an issuer with a path is not supported: give this server a host name of its own".to_owned()
        );
    }
    let canonical = url.as_str().trim_end_matches('/');
    if text == canonical {
        return Ok(());
    }
    Err(format!("write the issuer as \"{canonical}\": it is compared letter by letter everywhere"))
}

/// Whether only this machine can reach the URL's host.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whether the address of a database can be understood.
fn check_database(url: &DatabaseUrl) -> Result<(), String> {
    if url.is_postgres() { wire::check_database(&url.0) } else { database_path(url).map(drop) }
}

/// The path in `sqlite:PATH`.
pub(crate) fn database_path(url: &DatabaseUrl) -> Result<&str, String> {
    let path = url.0.strip_prefix("sqlite:").map(|path| path.strip_prefix("//").unwrap_or(path));
    path.filter(|path| !path.is_empty() && *path != ":memory:")
        .ok_or_else(|| "expected \"sqlite:PATH\", a file, or \"postgres://user@host/database\"".to_owned())
}

fn ranges(config: &Config, wrong: &mut Vec<Wrong>) {
    let limits = &config.http.limits;
    for (name, why) in crate::wire::lifetimes(config).wrong() {
        // Their names are those that `apply` knows too.
        let key = SETTINGS.iter().find(|key| key.strip_prefix("lifetimes.") == Some(name));
        wrong.push((key.unwrap_or(&"lifetimes"), why.to_string()));
    }
    let second = Seconds(1);
    let answer = config.gateway.response_timeout.unwrap_or(Span(second));
    for (key, value, least, most) in [
        ("http.limits.header_timeout", limits.header_timeout, second, Seconds::minutes(5)),
        ("http.limits.body_timeout", limits.body_timeout, second, Seconds::minutes(10)),
        ("http.limits.idle_timeout", limits.idle_timeout, second, Seconds::hours(1)),
        ("http.limits.request_timeout", limits.request_timeout, second, Seconds::hours(1)),
        ("http.limits.drain_timeout", limits.drain_timeout, second, Seconds::minutes(10)),
        ("gateway.connect_timeout", config.gateway.connect_timeout, second, Seconds(60)),
        ("gateway.response_timeout", answer, second, limits.request_timeout.0),
        ("outbound.timeout", config.outbound.timeout, second, Seconds(60)),
        ("login.acr.fresh_for", config.login.acr.fresh_for, second, Seconds::hours(24)),
    ] {
        if value.0 < least || value.0 > most {
            wrong.push((key, format!("{value} is outside the range {} to {}", Span(least), Span(most))));
        }
    }
    let count = |own: u32| usize::try_from(own).unwrap_or(usize::MAX);
    let accounts = &config.accounts;
    for (key, value, least, most) in [
        ("http.limits.max_header_bytes", limits.max_header_bytes, 8192, 1 << 20),
        ("http.limits.max_body_bytes", limits.max_body_bytes, 4096, 16 << 20),
        ("http.limits.max_connections", limits.max_connections, 16, 1_000_000),
        ("gateway.max_body_bytes", config.gateway.max_body_bytes, 4096, 16 << 30),
        ("registration.per_hour", count(config.registration.per_hour), 1, 1_000_000),
        ("accounts.sign_ups_per_hour", count(accounts.sign_ups_per_hour), 1, 1_000_000),
        (
            "accounts.sign_ups_per_hour_and_network",
            count(accounts.sign_ups_per_hour_and_network),
            1,
            1_000_000,
        ),
        ("accounts.sign_ups_per_ten_minutes", count(accounts.sign_ups_per_ten_minutes), 1, 1_000_000),
        ("login.parallel_hashes", config.login.parallel_hashes.unwrap_or(1), 1, 64),
    ] {
        if value < least || value > most {
            wrong.push((key, format!("{value} is outside the range {least} to {most}")));
        }
    }
}

fn relations(config: &Config, wrong: &mut Vec<Wrong>) {
    for (key, list) in
        [("http.listen", &config.http.listen), ("management.listen", &config.management.listen)]
    {
        if list.0.is_empty() {
            wrong.push((key, "needs at least one address".to_owned()));
        }
    }
    let shared =
        config.http.listen.0.iter().find(|own| own.port() != 0 && config.management.listen.0.contains(own));
    if let Some(address) = shared {
        wrong.push((
            "management.listen",
            format!("{address} is also in http.listen: metrics are not for the public"),
        ));
    }
    certificates(config, wrong);
    let mut seen = std::collections::HashSet::new();
    for (_, alias) in config.http.aliases.pairs() {
        if !seen.insert(alias) {
            wrong.push(("http.aliases", format!("{alias} stands for two endpoints: keep one")));
        }
    }
}

fn certificates(config: &Config, wrong: &mut Vec<Wrong>) {
    let own = &config.http.client_certificates;
    if !own.listen.0.is_empty() && (own.certificate_file.is_none() || own.key_file.is_none()) {
        let message = "needs certificate_file and key_file: this server ends TLS there itself";
        wrong.push(("http.client_certificates.listen", message.to_owned()));
    }
    if own.header.is_some() && config.http.trusted_proxies.0.is_empty() {
        let message = "is read from nobody: list the proxies in http.trusted_proxies";
        wrong.push(("http.client_certificates.header", message.to_owned()));
    }
    if own.header.as_ref().is_some_and(|name| name.parse::<http::HeaderName>().is_err()) {
        wrong.push(("http.client_certificates.header", "is no header's name".to_owned()));
    }
    if let Some(url) = &own.url
        && let Err(message) = check_issuer(url)
    {
        wrong.push(("http.client_certificates.url", message));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc8414_section_2_an_issuer_is_https_and_written_one_way() {
        for (issuer, want) in [
            ("https://id.example.com", None),
            ("https://id.example.com:8443", None),
            ("http://localhost:8080", None),
            ("http://127.0.0.1:8080", None),
            ("http://[::1]:8080", None),
            ("http://id.example.com", Some("an http issuer must be this machine")),
            ("http://localhost.example.com", Some("an http issuer must be this machine")),
            ("http://10.0.0.1", Some("an http issuer must be this machine")),
            ("https://id.example.com/", Some("write the issuer as \"https://id.example.com\"")),
            ("https://ID.example.com", Some("write the issuer as \"https://id.example.com\"")),
            ("https://id.example.com:443", Some("write the issuer as \"https://id.example.com\"")),
            ("https://id.example.com/auth", Some("a path is not supported")),
            ("https://id.example.com?x=1", Some("no query")),
            ("https://id.example.com/#x", Some("no query")),
            ("https://me@id.example.com", Some("no user name")),
            ("id.example.com", Some("expected an address")),
            ("ftp://id.example.com", Some("expected an https address")),
        ] {
            let got = check_issuer(issuer).err();
            match want {
                None => assert_eq!(got, None, "{issuer}"),
                Some(part) => {
                    assert!(got.as_deref().is_some_and(|text| text.contains(part)), "{issuer}: {got:?}");
                }
            }
        }
    }

    #[test]
    fn a_database_is_a_sqlite_file_or_a_postgresql_server() {
        let url = |text: &str| DatabaseUrl(text.to_owned());
        assert_eq!(database_path(&url("sqlite:data/v.db")), Ok("data/v.db"));
        assert_eq!(database_path(&url("sqlite:///var/v.db")), Ok("/var/v.db"));
        assert_eq!(check_database(&url("postgres://v:p@db.example/valetkey")), Ok(()));
        for bad in ["postgres:///valetkey", "sqlite:", "sqlite::memory:", "mysql:x", "/var/v.db"] {
            assert!(check_database(&url(bad)).is_err(), "{bad}");
        }
    }
}
