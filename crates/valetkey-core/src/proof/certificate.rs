//! RFC 8705 §2, §3 — mutual TLS: the certificate that a caller holds the key of, and whom it names

use crate::secret::digest_of;
use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use serde_json::Value;
use std::net::IpAddr;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;
use x509_parser::x509::{X509Name, X509Version};

/// SHA-256 over the DER form: `x5t#S256`.
pub type Fingerprint = [u8; 32];

/// A certificate whose key the caller proved to hold, in the handshake with us or with a proxy that we trust.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    pub fingerprint: Fingerprint,
    der: Vec<u8>,
    /// Most specific first, as RFC 4514 writes it; each part may have several values.
    subject: Vec<Vec<(String, String)>>,
    dns: Vec<String>,
    uris: Vec<String>,
    ips: Vec<IpAddr>,
    emails: Vec<String>,
    /// Why no authority that the operator named vouches for it. `None`: one does.
    pub unvouched: Option<&'static str>,
}

/// Attribute types by their short names (RFC 4514 §3, and those that OpenSSL prints).
const NAMES: [(&str, &str); 16] = [
    ("2.5.4.3", "CN"),
    ("2.5.4.4", "SN"),
    ("2.5.4.5", "SERIALNUMBER"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.9", "STREET"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.12", "TITLE"),
    ("2.5.4.42", "GN"),
    ("2.5.4.97", "ORGANIZATIONIDENTIFIER"),
    ("0.9.2342.19200300.100.1.1", "UID"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("1.2.840.113549.1.9.1", "EMAILADDRESS"),
    ("2.5.4.15", "BUSINESSCATEGORY"),
];

impl Certificate {
    /// Reads the DER form. `None`: no certificate, or more than one.
    pub fn read(der: &[u8], unvouched: Option<&'static str>) -> Option<Self> {
        let (rest, parsed) = X509Certificate::from_der(der).ok()?;
        if !rest.is_empty() {
            return None;
        }
        let mut own = Self {
            fingerprint: fingerprint(der),
            der: der.to_vec(),
            subject: subject(parsed.subject())?,
            dns: Vec::new(),
            uris: Vec::new(),
            ips: Vec::new(),
            emails: Vec::new(),
            unvouched,
        };
        // Two extensions of the kind make no certificate (RFC 5280 §4.2).
        let names = parsed.subject_alternative_name().ok()?;
        for name in names.iter().flat_map(|names| &names.value.general_names) {
            match name {
                GeneralName::DNSName(name) => own.dns.push(name.to_ascii_lowercase()),
                GeneralName::URI(uri) => own.uris.push((*uri).to_owned()),
                GeneralName::RFC822Name(mail) => own.emails.push((*mail).to_owned()),
                GeneralName::IPAddress(bytes) => own.ips.extend(address(bytes)),
                _ => {}
            }
        }
        Some(own)
    }

    /// RFC 5280 §4.1.2.1: why it is nobody's, whoever vouches for it. `None`: it may be somebody's.
    pub fn flaw(der: &[u8]) -> Option<&'static str> {
        let Ok((_, parsed)) = X509Certificate::from_der(der) else { return Some("it cannot be read") };
        (parsed.version() != X509Version::V3)
            .then_some("it is X.509 v1 or v2, and client certificates are v3: issue it with extensions")
    }

    /// RFC 5280 §4.2.1.9: whether it is an authority's, which proves no client. A self-signed one may be both.
    pub fn is_of_an_authority(der: &[u8]) -> bool {
        X509Certificate::from_der(der).is_ok_and(|(_, parsed)| parsed.is_ca())
    }

    /// RFC 8705 §2.1.2, `tls_client_auth_subject_dn`: the same name, however its text is spaced and escaped.
    pub fn has_subject(&self, text: &str) -> bool {
        parse_name(text).is_some_and(|name| !name.is_empty() && name == self.subject)
    }

    pub fn has_dns(&self, name: &str) -> bool {
        self.dns.contains(&name.to_ascii_lowercase())
    }

    pub fn has_uri(&self, uri: &str) -> bool {
        self.uris.iter().any(|own| own == uri)
    }

    pub fn has_ip(&self, text: &str) -> bool {
        text.parse::<IpAddr>().is_ok_and(|ip| self.ips.contains(&ip))
    }

    /// RFC 5280 §4.2.1.6: the host's case means nothing, the mailbox's does.
    pub fn has_email(&self, text: &str) -> bool {
        let parts =
            |mail: &str| mail.rsplit_once('@').map(|(own, host)| (own.to_owned(), host.to_ascii_lowercase()));
        parts(text).is_some_and(|asked| self.emails.iter().any(|own| parts(own).as_ref() == Some(&asked)))
    }

    /// RFC 8705 §2.2.2: whether one of these keys came with this very certificate (`x5c`, RFC 7517 §4.7, or `x5t#S256`).
    pub fn is_in(&self, set: &Value) -> bool {
        let keys = set.get("keys").and_then(Value::as_array);
        keys.into_iter().flatten().any(|key| {
            let first = key.get("x5c").and_then(|chain| chain.get(0)).and_then(Value::as_str);
            let whole = first.and_then(|text| BASE64.decode(text.as_bytes()).ok());
            let named = key.get("x5t#S256").and_then(Value::as_str);
            whole.is_some_and(|der| der == self.der)
                || named.is_some_and(|text| text == to_text(&self.fingerprint))
        })
    }

    pub fn der(&self) -> &[u8] {
        &self.der
    }
}

pub fn fingerprint(der: &[u8]) -> Fingerprint {
    let mut own = [0; 32];
    own.copy_from_slice(digest(&SHA256, der).as_ref());
    own
}

/// `x5t#S256` (RFC 8705 §3.1).
pub fn to_text(fingerprint: &[u8]) -> String {
    BASE64URL_NOPAD.encode(fingerprint)
}

pub fn parse(text: &str) -> Option<Fingerprint> {
    BASE64URL_NOPAD.decode(text.as_bytes()).ok()?.try_into().ok()
}

/// What stands where a key's thumbprint stands otherwise, in refresh tokens: never one of a key.
pub fn as_key(fingerprint: &Fingerprint) -> [u8; 32] {
    digest_of(&[b"x5t#S256", fingerprint])
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    four.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}

type Name = Vec<Vec<(String, String)>>;

fn subject(name: &X509Name<'_>) -> Option<Name> {
    let mut parts = Vec::new();
    for part in name.iter_rdn() {
        let mut values = Vec::new();
        for attribute in part.iter() {
            let id = attribute.attr_type().to_id_string();
            values.push((id, attribute.as_str().ok()?.to_owned()));
        }
        values.sort();
        parts.push(values);
    }
    parts.reverse();
    Some(parts)
}

/// Whether a text is such a name at all.
pub fn is_name(text: &str) -> bool {
    parse_name(text).is_some_and(|name| !name.is_empty())
}

/// RFC 4514 §3: `CN=a,O=b\, c`.
fn parse_name(text: &str) -> Option<Name> {
    let mut parts = Vec::new();
    for part in split(text, ',') {
        let mut values: Vec<_> = split(&part, '+').iter().map(|one| attribute(one)).collect::<Option<_>>()?;
        values.sort();
        parts.push(values);
    }
    Some(parts)
}

/// Cuts at a mark that no backslash precedes.
fn split(text: &str, mark: char) -> Vec<String> {
    let (mut parts, mut escaped) = (vec![String::new()], false);
    for c in text.chars() {
        let cut = c == mark && !escaped;
        escaped = c == '\\' && !escaped;
        match parts.last_mut() {
            Some(last) if !cut => last.push(c),
            _ => parts.push(String::new()),
        }
    }
    parts
}

fn attribute(text: &str) -> Option<(String, String)> {
    let (kind, value) = text.trim_start().split_once('=')?;
    let kind = kind.trim().to_ascii_uppercase();
    let dotted = kind.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let named = NAMES.iter().find(|(_, name)| *name == kind).map(|(id, _)| (*id).to_owned());
    Some((if dotted { kind } else { named? }, unescape(value.trim_start())?))
}

fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let (mut rest, mut kept) = (text.as_bytes(), 0);
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'\\' {
            bytes.push(*first);
            kept = if *first == b' ' { kept } else { bytes.len() };
            continue;
        }
        let hex = rest.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        if let Some(byte) = hex.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            bytes.push(byte);
            rest = &rest[2..];
        } else {
            let (own, tail) = rest.split_first()?;
            bytes.push(*own);
            rest = tail;
        }
        kept = bytes.len();
    }
    // Spaces at the end are part of the text around it, unless escaped.
    bytes.truncate(kept);
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc4514_section_3_one_name_however_it_is_written() {
        let name = parse_name("CN=Printer,O=Acme\\, Inc.,C=DE").expect("a name");
        assert_eq!(name[1], [("2.5.4.10".to_owned(), "Acme, Inc.".to_owned())]);
        for same in [
            "cn=Printer, o=Acme\\2C Inc., c=DE",
            "2.5.4.3=Printer,2.5.4.10=Acme\\, Inc.,2.5.4.6=DE",
            "CN=Printer , O=Acme\\, Inc. ,C=DE",
        ] {
            assert_eq!(parse_name(same).as_ref(), Some(&name), "{same}");
        }
        for other in [
            "C=DE,O=Acme\\, Inc.,CN=Printer",
            "CN=Printer,O=Acme\\, Inc.",
            "CN=printer,O=Acme\\, Inc.,C=DE",
            "CN=Printer,O=Acme, Inc.,C=DE",
            "CN=Printer+O=Acme\\, Inc.,C=DE",
            "",
            "Printer",
            "CN=Printer\\",
        ] {
            assert_ne!(parse_name(other).as_ref(), Some(&name), "{other}");
        }
    }

    #[test]
    fn what_is_no_certificate_names_nobody() {
        for der in [&b""[..], b"0", &[0x30, 0x80, 0, 0], &[0xff; 100]] {
            assert!(Certificate::read(der, None).is_none());
        }
    }
}
